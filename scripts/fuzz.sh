#!/usr/bin/env bash
# Runs every fuzz target of the module for the given time: fuzz.sh 30s
set -euo pipefail
cd "$(dirname "$0")/.."
for package in $(go list ./...); do
	folder=$(go list -f '{{.Dir}}' "$package")
	for target in $(grep -hos '^func Fuzz[A-Za-z0-9_]*' "$folder"/*_test.go | sed 's/^func //' || true); do
		echo "$package $target"
		go test -run '^$' -fuzz "^$target\$" -fuzztime "${1:-30s}" "$package"
	done
done
