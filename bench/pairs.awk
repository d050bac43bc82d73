# pairs.awk: lines of `pairs`, of one or several runs, to a Markdown table. Each figure is the median over the runs.
# Usage: awk -f median.awk -f pairs.awk RESULTS

BEGIN {
    FS = "\t"
    columns = split("exchange exchange-two sync sync-two dbus-daemon dbus-broker", column, " ")
    split("one-trap,on two buses,synchronous,on two buses,dbus-daemon,dbus-broker", head, ",")
}

{
    rates[$1, $2] = rates[$1, $2] " " $3
    here[$2] = 1
    if (!($1 in seen)) { seen[$1] = 1; count[++counts] = $1 }
}

END {
    print "Calls of 8 B a second, of all pairs together, every process where the scheduler likes\n"
    line = "| Pairs |"; rule = "|------:|"
    for (c = 1; c <= columns; c++) if (column[c] in here) { line = line sprintf(" %12s |", head[c]); rule = rule "-------------:|" }
    print line "\n" rule
    for (i = 1; i <= counts; i++) {
        printf "| %5d |", count[i]
        for (c = 1; c <= columns; c++) if (column[c] in here) printf " %12.0f |", median(rates[count[i], column[c]])
        print ""
    }
    print ""
}
