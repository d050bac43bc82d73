# steps.awk: lines of `steps`, of one or several runs, to a Markdown table. Each figure is the median over the runs.
# Usage: awk -f median.awk -f steps.awk RESULTS

BEGIN { FS = "\t" }

{
    if (!(($1, 2) in values)) what[++rows] = $1
    for (i = 2; i <= 5; i++) values[$1, i] = values[$1, i] " " $i
}

END {
    if (!rows) exit
    print "What a call of 8 B is made of, all processes on one CPU\n"
    print "|                        | median | CPU: caller | daemon | service |"
    print "|------------------------|-------:|------------:|-------:|--------:|"
    for (i = 1; i <= rows; i++)
        printf "| %-22s | %6.1f | %11.1f | %6.1f | %7.1f |\n", what[i], median(values[what[i], 2]), median(values[what[i], 3]),
            median(values[what[i], 4]), median(values[what[i], 5])
    print ""
}
