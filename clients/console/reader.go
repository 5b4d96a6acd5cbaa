package console

import (
	"errors"
	"fmt"
	"io"

	"github.com/quicstep/quicstep/protocol"
	"github.com/quicstep/quicstep/protocol/admin"
)

// maxWhole bounds the answers that are held as one.
const maxWhole = 128 << 20

// reader takes messages from a stream.
type reader struct {
	space [4096]byte
	have  []byte
}

// next returns the next message, which is good until the next call. It returns io.EOF at the end between two.
func (r *reader) next(from io.Reader) ([]byte, error) {
	for {
		message, rest, err := protocol.SplitFrame(r.have, admin.MaxAnswer)
		if err == nil {
			r.have = rest
			return message, nil
		}
		if !errors.Is(err, protocol.ErrNeedMore) {
			return nil, err
		}
		n, err := from.Read(r.space[:])
		r.have = append(r.have, r.space[:n]...)
		if n == 0 && errors.Is(err, io.EOF) && len(r.have) > 0 {
			return nil, io.ErrUnexpectedEOF
		}
		if n == 0 && err != nil {
			return nil, err
		}
	}
}

// whole puts the parts of one answer together.
func (r *reader) whole(from io.Reader) (whole admin.Answer, err error) {
	bytes := 0
	for first := true; ; first = false {
		message, err := r.next(from)
		if err != nil {
			return whole, err
		}
		if bytes += len(message); bytes > maxWhole {
			return whole, fmt.Errorf("the answer has more than %d bytes", maxWhole)
		}
		a, err := admin.ParseAnswer(message)
		if err != nil {
			return whole, err
		}
		if first {
			whole = a
		} else {
			join(&whole, a)
		}
		if !a.More || a.Refusal != nil {
			return whole, nil
		}
	}
}

// join adds a part.
func join(whole *admin.Answer, a admin.Answer) {
	whole.Refusal, whole.Text, whole.More = a.Refusal, a.Text, a.More
	whole.Rooms = append(whole.Rooms, a.Rooms...)
	whole.Players = append(whole.Players, a.Players...)
	whole.Tables = append(whole.Tables, a.Tables...)
	whole.Report = append(whole.Report, a.Report...)
	whole.Edits = append(whole.Edits, a.Edits...)
	whole.Sight = append(whole.Sight, a.Sight...)
	whole.Bans = append(whole.Bans, a.Bans...)
	whole.Audit = append(whole.Audit, a.Audit...)
	whole.Captures = append(whole.Captures, a.Captures...)
	whole.Data = append(whole.Data, a.Data...)
	if whole.Table != nil && a.Table != nil {
		whole.Table.Rows = append(whole.Table.Rows, a.Table.Rows...)
	}
}
