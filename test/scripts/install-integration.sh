#!/usr/bin/env bash
# Installs the missing programs that `make integration` runs: BIND with its tools, Unbound,
# dig, Prometheus with promtool, Chromium. For Debian and Ubuntu, as root or with sudo.
set -euo pipefail
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin

missing=
need() { # need PROGRAM PACKAGE
	command -v "$1" >/dev/null || missing="$missing $2"
}
need named bind9
need dnssec-signzone bind9-utils
need unbound unbound
need dig dnsutils
need prometheus prometheus
need promtool prometheus
need chromium chromium
[ -n "$missing" ] || exit 0

as_root=
[ "$(id -u)" = 0 ] || as_root=sudo
if ! command -v apt-get >/dev/null; then
	echo "install-integration: no apt-get here; please install:$missing" >&2
	exit 1
fi
# Don't let the packages start their servers, which would take port 53.
policy=/usr/sbin/policy-rc.d
if [ ! -e $policy ]; then
	printf '#!/bin/sh\nexit 101\n' | $as_root tee $policy >/dev/null
	$as_root chmod +x $policy
	trap '$as_root rm -f $policy' EXIT
fi
$as_root apt-get update -qq
# shellcheck disable=SC2086 # a list of packages
$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing
