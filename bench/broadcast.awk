# broadcast.awk: lines of `broadcast`, of one or several runs, to Markdown tables. Each figure is the median over the runs.
# Usage: awk -f median.awk -f broadcast.awk RESULTS

BEGIN {
    FS = "\t"
    columns = split("exchange classic dbus-daemon dbus-broker", column, " ")
    split("one-trap,classic,dbus-daemon,dbus-broker", head, ",")
}

{
    rates[$1, $2, $3] = rates[$1, $2, $3] " " $4
    here[$3] = 1
    if (!($1 in seen_place)) { seen_place[$1] = 1; place[++places] = $1 }
    if (!($2 in seen_count)) { seen_count[$2] = 1; count[++counts] = $2 }
}

END {
    ours = "exchange" in here ? "exchange" : "classic"
    for (p = 1; p <= places; p++) {
        printf "Signals of 64 B, deliveries a second, %s\n\n", place[p] == "pinned" ? "all processes on one CPU" : "every process where the scheduler likes"
        line = "| Receivers |"; rule = "|----------:|"
        for (c = 1; c <= columns; c++) if (column[c] in here) { line = line sprintf(" %11s |", head[c]); rule = rule "------------:|" }
        if ("dbus-broker" in here) { line = line " × dbus-broker |"; rule = rule "--------------:|" }
        print line "\n" rule
        for (i = 1; i <= counts; i++) {
            printf "| %9d |", count[i]
            for (c = 1; c <= columns; c++) if (column[c] in here) printf " %11.0f |", median(rates[place[p], count[i], column[c]])
            if ("dbus-broker" in here) printf " %13.2f |", median(rates[place[p], count[i], ours]) / median(rates[place[p], count[i], "dbus-broker"])
            print ""
        }
        print ""
    }
}
