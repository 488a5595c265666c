#!/bin/sh
# Run the parts of `make test` one after another, each given as the words for make. The first that
# fails ends it. Last comes a table: how long each took, and how to run the one that failed again ($AGAIN
# says it where that is not plain make).
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

# $1: what a part that has begun and is not done is called.
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
