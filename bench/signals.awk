# signals.awk: lines of `signals`, of one or several runs, to Markdown tables. Each figure is the median over the runs.
# Usage: awk -f median.awk -f signals.awk RESULTS

BEGIN { FS = "\t" }

{
    key = $1 SUBSEP $2 SUBSEP $3
    medians[key] = medians[key] " " $4
    tails[key] = tails[key] " " $5
    if ($1 == "crowd" && !($2 in seen_crowd)) { seen_crowd[$2] = 1; crowd[++crowds] = $2 }
    if ($1 == "audience" && !(($2, $3) in seen)) { seen[$2, $3] = 1; audience[++rows] = $2; size[rows] = $3 }
}

END {
    print "Time of a signal of 64 B to one listener, beside matches of others that it does not fit\n"
    print "| Matches | median | 99th percentile | ÷ none |"
    print "|--------:|-------:|----------------:|-------:|"
    for (i = 1; i <= crowds; i++) {
        m = median(medians["crowd", crowd[i], 64])
        if (i == 1) none = m
        printf "| %7d | %6s | %15s | %6.2f |\n", crowd[i], figure(m), figure(median(tails["crowd", crowd[i], 64])), m / none
    }
    print "\nTime of a signal to many listeners\n"
    print "| Listeners | Payload | signal | unix datagrams | ÷ datagrams |"
    print "|----------:|---------|-------:|---------------:|------------:|"
    for (i = 1; i <= rows; i++) {
        m = median(medians["audience", audience[i], size[i]]); s = median(medians["sockets", audience[i], size[i]])
        printf "| %9d | %-7s | %6s | %14s | %11.2f |\n", audience[i], bytes(size[i]), figure(m), figure(s), m / s
    }
    print ""
}
