# descriptors.awk: lines of `descriptors`, of one or several runs, to a Markdown table. Each figure is the median over the runs.
# Usage: awk -f median.awk -f descriptors.awk RESULTS

BEGIN { FS = "\t" }

{
    if (!($1 in sends)) what[++rows] = $1
    sends[$1] = sends[$1] " " $2
    takes[$1] = takes[$1] " " $3
}

END {
    print "Time to send and to take what is not in the pool\n"
    print "| What                            |  SEND | taken |"
    print "|---------------------------------|------:|------:|"
    for (i = 1; i <= rows; i++) printf "| %-31s | %5.1f | %5.1f |\n", what[i], median(sends[what[i]]), median(takes[what[i]])
    print ""
}
