package ride

import (
	"bufio"
	"context"
	"encoding/binary"
	"fmt"
	"io"

	"github.com/quic-go/quic-go"
)

// frameMax bounds a frame's content, in bytes; no datagram is as long.
const frameMax = 1 << 11

// Stream carries what would be datagrams in frames on one reliable stream each way: a packet that is lost holds up all that
// is behind it, as with TCP or a WebSocket. It is there to be measured against, and nothing that is not measured uses it. One
// goroutine may send while another receives.
type Stream struct {
	quic *quic.Conn

	// Touched by the sender only.
	out   *quic.SendStream
	frame []byte

	// Touched by the receiver only.
	in   *quic.ReceiveStream
	read *bufio.Reader
}

// OverStream begins with a connection whose handshake is over.
func OverStream(conn *quic.Conn) *Stream { return &Stream{quic: conn} }

// Send writes a frame. It waits while the connection's window is full.
func (s *Stream) Send(datagram []byte) (err error) {
	if s.out == nil {
		if s.out, err = s.quic.OpenUniStream(); err != nil {
			return err
		}
	}
	s.frame = append(binary.BigEndian.AppendUint16(s.frame[:0], uint16(len(datagram))), datagram...)
	_, err = s.out.Write(s.frame)
	return err
}

// Receive returns the next frame's content, which is the caller's. It returns an error when ctx or the connection has ended,
// and for a frame that is longer than a datagram.
func (s *Stream) Receive(ctx context.Context) ([]byte, error) {
	if s.in == nil {
		in, err := s.quic.AcceptUniStream(ctx)
		if err != nil {
			return nil, err
		}
		s.in, s.read = in, bufio.NewReader(in)
	}
	defer context.AfterFunc(ctx, func() { s.in.CancelRead(0) })()
	var head [2]byte
	if _, err := io.ReadFull(s.read, head[:]); err != nil {
		return nil, err
	}
	size := binary.BigEndian.Uint16(head[:])
	if size > frameMax {
		return nil, fmt.Errorf("a frame of %d bytes in place of a datagram: at most %d are possible", size, frameMax)
	}
	b := make([]byte, size)
	_, err := io.ReadFull(s.read, b)
	return b, err
}
