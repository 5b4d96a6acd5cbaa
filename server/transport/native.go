package transport

import (
	"context"
	"fmt"
	"net"

	"github.com/quic-go/quic-go"

	"github.com/quicstep/quicstep/protocol"
	"github.com/quicstep/quicstep/protocol/ride"
)

// native carries a connection over QUIC itself.
type native struct{ quic *quic.Conn }

func newNative(raw *quic.Conn, overStream bool) *Conn {
	c := &Conn{door: Native, ctx: raw.Context(), carrier: native{raw}}
	if overStream {
		c.datagrams = ride.OverStream(raw)
	} else {
		c.datagrams = ride.New(raw)
	}
	return c
}

func (n native) acceptControl(ctx context.Context) (stream, error) {
	raw, err := n.quic.AcceptStream(ctx)
	if err != nil {
		return nil, fmt.Errorf("wait for the control stream: %w", err)
	}
	return quicStream{raw}, nil
}

func (n native) remoteAddr() net.Addr { return n.quic.RemoteAddr() }

func (n native) stats() ConnStats { return quicStats(n.quic) }

func (n native) close(code protocol.CloseCode, reason string) error {
	return n.quic.CloseWithError(quic.ApplicationErrorCode(code), reason)
}

// quicStats are the figures of a QUIC connection, whatever it carries.
func quicStats(conn *quic.Conn) ConnStats {
	s := conn.ConnectionStats()
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

type quicStream struct{ *quic.Stream }

func (s quicStream) end() error {
	s.CancelRead(0)
	return s.Stream.Close()
}
