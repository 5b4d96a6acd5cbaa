package replica_test

import (
	"math/rand/v2"
	"testing"

	"github.com/quicstep/quicstep/protocol"
)

// FuzzReplica: whatever datagrams come, in whatever order, the replica goes on, and what it acknowledges and reports can
// be sent. The bytes are datagrams, each behind its length and what its header is changed by.
func FuzzReplica(f *testing.F) {
	f.Add([]byte{1, 1, 0, 7, 0, 1, 0, 1, 0, 7, 0, 1, 2, 0, 7, 1, 1, 0, 1, 0, 9, 0})
	f.Add([]byte{1, 1, 0, 5, 2, 1, 0, 1, 0, 40, 70, 1, 5, 2, 1, 0, 1, 3, 2, 255, 3, 0, 0, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) > 8192 {
			return
		}
		r := newReader(t)
		sequence, tick := uint64(0), uint64(1000)
		for len(b) > 4 {
			sequence += uint64(b[0])
			tick += uint64(b[1])
			h := protocol.StateHeader{Epoch: 1 + b[2]>>6, Sequence: sequence - min(sequence, uint64(b[2]&7)), Tick: tick - uint64(b[2]>>3&7)*10}
			n := min(int(b[3]), len(b)-4)
			d := append(protocol.AppendStateHeader(nil, h), b[4:4+n]...)
			b = b[4+n:]
			if _, err := r.Apply(d); err != nil {
				if _, ok := protocol.RejectOf(err); !ok {
					t.Fatalf("%v: want a rejection", err)
				}
			}
			var in, back protocol.Input
			r.Ack(&in)
			r.Report(&in, rand.New(rand.NewPCG(tick, 1)))
			if err := protocol.ParseInput(protocol.AppendInput(nil, &in), r.schema, &back); err != nil {
				t.Fatalf("what is acknowledged and reported can't be sent: %v: %+v", err, in)
			}
		}
	})
}
