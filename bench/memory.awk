# memory.awk: lines of the group memory of bench/run to a Markdown table: broker, what, figure.
# Usage: awk -f median.awk -f memory.awk RESULTS

BEGIN { FS = "\t" }

{
    if (!($1 in seen)) { seen[$1] = 1; broker[++brokers] = $1 }
    if (!($2 in seen)) { seen[$2] = 1; what[++rows] = $2 }
    values[$1, $2] = values[$1, $2] " " $3
}

END {
    line = sprintf("| %-41s |", "Memory of the broker, bytes"); rule = "|-------------------------------------------|"
    for (c = 1; c <= brokers; c++) { line = line sprintf(" %11s |", broker[c]); rule = rule "------------:|" }
    print line "\n" rule
    for (r = 1; r <= rows; r++) {
        printf "| %-41s |", what[r]
        for (c = 1; c <= brokers; c++)
            if ((broker[c], what[r]) in values) printf " %11.0f |", median(values[broker[c], what[r]])
            else printf " %11s |", ""
        print ""
    }
    print ""
}
