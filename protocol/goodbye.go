package protocol

import (
	"fmt"
	"math"
	"strings"
	"unicode"
	"unicode/utf8"
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
// made to fit: control characters become spaces, invalid UTF-8 becomes U+FFFD, and what is above MaxReason is
// cut off between two characters. A code of more than 32 bits is refused with a RejectError, and dst returned
// as it was.
func AppendGoodbye(dst []byte, g Goodbye) ([]byte, error) {
	start := len(dst)
	dst = appendHead(dst, KindGoodbye, 3)
	dst = appendUint(dst, uint64(g.Code))
	dst = appendText(dst, fitText(g.Reason, MaxReason))
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

// fitText makes a text one that a message may have, of at most so many bytes.
func fitText(text string, most int) string {
	if len(text) > 4*most {
		text = text[:4*most] // what follows can't be seen, so don't pay for it
	}
	text = strings.Map(func(c rune) rune {
		if unicode.IsControl(c) {
			return ' '
		}
		return c
	}, strings.ToValidUTF8(text, "\uFFFD"))
	if len(text) <= most {
		return text
	}
	end := most
	for !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end]
}
