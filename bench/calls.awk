# calls.awk: lines of `calls`, `grpc` and `dotnet`, of one or several runs, to Markdown tables. Each figure is the median over the runs.
# Usage: awk -f median.awk -f calls.awk RESULTS

BEGIN {
    FS = "\t"
    columns = split("unix relay dbus-daemon dbus-broker classic sync exchange", column, " ")
    split("unix stream,unix relay,dbus-daemon,dbus-broker,classic,synchronous,one-trap", head, ",")
    others = split("relay dbus-daemon dbus-broker", other, " ")
    smalls = split("one-trap dotnet-blocking dotnet-typed dotnet-untyped grpc", small, " ")
    split("C: one-trap,.NET: a typed call that blocks,.NET: a typed call that is awaited,.NET: bytes that are awaited,gRPC in .NET", named, ",")
    title[4] = "Median time of a call"; title[5] = "99th percentile"; title[6] = "CPU time of all processes, a call"
}

{
    for (q = 4; q <= 6; q++) values[q, $1, $2, $3] = values[q, $1, $2, $3] " " $q
    here[$3] = 1
    if (!($1 in seen_place)) { seen_place[$1] = 1; place[++places] = $1 }
    if ($3 !~ /^(grpc|one-trap|dotnet-)/ && !($2 in seen_size)) { seen_size[$2] = 1; size[++sizes] = $2 }
}

END {
    ours = "exchange" in here ? "exchange" : "sync"
    for (q = 4; q <= 6; q++)
        for (p = 1; p <= places && sizes; p++) table(q, place[p])
    if ("dotnet-typed" in here)
        for (p = 1; p <= places; p++) compare(place[p])
    else if ("grpc" in here)
        for (p = 1; p <= places; p++)
            printf "gRPC over a unix socket (.NET), %s, %s: median %s, 99th percentile %s, CPU time %s.\n\n", bytes(8), where(place[p]),
                figure(value(4, place[p], 8, "grpc")), figure(value(5, place[p], 8, "grpc")), figure(value(6, place[p], 8, "grpc"))
}

function value(q, p, s, way) { return median(values[q, p, s, way]) }
function where(p) { return p == "pinned" ? "all processes on one CPU" : "every process where the scheduler likes" }

function table(q, p, line, rule, c, s, own) {
    line = sprintf("| %-7s |", "Payload"); rule = "|---------|"
    for (c = 1; c <= columns; c++)
        if (column[c] in here) { line = line sprintf(" %11s |", head[c]); rule = rule "------------:|" }
    for (c = 1; c <= others; c++)
        if (other[c] in here) { line = line sprintf(" ÷ %11s |", other[c]); rule = rule "--------------:|" }
    printf "%s, %s\n\n%s\n%s\n", title[q], where(p), line, rule
    for (s = 1; s <= sizes; s++) {
        printf "| %-7s |", bytes(size[s])
        for (c = 1; c <= columns; c++)
            if (column[c] in here) printf " %11s |", figure(value(q, p, size[s], column[c]))
        own = value(q, p, size[s], ours)
        for (c = 1; c <= others; c++)
            if (other[c] in here) printf " %13.2f |", own / value(q, p, size[s], other[c])
        print ""
    }
    printf "\n÷: %s divided by the one named. 8 MiB on kdbusfs: a recycled memfd.\n\n", ours == "exchange" ? "one-trap" : "synchronous"
}

# Programs in .NET beside the quickest in C, which was measured right before and after them.
function compare(p, c, q) {
    printf "Calls of %s in .NET, %s\n\n", bytes(8), where(p)
    printf "| %-34s | median |  ÷ C | 99th percentile |  ÷ C | CPU time |  ÷ C |\n", ""
    print "|------------------------------------|-------:|-----:|----------------:|-----:|---------:|-----:|"
    for (c = 1; c <= smalls; c++)
        if (small[c] in here) {
            printf "| %-34s |", named[c]
            for (q = 4; q <= 6; q++) printf " %*s | %4s |", q == 4 ? 6 : q == 5 ? 15 : 8, figure(value(q, p, 8, small[c])), ratio(q, p, small[c])
            print ""
        }
    print ""
}

function ratio(q, p, way) { return "one-trap" in here ? sprintf("%.2f", value(q, p, 8, way) / value(q, p, 8, "one-trap")) : "" }
