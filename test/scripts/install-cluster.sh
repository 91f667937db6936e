#!/usr/bin/env bash
# Installs what `make cluster` runs: etcd, containerd and the like from Debian's or Ubuntu's
# packages, as root or with sudo, and the programs of Kubernetes, which are compiled once, into
# a cache outside of the repository. Prints the directory of these programs.
#
#     install-cluster.sh        install what is missing
#     install-cluster.sh -n     print the directory only
set -euo pipefail
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
cd "$(dirname "$0")/../cluster/programs"

version=$(go list -m -f '{{.Version}}' k8s.io/kubernetes)
programs=${XDG_CACHE_HOME:-$HOME/.cache}/dnssecval-cluster/$version-$(sha256sum go.mod go.sum | sha256sum | cut -c1-12)
echo "$programs"
[ "${1:-}" != -n ] || exit 0

packages() {
	local missing='' as_root='' policy=/usr/sbin/policy-rc.d
	need() { # need FILE-OR-PROGRAM PACKAGE
		[ -e "$1" ] || command -v "$1" >/dev/null || missing="$missing $2"
	}
	need etcd etcd-server
	need containerd containerd
	need runc runc
	need /usr/lib/cni/ptp containernetworking-plugins
	need ip iproute2
	need iptables iptables
	need conntrack conntrack
	need busybox busybox-static
	need musl-gcc musl-tools
	need dig dnsutils
	need prometheus prometheus
	need yq yq
	[ -n "$missing" ] || return 0
	[ "$(id -u)" = 0 ] || as_root=sudo
	if ! command -v apt-get >/dev/null; then
		echo "install-cluster: no apt-get here; please install:$missing" >&2
		return 1
	fi
	# Don't let the packages start their servers.
	if [ ! -e $policy ]; then
		printf '#!/bin/sh\nexit 101\n' | $as_root tee $policy >/dev/null
		$as_root chmod +x $policy
		trap '$as_root rm -f $policy' EXIT
	fi
	$as_root apt-get update -qq
	# shellcheck disable=SC2086 # a list of packages
	$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing
}

# One program after the other: what a build that was interrupted has compiled is kept.
kubernetes() {
	local stamp=k8s.io/component-base/version minor=${version#v1.}
	mkdir -p "$programs"
	for program in $(sed -n 's#^\tk8s.io/kubernetes/cmd/##p' go.mod); do
		[ ! -x "$programs/$program" ] || continue
		echo "install-cluster: building $program $version" >&2
		CGO_ENABLED=0 go build -trimpath -o "$programs/$program.new" \
			-ldflags "-s -w -X $stamp.gitVersion=$version -X $stamp.gitMajor=1 -X $stamp.gitMinor=${minor%%.*}" \
			"k8s.io/kubernetes/cmd/$program"
		mv "$programs/$program.new" "$programs/$program"
	done
}

packages >&2
kubernetes
