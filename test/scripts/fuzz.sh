#!/usr/bin/env bash
# Runs every fuzz target of the module for the given time, in parallel, and prints the number
# of executions of each: fuzz.sh 30s
# Further arguments select targets by name: fuzz.sh 5m FuzzChain
set -euo pipefail
cd "$(dirname "$0")/../.."
time=${1:-30s}
shift || true
wanted=" $* "
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export time work

run() { # run PACKAGE FOLDER TARGET
	local package=$1 folder=$2 target=$3 failed='' executed
	local binary=$work/${package//\//-}.test
	local log=$binary.$target.log
	cd "$folder"
	"$binary" -test.run '^$' -test.fuzz "^$target\$" -test.fuzztime "$time" -test.parallel 1 \
		-test.fuzzcachedir "$(go env GOCACHE)/fuzz/$package" >"$log" 2>&1 || failed=1
	executed=$(sed -n 's/.*execs: \([0-9]*\).*/\1/p' "$log" | tail -1)
	printf '%-50s %10s executions\n' "${package##*/dnssecval/} $target" "${executed:-0}"
	# A worker that is busy when the time ends makes go test fail, which is not an error here.
	if [ -n "$failed" ] && { grep -q 'Failing input' "$log" || ! grep -q 'context deadline exceeded' "$log"; }; then
		cat "$log"
		return 1
	fi
}
export -f run

for package in $(go list ./...); do
	folder=$(go list -f '{{.Dir}}' "$package")
	targets=
	for target in $(grep -hos '^func Fuzz[A-Za-z0-9_]*' "$folder"/*_test.go | sed 's/^func //' || true); do
		if [ "$wanted" = "  " ] || [[ "$wanted" == *" $target "* ]]; then
			targets="$targets $target"
		fi
	done
	[ -n "$targets" ] || continue
	go test -c -fuzz . -o "$work/${package//\//-}.test" "$package"
	for target in $targets; do
		printf '%s %s %s\n' "$package" "$folder" "$target" >>"$work/list"
	done
done
xargs -P "$(nproc)" -L 1 bash -c 'run "$@"' run <"$work/list"
