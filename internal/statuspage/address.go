package statuspage

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
)

// ParseAddress reads the argument of the word status: IP:PORT, or :PORT for the loopback
// address.
func ParseAddress(args []string) (netip.AddrPort, error) {
	if len(args) != 1 {
		return netip.AddrPort{}, errors.New("needs an address, such as 127.0.0.1:9253")
	}
	host, port, err := net.SplitHostPort(args[0])
	if host == "" || host == "localhost" {
		host = "127.0.0.1"
	}
	ip, errIP := netip.ParseAddr(host)
	number, errPort := strconv.ParseUint(port, 10, 16)
	if err != nil || errIP != nil || errPort != nil || number == 0 {
		return netip.AddrPort{}, fmt.Errorf("%q is not an address and a port: write 127.0.0.1:9253, or :9253, which is the same", args[0])
	}
	return netip.AddrPortFrom(ip.Unmap(), uint16(number)), nil
}

// Warnings returns what to tell the operator of an address that other machines may reach.
func Warnings(addr netip.AddrPort) []string {
	if !addr.IsValid() || addr.Addr().IsLoopback() {
		return nil
	}
	return []string{fmt.Sprintf("status: anyone who reaches %s sees which names failed and who asked for them; 127.0.0.1:%d is for this machine alone", addr, addr.Port())}
}
