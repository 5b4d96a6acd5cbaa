package quota

import (
	"fmt"
	"net"
	"net/netip"
	"strings"
)

// KeyOf is what an address is known by: itself for IPv4, and for IPv6 its network of 64 bits, since whoever has one
// address of that has all of them. The zero Prefix stands for every address that is none.
func KeyOf(addr netip.Addr) netip.Prefix {
	addr = addr.Unmap().WithZone("")
	bits := 64
	if addr.Is4() {
		bits = 32
	}
	key, _ := addr.Prefix(bits) // fails for the zero address alone
	return key
}

// AddrOf is the address of a socket's other end, as KeyOf takes it; the zero Addr when it is of another network than IP.
func AddrOf(addr net.Addr) netip.Addr {
	var at netip.AddrPort
	switch addr := addr.(type) {
	case nil:
	case *net.UDPAddr:
		at = addr.AddrPort()
	case *net.TCPAddr:
		at = addr.AddrPort()
	default:
		at, _ = netip.ParseAddrPort(addr.String())
	}
	return at.Addr().Unmap().WithZone("")
}

// ParsePrefix reads addresses as people write them: one, as in 192.0.2.7, or a prefix, as in 2001:db8::/32. IPv4 addresses
// in those of IPv6 become what they are.
func ParsePrefix(text string) (netip.Prefix, error) {
	if addr, err := netip.ParseAddr(text); err == nil && !strings.Contains(text, "/") { // which a zone may have
		addr = addr.Unmap().WithZone("")
		return netip.PrefixFrom(addr, addr.BitLen()), nil
	}
	prefix, err := netip.ParsePrefix(text)
	if err != nil {
		return netip.Prefix{}, fmt.Errorf("%q is no address, as in 192.0.2.7, nor a prefix, as in 192.0.2.0/24", text)
	}
	return PrefixOf(prefix), nil
}

// PrefixOf is a prefix as those of KeyOf and AddrOf are: without bits behind it, and of IPv4 when all its addresses are. One of
// IPv6 holds none of IPv4, whatever it says. The zero Prefix stays what it is.
func PrefixOf(prefix netip.Prefix) netip.Prefix {
	if prefix.Addr().Is4In6() && prefix.Bits() >= 96 {
		prefix = netip.PrefixFrom(prefix.Addr().Unmap(), prefix.Bits()-96)
	}
	return prefix.Masked()
}
