package server

import (
	"errors"
	"fmt"
	"io"

	"github.com/quicstep/quicstep/protocol"
)

// frameReader reads stream messages from a client that is not trusted: it never holds more than one frame of
// protocol.MaxHelloFrame.
type frameReader struct {
	from io.Reader
	buf  [protocol.MaxHelloFrame + protocol.MaxFrameHeader]byte
	have int // bytes of buf that were read
	used int // bytes of buf that the latest message took
}

// next returns the next message, which is good until the next call. The error is a *protocol.RejectError or
// the stream's own.
func (r *frameReader) next() ([]byte, error) {
	r.have = copy(r.buf[:], r.buf[r.used:r.have])
	r.used = 0
	for {
		message, rest, err := protocol.SplitFrame(r.buf[:r.have], protocol.MaxHelloFrame)
		if err == nil {
			r.used = r.have - len(rest)
			return message, nil
		}
		if !errors.Is(err, protocol.ErrNeedMore) {
			return nil, err
		}
		n, err := r.from.Read(r.buf[r.have:])
		r.have += n
		if errors.Is(err, io.EOF) && n == 0 && r.have > 0 {
			return nil, &protocol.RejectError{Reject: protocol.Truncated, Detail: "the control stream ended within a frame: send the whole message first"}
		}
		if err != nil && n == 0 {
			return nil, fmt.Errorf("read the control stream: %w", err)
		}
	}
}
