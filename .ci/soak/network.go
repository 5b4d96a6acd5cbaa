package main

import (
	"fmt"
	"net"
	"sync/atomic"
)

// addresses are how many of this machine's the bots come from: what an operator bans is one of them.
const addresses = 8

// line is a UDP socket whose network can be cut: then nothing comes, and what is sent is gone. quic-go sees no socket in
// it, and so reads and writes packet by packet.
type line struct {
	net.PacketConn
	dark atomic.Bool
}

// openLine opens a line on a free port of one of the addresses, where the system has more than one.
func openLine(address int) (*line, error) {
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, byte(1+address))})
	if err != nil {
		if conn, err = net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)}); err != nil {
			return nil, fmt.Errorf("open a socket: %w", err)
		}
	}
	return &line{PacketConn: conn}, nil
}

// ReadFrom waits for a packet that came while there was a network.
func (l *line) ReadFrom(b []byte) (int, net.Addr, error) {
	for {
		n, addr, err := l.PacketConn.ReadFrom(b)
		if err != nil || !l.dark.Load() {
			return n, addr, err
		}
	}
}

// WriteTo sends a packet, if there is a network.
func (l *line) WriteTo(b []byte, addr net.Addr) (int, error) {
	if l.dark.Load() {
		return len(b), nil
	}
	return l.PacketConn.WriteTo(b, addr)
}

// cut takes the network away, or gives it back.
func (l *line) cut(dark bool) { l.dark.Store(dark) }
