# metadata.awk: lines of `metadata`, of one or several runs, to a Markdown table. Each figure is the median over the runs.
# Usage: awk -f median.awk -f metadata.awk RESULTS

BEGIN { FS = "\t" }

{
    if (!($1 in sends)) what[++rows] = $1
    sends[$1] = sends[$1] " " $2
    receives[$1] = receives[$1] " " $3
    more[$1] = more[$1] " " $4
    bytes_of[$1] = $5
}

END {
    print "Time of SEND and RECV of a message that says who sent it\n"
    print "| The receiver wants         | bytes | SEND | RECV | more than nothing |"
    print "|----------------------------|------:|-----:|-----:|------------------:|"
    for (i = 1; i <= rows; i++)
        printf "| %-26s | %5d | %4.1f | %4.1f | %17.1f |\n", what[i], bytes_of[what[i]], median(sends[what[i]]), median(receives[what[i]]), median(more[what[i]])
    print ""
}
