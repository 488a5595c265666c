#!/bin/sh
# A helper that has work to finish when it is told to stop.
trap 'echo "helper: flushed"; exit 0' TERM
echo "helper: ready"
while :; do sleep 1 & wait $!; done
