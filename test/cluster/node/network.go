package node

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
)

// Addresses in the network namespace, which has no route to the outside. 198.18.0.0/15 is
// for benchmarks (RFC 2544).
const (
	Address    = "198.18.0.1"    // of the node
	Upstream   = "198.18.0.53"   // of the resolver that the cluster forwards to
	ClusterDNS = "198.18.2.10"   // of the Service kube-dns
	NodeLocal  = "169.254.20.10" // of the node's own cache

	podRange     = "198.18.1.0/24"
	serviceRange = "198.18.2.0/24"
)

// network adds the devices and addresses of the node. Both ends of the veth are here: there
// are kernels without dummy devices.
func network() error {
	err := run(
		"link set lo up",
		"link add node0 type veth peer name node1",
		"addr add "+Address+"/24 dev node0",
		"addr add "+Upstream+"/32 dev node0",
		"link set node0 up",
		"link set node1 up",
		// Packets to Services need some route, to get to where kube-proxy changes their destination.
		"route add "+serviceRange+" dev node0",
	)
	if err != nil {
		return err
	}
	return os.WriteFile("/proc/sys/net/ipv4/ip_forward", []byte("1"), 0o644)
}

// AddNodeLocal adds the address of the node's own cache to a veth with the name of the dummy
// device that the manifest's init container would add. It reports whether that was needed:
// not if the kernel has dummies.
func AddNodeLocal() (needed bool, err error) {
	if exec.Command("ip", "link", "add", "probe0", "type", "dummy").Run() == nil {
		return false, exec.Command("ip", "link", "del", "probe0").Run()
	}
	return true, run("link add dnssec0 type veth peer name dnssec1", "addr add "+NodeLocal+"/32 dev dnssec0",
		"link set dnssec0 up", "link set dnssec1 up")
}

// run runs commands of ip.
func run(lines ...string) error {
	for _, line := range lines {
		if out, err := exec.Command("ip", strings.Fields(line)...).CombinedOutput(); err != nil {
			return fmt.Errorf("ip %s: %w: %s", line, err, out)
		}
	}
	return nil
}
