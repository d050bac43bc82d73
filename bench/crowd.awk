# crowd.awk: lines of `crowd`, of one or several runs, to a Markdown table. Each figure is the median over the runs.
# Usage: awk -f median.awk -f crowd.awk RESULTS

BEGIN {
    FS = "\t"
    columns = split("exchange sync dbus-daemon dbus-broker", column, " ")
    split("one-trap,synchronous,dbus-daemon,dbus-broker", head, ",")
}

{
    key = $2 " " $1
    times[key, $3] = times[key, $3] " " $4
    here[$3] = 1
    if (!(key in seen)) { seen[key] = 1; beside[++rows] = key }
}

END {
    print "Median time of a call of 8 B on a bus with a crowd, all processes on one CPU; max-connections=8000"
    print "(ways were measured in turns, crowds one after the other: compare along a line)\n"
    line = sprintf("| %-21s |", "Beside"); rule = "|-----------------------|"
    for (c = 1; c <= columns; c++) if (column[c] in here) { line = line sprintf(" %11s |", head[c]); rule = rule "------------:|" }
    print line "\n" rule
    for (i = 1; i <= rows; i++) {
        printf "| %-21s |", beside[i]
        for (c = 1; c <= columns; c++) if (column[c] in here) printf " %11s |", figure(median(times[beside[i], column[c]]))
        print ""
    }
    print ""
}
