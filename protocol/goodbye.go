package protocol

import (
	"fmt"
	"math"

	"github.com/quicstep/quicstep/protocol/plain"
)

// Goodbye is either side's last message, sent before it closes the connection (docs/protocol.md §4): the close
// itself may get lost, and WebTransport shows a page the code alone.
type Goodbye struct {
	// Code is why, the same as the connection's close will have; 32 bits. Zero is CloseNormal.
	Code CloseCode
	// Reason is a sentence for a person, at most MaxReason bytes; empty when the code says it all. It may be
	// shown to players: no tokens, no addresses.
	Reason string
}

// AppendGoodbye appends the message, not yet framed, to dst. A reason is often the text of an error, so it is
// made to fit, see plain.Clean. A code of more than 32 bits is refused with a RejectError, and dst returned
// as it was.
func AppendGoodbye(dst []byte, g Goodbye) ([]byte, error) {
	start := len(dst)
	dst = appendHead(dst, KindGoodbye, 3)
	dst = appendUint(dst, uint64(g.Code))
	dst = appendText(dst, plain.Clean(g.Reason, MaxReason))
	if _, err := ParseGoodbye(dst[start:]); err != nil {
		return dst[:start], fmt.Errorf("append goodbye: %w", err)
	}
	return dst, nil
}

// ParseGoodbye reads a goodbye of either side from a frame's content. Nothing in the result shares b's memory.
// A code that this version does not know is no error. The errors are RejectErrors.
func ParseGoodbye(b []byte) (Goodbye, error) {
	r := openMessage(b, KindGoodbye)
	r.checkForm(MaxHelloFrame)
	g := Goodbye{
		Code:   CloseCode(r.uint("code", math.MaxUint32)),
		Reason: r.text("reason", MaxReason),
	}
	if r.err != nil {
		return Goodbye{}, r.err
	}
	return g, nil
}
