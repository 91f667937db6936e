#!/usr/bin/env bash
# Installs what the tests in this folder run, where it is missing: promtool,
# of Debian's package prometheus. For Debian and Ubuntu, as root or with sudo.
set -euo pipefail

command -v promtool >/dev/null && exit 0

as_root=
[ "$(id -u)" = 0 ] || as_root=sudo
if ! command -v apt-get >/dev/null; then
	echo "install: no apt-get here; please install promtool" >&2
	exit 1
fi
# The package starts a server of its own, which would take port 9090: not here.
policy=/usr/sbin/policy-rc.d
if [ ! -e $policy ]; then
	printf '#!/bin/sh\nexit 101\n' | $as_root tee $policy >/dev/null
	$as_root chmod +x $policy
	trap '$as_root rm -f $policy' EXIT
fi
$as_root apt-get update -qq
$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends prometheus
