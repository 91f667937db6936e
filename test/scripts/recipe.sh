#!/usr/bin/env bash
# Follows the README's recipes for a CoreDNS with dnssecval, and checks that each one
# builds and starts:
#   dnssec     CoreDNS's own build, with this plugin instead of its dnssec
#   dnssecval  CoreDNS's own build, with this plugin next to its dnssec
#   main       a hand-written main with a few plugins
# Arguments select recipes; the default is all.
set -euo pipefail

root=$(cd "$(dirname "$0")/../.." && pwd)
module=github.com/dnssecval/dnssecval
work=$(mktemp -d)
server=
trap 'end_server; chmod -R u+w "$work"; rm -rf "$work"' EXIT

end_server() {
	if [ -n "$server" ]; then
		kill "$server" 2>/dev/null || true
		wait "$server" 2>/dev/null || true
		server=
	fi
}

# own_build BINARY SED: builds CoreDNS after an edit of its plugin.cfg.
own_build() {
	local source
	source=$(cd "$root" && go list -m -f '{{.Dir}}' github.com/coredns/coredns)
	rm -rf "$work/coredns"
	cp -R "$source" "$work/coredns"
	chmod -R u+w "$work/coredns"
	cd "$work/coredns"
	sed -i.before "$2" plugin.cfg
	if cmp -s plugin.cfg plugin.cfg.before; then
		echo "recipe: CoreDNS's plugin.cfg has no line dnssec:dnssec any more" >&2
		exit 1
	fi
	go mod edit -replace "$module=$root" # this checkout, as the release that README's go get asks for
	go get "$module@v0.0.0"
	go run directives_generate.go
	go build -o "$1" .
}

# starts BINARY DIRECTIVE: checks that the binary knows the directive and serves with it.
starts() {
	local corefile=$work/Corefile log=$work/log
	"$1" -plugins | grep -qx " *\(dns\.\)\?$2" || { echo "recipe: $1 has no directive $2" >&2; exit 1; }
	printf '.:0 {\n\tbind 127.0.0.1\n\t%s {\n\t\tvalidate\n\t}\n\tforward . 127.0.0.1:1\n}\n' "$2" >"$corefile"
	"$1" -conf "$corefile" >"$log" 2>&1 &
	server=$!
	for _ in $(seq 100); do
		if grep -q '^CoreDNS-' "$log"; then # the last line that CoreDNS writes before it serves
			end_server
			return
		fi
		kill -0 "$server" 2>/dev/null || break
		sleep 0.1
	done
	echo "recipe: $1 does not start with $2:" >&2
	cat "$log" >&2
	exit 1
}

[ $# -gt 0 ] || set -- main dnssec dnssecval
for recipe; do
	begin=$SECONDS binary=$work/binary directive=dnssec
	case $recipe in
	dnssec) own_build "$binary" "s#^dnssec:dnssec\$#dnssec:$module/dnssec#" ;;
	dnssecval)
		directive=dnssecval
		own_build "$binary" "s#^dnssec:dnssec\$#&\\ndnssecval:$module#"
		;;
	main) (cd "$root" && go build -o "$binary" ./examples/nodelocal) ;;
	*) echo "usage: recipe.sh [dnssec] [dnssecval] [main]" >&2 && exit 2 ;;
	esac
	starts "$binary" "$directive"
	echo "recipe $recipe: builds and starts ($((SECONDS - begin)) s)"
done
