#!/bin/sh
# Run the parts of `make test` one after another. Each argument holds the words for make of one part.
# The run ends at the first part that fails. At the end a table shows how long each part took, and how
# to run the failed part again ($AGAIN is the command for that, if it is not plain make).
set -u
make=${MAKE:-make}
begun=$(date +%s)
table=

minutes() {
    printf '%d:%02d' $(($1 / 60)) $(($1 % 60))
}

row() {
    printf '%-24s %7s%s' "$1" "$2" "${3:+  $3}"
}

# $1 is the word for a part that was begun and did not succeed: stopped or failed.
finish() {
    trap - EXIT
    [ -z "$part" ] || add "$1"
    printf '\n%s%s\n' "$table" "$(row total "$(minutes $(($(date +%s) - begun)))" '')"
    [ -z "$part" ] || printf '%s; again: %s %s\n' "$1" "${AGAIN:-make}" "$part"
}

add() {
    table="$table$(row "$part" "$(minutes $(($(date +%s) - since)))" "$1")
"
}

part=
trap 'finish stopped' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
for part in "$@"; do
    since=$(date +%s)
    printf '\n== make %s\n' "$part"
    # shellcheck disable=SC2086
    if ! $make --no-print-directory $part; then
        finish failed
        exit 1
    fi
    add ''
done
part=
finish ''
