package replica_test

import (
	"reflect"
	"testing"

	"github.com/quicstep/quicstep/clients/replica"
	"github.com/quicstep/quicstep/protocol"
	"github.com/quicstep/quicstep/protocol/schema"
)

// The property test of these rules is in server/replicate; here each stands alone, one datagram at a time.

type row struct {
	A uint8
	B uint8 `net:"owner"`
}

// reader is a replica that is fed by hand.
type reader struct {
	t      *testing.T
	schema *schema.Schema
	*replica.Replica
}

func newReader(t *testing.T) *reader {
	t.Helper()
	tb, _, err := schema.FromType("row", reflect.TypeFor[row]())
	if err != nil {
		t.Fatal(err)
	}
	in, _, _ := schema.FromType("input", reflect.TypeFor[struct{}]())
	s, err := schema.New(schema.Schema{Game: "game", Tables: []*schema.Table{tb}, Input: in})
	if err != nil {
		t.Fatal(err)
	}
	r, err := replica.New(s, replica.Config{Epoch: 1, Tick: 1000, Sequence: 1, Age: protocol.MinAge})
	if err != nil {
		t.Fatal(err)
	}
	return &reader{t, s, r}
}

// send gives the replica a datagram with one record, of the row with index 0, and returns what became of it.
func (r *reader) send(epoch uint8, seq, tick uint64, sec protocol.Section, body ...byte) replica.Applied {
	r.t.Helper()
	d := protocol.AppendStateHeader(nil, protocol.StateHeader{Epoch: epoch, Sequence: seq, Tick: tick})
	d = protocol.AppendSection(d, sec)
	protocol.CountSection(d, protocol.StateHeaderBytes, 1)
	applied, err := r.Apply(append(d, body...))
	if err != nil {
		r.t.Fatal(err)
	}
	return applied
}

// full is a full public record of generation 1, partial a change; A takes two limbs.
func (r *reader) full(seq, tick uint64, a byte) replica.Applied {
	return r.send(1, seq, tick, protocol.Section{Kind: protocol.Full}, 0, 1, 0, a)
}

func (r *reader) partial(seq, tick uint64, a byte) replica.Applied {
	return r.send(1, seq, tick, protocol.Section{Kind: protocol.Partial}, 0, 1, 0, a)
}

func (r *reader) removed(seq, tick uint64, age byte) replica.Applied {
	return r.send(1, seq, tick, protocol.Section{Kind: protocol.Removed}, 0, age)
}

func (r *reader) want(what string, a int) {
	r.t.Helper()
	got, ok := r.Get(0, 0)
	if a < 0 && ok || a >= 0 && (!ok || got.Words[0] != uint32(a)) {
		r.t.Errorf("%s: the row is %+v (here: %v), want %d", what, got, ok, a)
	}
}

func TestTheNewerRecordWins(t *testing.T) {
	r := newReader(t)
	r.full(1, 1001, 7)
	r.partial(3, 1005, 9)
	r.want("a partial record changes the row", 9)
	r.partial(2, 1003, 8)
	r.want("one of an older tick comes too late", 9)
	r.removed(4, 1006, 2)
	r.want("so does a removal as of an older tick", 9)
	r.removed(5, 1010, 1)
	r.want("a newer removal counts", -1)
	r.full(6, 1008, 5)
	r.want("a record from before it finds its trace", -1)
	r.full(7, 1011, 6)
	r.want("the entity comes back", 6)
	if c := r.Counters(); c.Superseded != 3 || c.Orphans != 0 || r.Orphaned() {
		t.Errorf("counted %+v", c)
	}
}

func TestAPartialRecordWithoutItsEntityIsAnOrphan(t *testing.T) {
	r := newReader(t)
	r.partial(1, 1001, 7)
	r.want("nothing is made up", -1)
	var in protocol.Input
	if r.Ack(&in); !r.Orphaned() || in.HasAck {
		t.Errorf("orphaned: %v, acknowledged: %v; want a resync and no acknowledgement", r.Orphaned(), in.HasAck)
	}
}

func TestWhatIsReadIsAcknowledged(t *testing.T) {
	r := newReader(t)
	var in protocol.Input
	if r.Ack(&in); in.HasAck {
		t.Error("something is acknowledged before anything came")
	}
	r.full(1, 1001, 1)
	r.partial(4, 1004, 2)
	r.partial(2, 1002, 3)
	if r.Ack(&in); !in.HasAck || in.Newest != 4 || in.Missing&0b111 != 0b001 {
		t.Errorf("newest %d, missing %b; want 4, and 3 alone of those from 1 on", in.Newest, in.Missing)
	}
	if again := r.partial(2, 1002, 3); !again.Ignored || r.Counters().Duplicates != 1 {
		t.Errorf("a duplicate was read: %+v", again)
	}
	r.partial(80, 1060, 4)
	if old := r.partial(5, 1060-protocol.MinAge-1, 5); !old.Ignored || r.Counters().TooOld != 1 {
		t.Errorf("a datagram beyond the age was read: %+v", old)
	}
	if r.Ack(&in); in.Newest != 80 || in.Missing != ^uint64(0) {
		t.Errorf("newest %d, missing %b; want 80 and all before it", in.Newest, in.Missing)
	}
}

func TestANewEpochBeginsEmpty(t *testing.T) {
	r := newReader(t)
	r.full(1, 1001, 7)
	if a := r.send(2, 2, 1002, protocol.Section{Kind: protocol.Removed}, 0, 0); !a.NewEpoch {
		t.Errorf("the epoch was not noticed: %+v", a)
	}
	r.want("the rows of the former epoch are gone", -1)
	if a := r.full(3, 1003, 8); !a.Ignored || r.Counters().StaleEpoch != 1 {
		t.Errorf("a datagram of the former epoch was read: %+v", a)
	}
	var in protocol.Input
	if r.Ack(&in); in.Epoch != 2 || in.Newest != 2 {
		t.Errorf("acknowledged %d of epoch %d", in.Newest, in.Epoch)
	}
}

func TestAFullRecordOfAnotherClassReplacesEverything(t *testing.T) {
	r := newReader(t)
	r.send(1, 1, 1001, protocol.Section{Class: schema.Own, Kind: protocol.Full}, 0, 1, 2, 3, 0, 7, 0, 9)
	if got, _ := r.Get(0, 0); got.Class != schema.Own || got.Words[1] != 9 || got.Made != (replica.Made{Tick: 998, Insert: 2}) {
		t.Errorf("the owner's row is %+v", got)
	}
	r.full(2, 1002, 8)
	if got, _ := r.Get(0, 0); got.Class != schema.Public || got.Words[1] != 0 {
		t.Errorf("once it is somebody else's, the row is %+v: what only the owner sees must be gone", got)
	}
}
