# median.awk: what the tables have in common: the median of a list, and how figures are written.

function median(list, numbers, n, i, k, swap) {
    n = split(list, numbers, " ")
    for (i = 2; i <= n; i++)
        for (k = i; k > 1 && numbers[k] + 0 < numbers[k - 1] + 0; k--) {
            swap = numbers[k]; numbers[k] = numbers[k - 1]; numbers[k - 1] = swap
        }
    return n % 2 ? numbers[(n + 1) / 2] : (numbers[n / 2] + numbers[n / 2 + 1]) / 2
}

function bytes(n) {
    if (n >= 1048576 && n % 1048576 == 0) return n / 1048576 " MiB"
    if (n >= 1024 && n % 1024 == 0) return n / 1024 " KiB"
    return n " B"
}

function figure(us) { return sprintf(us < 100 ? "%.1f" : "%.0f", us) }
