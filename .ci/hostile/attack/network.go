package attack

import (
	"context"
	"net"
	"net/netip"
	"sync/atomic"
)

// Network gives attackers sockets at ever other addresses of this machine, and counts and records what they send.
type Network struct {
	trace          *Trace // nil: nothing is recorded
	sockets        atomic.Uint32
	packets, bytes atomic.Uint64
}

// The addresses that attackers have: 127.0.0.2 to 127.0.0.254. The first of the network is for honest players.
const (
	firstAddr = 2
	addrs     = 253
)

// addr is the address of the nth socket.
func addr(n uint32) netip.Addr { return netip.AddrFrom4([4]byte{127, 0, 0, byte(firstAddr + n%addrs)}) }

// Listen opens a UDP socket at the next address, with a port of its own.
func (n *Network) Listen() (*Socket, error) {
	number := n.sockets.Add(1)
	conn, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(netip.AddrPortFrom(addr(number), 0)))
	if err != nil {
		return nil, err
	}
	return &Socket{PacketConn: conn, conn: conn, network: n, number: number}, nil
}

// Socket is a UDP socket that counts and records what is sent. To quic-go it is any net.PacketConn, so that each packet
// is a system call.
type Socket struct {
	net.PacketConn              // for all that is neither counted nor dropped
	conn           *net.UDPConn // the same
	network        *Network
	number         uint32
	deaf           atomic.Bool // what comes is dropped
}

// WriteTo sends a packet.
func (s *Socket) WriteTo(b []byte, to net.Addr) (int, error) {
	s.network.count(event{Kind: udpSent, Conn: s.number, Size: uint32(len(b)), Count: 1})
	return s.conn.WriteTo(b, to)
}

// ReadFrom receives a packet; none while the socket is deaf.
func (s *Socket) ReadFrom(b []byte) (int, net.Addr, error) {
	for {
		n, from, err := s.conn.ReadFrom(b)
		if err != nil || !s.deaf.Load() {
			return n, from, err
		}
	}
}

// SetReadBuffer is the UDP socket's own, which quic-go asks for.
func (s *Socket) SetReadBuffer(n int) error { return s.conn.SetReadBuffer(n) }

// SetWriteBuffer likewise.
func (s *Socket) SetWriteBuffer(n int) error { return s.conn.SetWriteBuffer(n) }

// Dial opens a TCP connection from the next address.
func (n *Network) Dial(ctx context.Context, to string) (net.Conn, error) {
	number := n.sockets.Add(1)
	d := net.Dialer{LocalAddr: net.TCPAddrFromAddrPort(netip.AddrPortFrom(addr(number), 0)), Timeout: dialTimeout}
	conn, err := d.DialContext(ctx, "tcp4", to)
	if err != nil {
		return nil, err
	}
	n.count(event{Kind: tcpOpened, Conn: number})
	return &tcpConn{Conn: conn, network: n, number: number}, nil
}

// tcpConn counts and records what is written.
type tcpConn struct {
	net.Conn
	network *Network
	number  uint32
	closed  atomic.Bool
}

func (c *tcpConn) Write(b []byte) (int, error) {
	c.network.count(event{Kind: tcpSent, Conn: c.number, Size: uint32(len(b)), Count: 1})
	return c.Conn.Write(b)
}

func (c *tcpConn) Close() error {
	if !c.closed.Swap(true) {
		c.network.count(event{Kind: tcpClosed, Conn: c.number})
	}
	return c.Conn.Close()
}

// count counts what is sent, and records it.
func (n *Network) count(e event) {
	n.packets.Add(uint64(e.Count))
	n.bytes.Add(uint64(e.Size) * uint64(e.Count))
	if n.trace != nil {
		n.trace.add(e)
	}
}
