# table.awk: lines of `classic`, of one or several runs, to Markdown tables. Each figure is the median over the runs.
# Usage: awk -v quantity=4 -v title=TEXT -f median.awk -f table.awk RESULTS      (4 median, 5 99th percentile, 6 CPU time)

BEGIN { FS = "\t" }

{
    key = $1 SUBSEP $2 SUBSEP $3
    values[key] = values[key] " " $quantity
    if (!(($1) in seen_place)) { seen_place[$1] = 1; place[++places] = $1 }
    if (!(($2) in seen_size)) { seen_size[$2] = 1; size[++sizes] = $2 }
}

END {
    for (p = 1; p <= places; p++) {
        printf "%s, %s\n\n", title, place[p] == "pinned" ? "all processes on one CPU" : "every process where the scheduler likes"
        printf "| %-7s | %11s | %10s | %12s | %7s | %9s | %7s |\n", "Payload", "unix stream", "unix relay", "classic call", "÷ relay", "sync call", "÷ relay"
        print "|---------|------------:|-----------:|-------------:|--------:|----------:|--------:|"
        for (s = 1; s <= sizes; s++) {
            u = median(values[place[p], size[s], "unix"]); r = median(values[place[p], size[s], "relay"])
            c = median(values[place[p], size[s], "classic"]); y = median(values[place[p], size[s], "sync"])
            printf "| %-7s | %11s | %10s | %12s | %7.2f | %9s | %7.2f |\n", bytes(size[s]), figure(u), figure(r), figure(c), c / r, figure(y), y / r
        }
        print ""
    }
}
