# chart.awk: lines of `calls`, of one or several runs, to a chart: time of a call over the size of its payload, both scales logarithmic.
# Usage: awk -f median.awk -f chart.awk RESULTS > docs/performance.svg
# Which calls: awk -v place=free; pinned is what it shows without. Colours are told apart in light and in dark mode, and by their order at the right.

BEGIN {
    FS = "\t"
    if (place == "") place = "pinned"
    ways = split("dbus-daemon dbus-broker relay unix classic sync exchange", way, " ")
    split("dbus-daemon,dbus-broker,unix relay,unix stream,kdbusfs classic,kdbusfs synchronous,kdbusfs one-trap", label, ",")
    split("#953800 #d4600b #57606a #8c959f #54aeff #218bff #0550ae", light, " ")
    split("#ffb77c #f0883e #b1bac4 #7d8590 #1f6feb #58a6ff #a5d6ff", dark, " ")
    width = 760; height = 430; left = 62; right = 168; top = 52; bottom = 46
}

$1 == place && $3 !~ /^(grpc|one-trap|dotnet-)/ {
    values[$2, $3] = values[$2, $3] " " $4
    here[$3] = 1
    if (!($2 in seen)) { seen[$2] = 1; size[++sizes] = $2 }
}

END {
    if (!sizes) exit 1
    smallest = log(size[1]); largest = log(size[sizes])
    for (w = 1; w <= ways; w++)
        for (s = 1; s <= sizes && way[w] in here; s++) {
            us[w, s] = median(values[size[s], way[w]])
            if (!lowest || us[w, s] < lowest) lowest = us[w, s]
            if (us[w, s] > highest) highest = us[w, s]
        }
    from = int(log(lowest) / log(10)); to = log(highest) / log(10)
    to = to == int(to) ? to : int(to) + 1
    begin()
    axes()
    lines()
    print "</svg>"
}

function x_of(bytes_sent) { return left + (log(bytes_sent) - smallest) / (largest - smallest) * (width - left - right) }
function y_of(time) { return height - bottom - (log(time) / log(10) - from) / (to - from) * (height - top - bottom) }

function colour(name, value) { printf ".%s path { stroke: %s } .%s circle, .%s text { fill: %s }\n", name, value, name, name, value }

function begin(w) {
    printf "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" role=\"img\" aria-labelledby=\"title\">\n", width, height
    print "<title id=\"title\">Median time of a call over the size of its payload</title>"
    print "<style>"
    print "text { font: 12px system-ui, sans-serif; fill: #24292f } .name { font-size: 15px; font-weight: 600 } .quiet { fill: #57606a }"
    print ".grid { stroke: #d0d7de } path { fill: none; stroke-width: 2 } .ours path { stroke-width: 3 }"
    for (w = 1; w <= ways; w++) colour(way[w], light[w])
    print "@media (prefers-color-scheme: dark) {"
    print "text { fill: #e6edf3 } .quiet { fill: #9198a1 } .grid { stroke: #3d444d }"
    for (w = 1; w <= ways; w++) colour(way[w], dark[w])
    print "}"
    print "</style>"
    printf "<text class=\"name\" x=\"%d\" y=\"22\">Time of a call</text>\n", left
    printf "<text class=\"quiet\" x=\"%d\" y=\"40\">median; question and answer of the same size; %s</text>\n", left,
        (place == "pinned" ? "all processes on one CPU" : "every process where the scheduler likes") "; 8 MiB on kdbusfs: a recycled memfd"
}

function time_label(power) { return power < 3 ? 10 ^ power " µs" : power < 6 ? 10 ^ (power - 3) " ms" : 10 ^ (power - 6) " s" }

function axes(i, y, x) {
    for (i = from; i <= to; i++) {
        y = y_of(10 ^ i)
        printf "<line class=\"grid\" x1=\"%d\" y1=\"%.1f\" x2=\"%d\" y2=\"%.1f\"/>\n", left, y, width - right, y
        printf "<text class=\"quiet\" x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%s</text>\n", left - 8, y + 4, time_label(i)
    }
    for (i = 1; i <= sizes; i++) {
        x = x_of(size[i])
        printf "<line class=\"grid\" x1=\"%.1f\" y1=\"%d\" x2=\"%.1f\" y2=\"%d\"/>\n", x, height - bottom, x, height - bottom + 5
        printf "<text class=\"quiet\" x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%s</text>\n", x, height - bottom + 20, bytes(size[i])
    }
}

# Names stand where their lines end, from top to bottom, and move down where they would lie upon each other.
function lines(w, s, order, n, i, k, y, last) {
    for (w = 1; w <= ways; w++) {
        if (!(way[w] in here)) continue
        for (i = ++n; i > 1 && us[order[i - 1], sizes] < us[w, sizes]; i--) order[i] = order[i - 1]
        order[i] = w
    }
    last = -100
    for (i = 1; i <= n; i++) {
        w = order[i]
        y[i] = y_of(us[w, sizes]) + 4
        if (y[i] < last + 15) y[i] = last + 15
        last = y[i]
    }
    for (i = 1; i <= n; i++) {
        w = order[i]
        printf "<g class=\"%s%s\"><path d=\"", way[w], label[w] ~ /^kdbusfs/ ? " ours" : ""
        for (s = 1; s <= sizes; s++) printf "%s%.1f %.1f", s == 1 ? "M" : "L", x_of(size[s]), y_of(us[w, s])
        print "\"/>"
        for (s = 1; s <= sizes; s++) printf "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3\"/>", x_of(size[s]), y_of(us[w, s])
        printf "\n<text x=\"%d\" y=\"%.1f\">%s</text></g>\n", width - right + 12, y[i], label[w]
    }
}
