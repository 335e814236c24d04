#!/usr/bin/env bash
# Runs dtc with each line of a file as its arguments and prints its status with what it wrote to standard error.
# What it writes to standard output is a mistake here, and is printed as one.
output=$(mktemp)
trap 'rm -f "$output"' EXIT
while read -r -a arguments; do
  messages=$(dtc "${arguments[@]}" 2>&1 >"$output" </dev/null) && status=0 || status=$?
  echo "$status $messages"
  [ ! -s "$output" ] || echo "on standard output: $(cat "$output")"
done <"$1"
