# run-cost.awk: lines of `run-cost`, of one or several runs, to a Markdown table. Each figure is the median over the runs.
# Usage: awk -f median.awk -f run-cost.awk RESULTS

BEGIN { FS = "\t" }

{
    if (!($1 in without)) what[++rows] = $1
    without[$1] = without[$1] " " $2
    with[$1] = with[$1] " " $3
    slow_without[$1] = slow_without[$1] " " $4
    slow_with[$1] = slow_with[$1] " " $5
}

END {
    print "Time of a call in a program without and with kdbusfs run\n"
    print "|                     | median | with it | 99th percentile | with it |"
    print "|---------------------|-------:|--------:|----------------:|--------:|"
    for (i = 1; i <= rows; i++)
        printf "| %-19s | %6.2f | %7.2f | %15.2f | %7.2f |\n", what[i], median(without[what[i]]), median(with[what[i]]),
            median(slow_without[what[i]]), median(slow_with[what[i]])
    print ""
}
