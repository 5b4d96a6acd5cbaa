package snapshot

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"github.com/vmihailenco/msgpack/v5"

	"github.com/quicstep/quicstep/world"
)

// The elements of the arrays whose length is fixed.
const (
	stateElements  = 7
	playerElements = 8
	pageElements   = 4
	rowElements    = 9
)

// rowBytes is what a row of a handful of fields takes, to begin with a buffer that is about large enough.
const rowBytes = 48

// Append appends an exported state as bytes to dst.
func Append(dst []byte, st world.State) []byte {
	w := newWriter(dst, st)
	w.array(elements)
	w.text(magic)
	w.uint(Version)
	w.fixed64(0) // the length, written when it is known
	w.fixed64(st.Layout)
	w.state(&st)

	out := w.buf.Bytes()
	whole := out[len(dst):]
	binary.BigEndian.PutUint64(whole[lengthAt+1:], uint64(len(whole)+checksumSize))
	w.must(w.enc.EncodeUint32(checksum(whole)))
	return w.buf.Bytes()
}

// writer writes into memory, which can't fail; any error is one of our own making.
type writer struct {
	buf  *bytes.Buffer
	enc  *msgpack.Encoder
	tick uint32 // the state's, which other ticks are told from
}

func newWriter(dst []byte, st world.State) *writer {
	rows := 0
	for _, pages := range st.Tables {
		for i := range pages {
			rows += len(pages[i].Rows)
		}
	}
	w := &writer{buf: bytes.NewBuffer(dst), tick: uint32(st.Tick)}
	w.buf.Grow(1024 + rows*rowBytes)
	w.enc = msgpack.NewEncoder(w.buf)
	return w
}

func (w *writer) must(err error) {
	if err != nil {
		panic(fmt.Sprintf("snapshot: encode into memory: %v", err))
	}
}

func (w *writer) array(n int)      { w.must(w.enc.EncodeArrayLen(n)) }
func (w *writer) text(s string)    { w.must(w.enc.EncodeString(s)) }
func (w *writer) uint(v uint64)    { w.must(w.enc.EncodeUint(v)) }
func (w *writer) int(v int64)      { w.must(w.enc.EncodeInt(v)) }
func (w *writer) float(v float64)  { w.must(w.enc.EncodeFloat64(v)) }
func (w *writer) fixed64(v uint64) { w.must(w.enc.EncodeUint64(v)) }

// passed writes how many ticks before another one a tick was.
func (w *writer) passed(from, tick uint32) { w.uint(uint64(from - tick)) }

func (w *writer) state(st *world.State) {
	w.array(stateElements)
	w.uint(st.Tick)
	w.int(st.TickPeriodNS)
	w.uint(uint64(st.Last))
	w.must(w.enc.EncodeBool(st.Started))
	w.must(w.enc.EncodeBytesLen(len(st.Room)))
	w.buf.Write(st.Room)
	w.array(len(st.Players))
	for i := range st.Players {
		w.player(&st.Players[i])
	}
	w.array(len(st.Tables))
	for _, pages := range st.Tables {
		w.array(len(pages))
		for i := range pages {
			w.page(&pages[i])
		}
	}
}

func (w *writer) player(s *world.Seat) {
	w.array(playerElements)
	w.uint(uint64(s.Player))
	w.text(s.User)
	w.text(s.Role)
	w.uint(uint64(s.Team))
	w.passed(w.tick, s.Rights)
	w.float(s.Pos.X)
	w.float(s.Pos.Y)
	w.float(s.Radius)
}

func (w *writer) page(p *world.PageState) {
	w.array(pageElements)
	w.uint(p.Used)
	w.passed(w.tick, p.Changed)
	w.array(len(p.Generations))
	for _, g := range p.Generations {
		w.uint(uint64(g))
	}
	w.array(len(p.Rows))
	for i := range p.Rows {
		w.row(&p.Rows[i])
	}
}

func (w *writer) row(r *world.RowState) {
	w.array(rowElements)
	w.uint(uint64(r.Owner))
	w.uint(uint64(r.Team))
	w.uint(uint64(r.Weight))
	w.passed(w.tick, r.Dirty)
	w.passed(r.Dirty, r.Rights)
	w.array(len(r.Columns))
	for _, tick := range r.Columns {
		w.passed(r.Dirty, tick)
	}
	w.array(len(r.Base))
	for i, word := range r.Base {
		if i == 0 {
			w.passed(w.tick, word)
		} else {
			w.uint(uint64(word))
		}
	}
	w.array(len(r.Values))
	for _, v := range r.Values {
		w.int(int64(v))
	}
	w.array(len(r.Texts))
	for _, s := range r.Texts {
		w.text(s)
	}
}
