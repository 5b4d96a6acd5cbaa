package replicate

import (
	"math/rand/v2"
	"testing"

	"github.com/quicstep/quicstep/world"
)

// TestATrackKnowsTheRecordsAround compares a track with a plain list of the records that a register would have taken.
func TestATrackKnowsTheRecordsAround(t *testing.T) {
	for seed := range uint64(200) {
		chance := rand.New(rand.NewPCG(seed, 5))
		k := newTrack(7, 100)
		records := []trailRef{{ref: 7, tick: 100}}
		tick := uint32(100)
		for range 300 {
			tick += 1 + uint32(chance.IntN(3))
			if chance.IntN(30) == 0 {
				tick += uint32(chance.IntN(200))
			}
			r := trailRef{ref: 7, tick: tick - uint32(chance.IntN(4)), gone: chance.IntN(6) == 0}
			k.add(r)
			if r.tick > records[len(records)-1].tick {
				records = append(records, r)
			}
			at := tick - min(uint32(chance.IntN(140)), tick)
			known, latest := at+uint32(chance.IntN(10)), chance.IntN(4) == 0
			if k.newest-min(at, k.newest) > trailTicks-20 {
				continue // beyond what it knows
			}
			got, ok := k.at(at, known, latest)
			want, wantOK := around(records, at, known, latest)
			if ok != wantOK || ok && (got.From != want.From || got.To != want.To || !sameBefore(got, want, k.newest)) {
				t.Fatalf("seed %d: around %d, known until %d, are %+v, %v; want %+v, %v of %v", seed, at, known, got, ok, want, wantOK, records)
			}
		}
	}
}

// sameBefore allows for records that the bits have lost.
func sameBefore(got, want world.SeenRow, newest uint32) bool {
	return got.Before == want.Before || newest-want.Before >= trailTicks
}

func around(records []trailRef, at, known uint32, latest bool) (r world.SeenRow, ok bool) {
	from := -1
	for i, k := range records {
		if k.tick <= known && (latest || k.tick <= at) {
			from = i
		}
	}
	if from < 0 || records[from].gone {
		return r, false
	}
	r = world.SeenRow{Ref: 7, From: records[from].tick}
	if from > 0 && !records[from-1].gone {
		r.Before = records[from-1].tick
	}
	if from+1 < len(records) && records[from+1].tick <= known && !records[from+1].gone {
		r.To = records[from+1].tick
	}
	return r, true
}

// TestSequenceZeroAcknowledgesNothing: a slot that a former epoch has filled has no number, which is no datagram's.
func TestSequenceZeroAcknowledgesNothing(t *testing.T) {
	var k Trail
	k.slot(1, 100).refs = []trailRef{{ref: 7, tick: 100}}
	k.slots[0].refs = []trailRef{{ref: 7, tick: 100}}
	k.begin(2, 1)
	k.Ack(2, 0, 0)
	if len(k.tracks) != 0 {
		t.Errorf("sequence number 0 was taken for %d records", len(k.tracks))
	}
}
