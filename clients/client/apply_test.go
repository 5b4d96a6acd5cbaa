package client

import (
	"testing"
	"time"

	"github.com/quicstep/quicstep/clients/replica"
	"github.com/quicstep/quicstep/protocol"
	"github.com/quicstep/quicstep/protocol/schema"
	"github.com/quicstep/quicstep/world"
)

// TestANewEpochClearsTheRowsAtOnce: also when the datagram that begins it is too old to be read.
func TestANewEpochClearsTheRowsAtOnce(t *testing.T) {
	type row struct{ N uint8 }
	g := world.NewGame[struct{}]("rows")
	rows := world.AddTable[row](g, "row")
	s, err := world.SchemaOf(g)
	if err != nil {
		t.Fatal(err)
	}
	c := &link{session: &Session{game: g, schema: s, news: make(chan struct{})}, ticked: make(chan struct{}, 1)}
	c.session.link = c
	if c.rules, err = replica.New(s, replica.Config{Epoch: 1, Tick: 100, Sequence: 1, Age: protocol.MinAge}); err != nil {
		t.Fatal(err)
	}
	if c.rows, err = world.NewReplica(g, 1, 0); err != nil {
		t.Fatal(err)
	}
	d := protocol.AppendStateHeader(nil, protocol.StateHeader{Epoch: 1, Sequence: 1, Tick: 200})
	d = protocol.AppendSection(d, protocol.Section{Class: schema.Public, Kind: protocol.Full})
	protocol.CountSection(d, protocol.StateHeaderBytes, 1)
	d = s.Tables[0].AppendRow(protocol.AppendFull(d, 0, 1), schema.Public, 1, []uint32{7}, nil)
	c.apply(d, 0, time.Now())
	if n := rows.Len(c.session.View()); n != 1 {
		t.Fatalf("%d rows after a full record", n)
	}
	c.apply(protocol.AppendStateHeader(nil, protocol.StateHeader{Epoch: 2, Sequence: 2, Tick: 100}), 0, time.Now())
	if n := rows.Len(c.session.View()); n != 0 {
		t.Errorf("%d rows of the former epoch are left", n)
	}
}
