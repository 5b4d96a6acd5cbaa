package schema_test

import (
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/quicstep/quicstep/protocol/schema"
)

// benchMover is what most records are of: something with a position, of which both fine parts have changed.
type benchMover struct {
	X   float32 `net:"range=0:6553.5,step=0.1,pos=x"`
	Y   float32 `net:"range=0:6553.5,step=0.1,pos=y"`
	Aim float32 `net:"range=0:360,step=3,wrap"`
}

// BenchmarkRecord compares writing a record's columns with copying what was written of the same row for another client:
// what a cache of fragments, by row and mask, would do. Both take rows all over 2,000, as clients do.
func BenchmarkRecord(b *testing.B) {
	const rows = 2000
	table, _, err := schema.FromType("mover", reflect.TypeFor[benchMover]())
	if err != nil {
		b.Fatal(err)
	}
	width := len(table.Columns)
	words := make([]uint32, rows*width)
	chance := rand.New(rand.NewPCG(1, 2))
	for i := range words {
		words[i] = uint32(chance.IntN(100))
	}
	var mask uint64
	for i, at := range table.ClassColumns(schema.Public) {
		if c := table.Columns[at]; c.Limbs == 2 && c.Shift == 0 {
			mask |= 1 << i
		}
	}
	order := chance.Perm(rows)
	dst := make([]byte, 0, 64)

	b.Run("written", func(b *testing.B) {
		b.ReportAllocs()
		for i := range b.N {
			at := order[i%rows] * width
			dst = table.AppendRow(dst[:0], schema.Public, mask, words[at:at+width], nil)
		}
	})
	type fragment struct {
		tick, mask uint32
		bytes      [8]byte
		length     uint8
	}
	fragments := make([]fragment, rows)
	for i := range fragments {
		out := table.AppendRow(nil, schema.Public, mask, words[i*width:(i+1)*width], nil)
		fragments[i] = fragment{tick: 7, mask: uint32(mask), length: uint8(copy(fragments[i].bytes[:], out))}
	}
	b.Run("copied", func(b *testing.B) {
		b.ReportAllocs()
		for i := range b.N {
			if f := &fragments[order[i%rows]]; f.tick == 7 && f.mask == uint32(mask) {
				dst = append(dst[:0], f.bytes[:f.length]...)
			}
		}
	})
}
