package transport

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"
	"unicode/utf8"

	"github.com/quic-go/quic-go"

	"github.com/quicstep/quicstep/protocol"
)

// Conn is the connection of one client. Its methods may be called from anywhere, except where they say otherwise.
type Conn struct {
	raw       *quic.Conn
	datagrams datagrams
	control   *Stream // touched by Control's caller only
}

// datagrams are those of a connection, both ways.
type datagrams interface {
	Send(datagram []byte) error
	Receive(ctx context.Context) ([]byte, error)
}

// ConnStats is what QUIC knows of a connection. Sizes are in bytes of UDP payload; nothing of it is exact
// to the packet.
type ConnStats struct {
	// MinRTT, LatestRTT and SmoothedRTT are round trip times; zero before the first sample.
	MinRTT, LatestRTT, SmoothedRTT time.Duration
	// CongestionWindowBytes bounds what may be in flight.
	CongestionWindowBytes uint64
	// SentBytes and SentPackets count all that was sent, repetitions included.
	SentBytes, SentPackets uint64
	// ReceivedBytes and ReceivedPackets count all that came.
	ReceivedBytes, ReceivedPackets uint64
	// LostBytes and LostPackets count what was sent and is thought lost; they fall again when a packet was
	// only late.
	LostBytes, LostPackets uint64
}

// Control returns the control stream: the first bidirectional stream that the client opens, which exists
// once the client has written to it. It waits for that until ctx ends. Later calls return the same stream.
// One goroutine at a time may call it.
func (c *Conn) Control(ctx context.Context) (*Stream, error) {
	if c.control != nil {
		return c.control, nil
	}
	raw, err := c.raw.AcceptStream(ctx)
	if err != nil {
		return nil, fmt.Errorf("wait for the control stream: %w", err)
	}
	c.control = &Stream{raw: raw}
	return c.control, nil
}

// SendDatagram sends a copy of data, once and without notice whether it arrives. It blocks when 32
// datagrams are queued, for as long as the client is dark: keep one or two there. It returns an error when
// data is longer than MaxDatagram and the path does not take it, and when the connection has ended. One goroutine may
// send.
func (c *Conn) SendDatagram(data []byte) error { return c.datagrams.Send(data) }

// ReceiveDatagram returns the next datagram from the client, which is then the caller's. When 128 wait,
// further ones are dropped. It returns an error when ctx or the connection has ended. One goroutine may receive.
func (c *Conn) ReceiveDatagram(ctx context.Context) ([]byte, error) {
	return c.datagrams.Receive(ctx)
}

// MaxDatagram returns the largest datagram, in bytes, that is sure to be sent: it fits the first packets
// of every path beside an acknowledgement.
func (c *Conn) MaxDatagram() int { return protocol.MaxDatagramPayload }

// RemoteAddr returns the client's address, which can change while the connection lives.
func (c *Conn) RemoteAddr() net.Addr { return c.raw.RemoteAddr() }

// Context returns a context that ends with the connection; its cause is the reason (see PeerClose).
func (c *Conn) Context() context.Context { return c.raw.Context() }

// RTT returns the smoothed round trip time; zero before the first sample.
func (c *Conn) RTT() time.Duration { return c.raw.ConnectionStats().SmoothedRTT }

// Stats returns the connection's counters. It takes no lock.
func (c *Conn) Stats() ConnStats {
	s := c.raw.ConnectionStats()
	return ConnStats{
		MinRTT:                s.MinRTT,
		LatestRTT:             s.LatestRTT,
		SmoothedRTT:           s.SmoothedRTT,
		CongestionWindowBytes: s.CongestionWindow,
		SentBytes:             s.BytesSent,
		SentPackets:           s.PacketsSent,
		ReceivedBytes:         s.BytesReceived,
		ReceivedPackets:       s.PacketsReceived,
		LostBytes:             s.BytesLost,
		LostPackets:           s.PacketsLost,
	}
}

// Close ends the connection and tells the client why, with a reason for people of protocol.MaxReason bytes
// at most (the rest is cut off). What was written and not yet sent is dropped. It returns when the
// connection has ended; closing one that has ended already changes nothing.
func (c *Conn) Close(code protocol.CloseCode, reason string) error {
	return c.raw.CloseWithError(quic.ApplicationErrorCode(code), cutReason(reason))
}

// cutReason keeps the reason short enough for the packet: QUIC would send no packet at all otherwise.
func cutReason(reason string) string {
	if len(reason) <= protocol.MaxReason {
		return reason
	}
	end := protocol.MaxReason
	for end > 0 && !utf8.RuneStart(reason[end]) {
		end--
	}
	return reason[:end]
}

// PeerClose tells whether err, from a connection, a stream or the cause of a connection's context, says
// that the client closed the connection, and with which code and reason. Both come from outside.
func PeerClose(err error) (code protocol.CloseCode, reason string, ok bool) {
	closed, ok := errors.AsType[*quic.ApplicationError](err)
	if !ok || !closed.Remote {
		return 0, "", false
	}
	return protocol.CloseCode(closed.ErrorCode), closed.ErrorMessage, true
}
