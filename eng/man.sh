#!/usr/bin/env bash
# eng/man.sh [DIRECTORY]: makes the manual pages (man(7)) of packaging/man, or of another directory, from docs/*.N.md. The pages are kept
# in the repository, so that who packages needs nothing but them; a test sees that they are those of the texts.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=lib.sh
source "$root/eng/lib.sh"
(($# <= 1)) || fail 2 'usage: eng/man.sh [DIRECTORY]'
target=${1:-$root/packaging/man}
mkdir -p "$target"

# The part of Markdown that our pages are written in: headings, paragraphs, lists, tables, blocks of code, **bold** and `code`.
# A table of two columns becomes a list of terms; of a wider one, each further column is told with its title.
to_man() {
    awk -v version="$2" '
        function escape(text) {
            gsub(/\\/, "\\e", text)
            gsub(/-/, "\\-", text)
            return text
        }
        # `code` and **bold** are bold, *words* italic; what is code is not looked into. Links are their text.
        function inline(text,    out, at, end) {
            while (match(text, /\[[^]]*\]\([^)]*\)/)) {
                at = substr(text, RSTART, RLENGTH)
                sub(/^\[/, "", at); sub(/\]\(.*$/, "", at)
                text = substr(text, 1, RSTART - 1) at substr(text, RSTART + RLENGTH)
            }
            out = ""
            while ((at = match(text, /`|\*\*/)) > 0) {
                mark = substr(text, at, 1) == "`" ? "`" : "**"
                rest = substr(text, at + length(mark))
                end = index(rest, mark)
                if (end == 0) break
                out = out escape(substr(text, 1, at - 1)) "\\fB" escape(substr(rest, 1, end - 1)) "\\fR"
                text = substr(rest, end + length(mark))
            }
            out = out escape(text)
            while (match(out, /(^| )\*[A-Za-z][^*]*\*/)) {
                at = substr(out, RSTART, RLENGTH)
                gsub(/\*/, "", at)
                lead = substr(at, 1, 1) == " " ? " " : ""
                sub(/^ /, "", at)
                out = substr(out, 1, RSTART - 1) lead "\\fI" at "\\fR" substr(out, RSTART + RLENGTH)
            }
            return out
        }
        # A line of text must not be taken for a request.
        function say(text) { print (text ~ /^[.'\'']/ ? "\\&" : "") text }
        function cells(line,    n, i) {
            gsub(/\\\|/, "\001", line)
            sub(/^\| */, "", line); sub(/ *\|$/, "", line)
            n = split(line, cell, / *\| */)
            for (i = 1; i <= n; i++) gsub("\001", "|", cell[i])
            return n
        }
        /^```/ {
            if (code) { print ".fi\n.RE"; code = 0 } else { print ".PP\n.RS 4\n.nf"; code = 1 }
            open = 0
            next
        }
        code { say(escape($0)); next }
        /^# / {
            match($0, /\([0-9]\)/)
            page = substr($0, 3, RSTART - 3); section = substr($0, RSTART + 1, 1)
            printf ".\\\" Made from docs/%s.%s.md by eng/man.sh.\n.TH %s %s \"\" \"kdbusfs %s\"\n", page, section, toupper(page), section, version
            next
        }
        /^## / { print ".SH " toupper(inline(substr($0, 4))); open = 0; next }
        /^### / { print ".SS " inline(substr($0, 5)); open = 0; next }
        /^\|/ {
            n = cells($0)
            if ($0 ~ /^\|[-| :]+$/) next
            if (!table) { table = n; for (i = 1; i <= n; i++) title[i] = cell[i]; next }
            print ".TP"; say(inline(cell[1]))
            text = ""
            for (i = 2; i <= n; i++) {
                if (cell[i] == "") continue
                text = text (text == "" ? "" : ". ") (n > 2 && i > 2 && title[i] != "" ? title[i] ": " : "") cell[i]
            }
            say(text == "" ? "\\&" : inline(text))
            open = 0
            next
        }
        { table = 0 }
        /^\* / { print ".IP \\(bu 2"; say(inline(substr($0, 3))); open = 1; next }
        /^  [^ ]/ && open { say(inline(substr($0, 3))); next }
        /^$/ { open = 0; next }
        { if (!open) print ".PP"; open = 1; say(inline($0)) }
    ' "$1"
}

for page in "$root"/docs/*.[1-9].md; do
    to_man "$page" "$(sed -n 's/^.*<Version>\(.*\)<.*$/\1/p' "$root/Directory.Build.props")" >"$target/$(basename "$page" .md)"
done
