package console

import (
	"bytes"
	"errors"
	"io"
	"testing"
	"testing/iotest"

	"github.com/quicstep/quicstep/protocol"
	"github.com/quicstep/quicstep/protocol/admin"
)

// FuzzReader: whatever the server's stream holds, an answer comes of it or an error, the same in whatever pieces it comes.
func FuzzReader(f *testing.F) {
	answer := func(a admin.Answer) []byte {
		b, err := admin.AppendAnswer(nil, a)
		if err != nil {
			f.Fatal(err)
		}
		return protocol.AppendFrame(nil, b)
	}
	f.Add(answer(admin.Answer{Text: "done"}))
	f.Add(append(answer(admin.Answer{More: true, Rooms: []admin.Room{{ID: "ab"}}}), answer(admin.Answer{Rooms: []admin.Room{{ID: "cd"}}})...))
	f.Add(append(answer(admin.Answer{More: true}), answer(admin.Answer{Refusal: &admin.Refusal{Code: admin.CodeRole, Text: "no"}})...))
	f.Add(answer(admin.Answer{More: true, Table: &admin.Table{Rows: []admin.Row{{ID: "1.1"}}}}))
	f.Add([]byte{0xc6, 0xff, 0xff, 0xff, 0xff})
	f.Add([]byte{0xc4, 5, 0xdd, 0xff, 0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, b []byte) {
		read := func(from io.Reader) (answers int, text []byte, err error) {
			var r reader
			for {
				whole, err := r.whole(from)
				if err != nil {
					return answers, text, err
				}
				answers++
				if again, err := admin.AppendAnswer(nil, whole); err == nil {
					text = append(text, again...)
				}
			}
		}
		n, text, err := read(bytes.NewReader(b))
		m, same, err2 := read(iotest.OneByteReader(bytes.NewReader(b)))
		if n != m || !bytes.Equal(text, same) || err.Error() != err2.Error() {
			t.Fatalf("%d answers and %v at once, %d and %v byte by byte", n, err, m, err2)
		}
		if _, rejected := protocol.RejectOf(err); !rejected && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Fatalf("it ends with %v", err)
		}
	})
}
