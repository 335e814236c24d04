#!/usr/bin/env bash
# Runs dtc with each line of a file as its arguments and prints its status with what it wrote to standard error.
# What it writes to standard output is a mistake here, and is printed as one.
while read -r -a arguments; do
  messages=$(dtc "${arguments[@]}" 2>&1 >/dev/null </dev/null) && status=0 || status=$?
  output=$(dtc "${arguments[@]}" 2>/dev/null </dev/null)
  echo "$status $messages${output:+ and on standard output: $output}"
done <"$1"
