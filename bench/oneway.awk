# oneway.awk: lines of `oneway`, of one or several runs, to a Markdown table. Each figure is the median over the runs.
# Usage: awk -f median.awk -f oneway.awk RESULTS

BEGIN {
    FS = "\t"
    rows = split("exchange classic dbus-daemon dbus-broker relay unix", row, " ")
    split("one-trap,classic,dbus-daemon,dbus-broker,unix relay,unix stream", head, ",")
}

{
    rates[$1, $2] = rates[$1, $2] " " $3
    cpu[$1, $2] = cpu[$1, $2] " " $4
    here[$2] = 1
}

END {
    print "Messages of 64 B that nobody answers\n"
    print "|             | a second, free | on one CPU | CPU time, free | on one CPU |"
    print "|-------------|---------------:|-----------:|---------------:|-----------:|"
    for (i = 1; i <= rows; i++)
        if (row[i] in here)
            printf "| %-11s | %14.0f | %10.0f | %14.2f | %10.2f |\n", head[i], median(rates["free", row[i]]), median(rates["pinned", row[i]]),
                median(cpu["free", row[i]]), median(cpu["pinned", row[i]])
    print ""
}
