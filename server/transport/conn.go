package transport

import (
	"context"
	"errors"
	"net"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"
	"github.com/quic-go/quic-go"
	"github.com/quic-go/webtransport-go"

	"github.com/quicstep/quicstep/protocol"
	"github.com/quicstep/quicstep/protocol/plain"
)

// Door is the way by which a client came in.
type Door uint8

// The doors. The protocol is the same behind each of them (docs/protocol.md §2).
const (
	// Native is QUIC itself.
	Native Door = iota
	// WebTransport is a session over HTTP/3.
	WebTransport
	// WebSocket is one over TCP.
	WebSocket

	doors
)

// String returns the door's name in lower case.
func (d Door) String() string { return [doors]string{"quic", "webtransport", "websocket"}[d] }

// Conn is the connection of one client, whichever door it came in by. Its methods may be called from anywhere, except
// where they say otherwise.
type Conn struct {
	// What each datagram touches is together.
	datagrams datagrams
	impaired  atomic.Pointer[impaired] // Impair stores, anyone loads; nil as a rule
	incoming  *impaired                // touched by the receiver only: the one that may still have what came in
	moves     moves                    // touched by SendDatagram's

	door    Door
	ctx     context.Context
	carrier carrier
	control *Stream // touched by Control's caller only
}

// carrier is what a connection travels by; each door has its own, in a file of its own.
type carrier interface {
	acceptControl(ctx context.Context) (stream, error)
	stats() ConnStats
	remoteAddr() net.Addr
	close(code protocol.CloseCode, reason string) error
}

// datagrams are those of a connection, both ways.
type datagrams interface {
	Send(datagram []byte) error
	Receive(ctx context.Context) ([]byte, error)
}

// ConnStats is what the transport knows of a connection. Sizes are in bytes of UDP payload; nothing of it is exact
// to the packet. A WebSocket's packets are its messages, none of which is lost; its round trip is that of a ping every
// two seconds, and its window is always 64 KiB, since TCP's is not known.
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

// Door tells by which door the client came in.
func (c *Conn) Door() Door { return c.door }

// Control returns the control stream: the first bidirectional stream that the client opens, which exists
// once the client has written to it; a WebSocket has it from the beginning. It waits for that until ctx ends. Later calls
// return the same stream. One goroutine at a time may call it.
func (c *Conn) Control(ctx context.Context) (*Stream, error) {
	if c.control != nil {
		return c.control, nil
	}
	raw, err := c.carrier.acceptControl(ctx)
	if err != nil {
		return nil, err
	}
	c.control = &Stream{raw: raw, conn: c}
	return c.control, nil
}

// SendDatagram sends a copy of data, once and without notice whether it arrives. It blocks when 32
// datagrams are queued, for as long as the client is dark: keep one or two there. On a WebSocket it never blocks, and
// returns ErrBehind when that is behind. It returns an error when data is longer than MaxDatagram and the path does not
// take it, and when the connection has ended. One goroutine may send.
func (c *Conn) SendDatagram(data []byte) error {
	c.moves.follow(c)
	if l := c.impaired.Load(); l != nil && l.send(data) {
		return nil
	}
	return c.datagrams.Send(data)
}

// ReceiveDatagram returns the next datagram from the client, which is then the caller's. When 128 wait (over
// WebTransport 32), further ones are dropped. It returns an error when ctx or the connection has ended. One goroutine may
// receive.
func (c *Conn) ReceiveDatagram(ctx context.Context) ([]byte, error) {
	for {
		if c.incoming == nil {
			data, err := c.receive(ctx)
			if data != nil || err != nil {
				return data, err
			}
		}
		data, ok, err := c.incoming.receive(ctx, c.datagrams)
		if ok {
			return data, err
		}
		c.incoming = nil
	}
}

// receive takes a datagram as it comes; none when the connection is impaired, which has it then.
func (c *Conn) receive(ctx context.Context) ([]byte, error) {
	if c.incoming = c.impaired.Load(); c.incoming != nil {
		return nil, nil
	}
	data, err := c.datagrams.Receive(ctx)
	if c.incoming = c.impaired.Load(); err == nil && c.incoming != nil {
		c.incoming.arrived(data)
		return nil, nil
	}
	return data, err
}

// MaxDatagram returns the largest datagram, in bytes, that is sure to be sent: it fits the first packets
// of every path beside an acknowledgement.
func (c *Conn) MaxDatagram() int { return protocol.MaxDatagramPayload }

// RemoteAddr returns the client's address, which can change while the connection lives, Config.MovesPerMinute times in a
// minute. Behind a proxy it is the proxy's.
func (c *Conn) RemoteAddr() net.Addr { return c.carrier.remoteAddr() }

// Context returns a context that ends with the connection; its cause is the reason (see PeerClose).
func (c *Conn) Context() context.Context { return c.ctx }

// RTT returns the smoothed round trip time; zero before the first sample.
func (c *Conn) RTT() time.Duration { return c.carrier.stats().SmoothedRTT }

// Stats returns the connection's counters. It takes no lock.
func (c *Conn) Stats() ConnStats { return c.carrier.stats() }

// Close ends the connection and tells the client why, with a reason for people of protocol.MaxReason bytes
// at most, 123 over a WebSocket: the rest is cut off, and what may not travel is left out, see plain.Clean. What was written
// and not yet sent is dropped. It returns when the connection has ended; closing one that has ended already changes nothing.
func (c *Conn) Close(code protocol.CloseCode, reason string) error {
	return c.carrier.close(code, plain.Clean(reason, protocol.MaxReason))
}

// PeerClose tells whether err, from a connection, a stream or the cause of a connection's context, says
// that the client closed the connection, and with which code and reason. Both come from outside.
func PeerClose(err error) (code protocol.CloseCode, reason string, ok bool) {
	if closed, ok := errors.AsType[*quic.ApplicationError](err); ok && closed.Remote {
		return protocol.CloseCode(closed.ErrorCode), closed.ErrorMessage, true
	}
	if closed, ok := errors.AsType[*webtransport.SessionError](err); ok && closed.Remote {
		return protocol.CloseCode(closed.ErrorCode), closed.Message, true
	}
	closed, ok := errors.AsType[websocket.CloseError](err)
	switch {
	case !ok:
	case closed.Code == websocket.StatusNormalClosure:
		return protocol.CloseNormal, closed.Reason, true
	case closed.Code >= socketCodes:
		return protocol.CloseCode(closed.Code - socketCodes), closed.Reason, true
	}
	return 0, "", false
}
