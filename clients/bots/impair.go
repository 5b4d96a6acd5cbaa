package bots

import (
	"fmt"
	"time"
)

const (
	// impairTimeMax bounds the delay and the jitter.
	impairTimeMax = 10 * time.Second
	// reorderHold is how long a reordered packet is held back on top of its delay. It is longer than a tick at 30 Hz, so
	// that what is sent once a tick is overtaken too.
	reorderHold = 40 * time.Millisecond
)

// Impairment is how bad a bot's network is. The zero value leaves it as it is. Shares are of the packets of each way,
// from 0 to 1; durations are of the round trip, half of it each way, from 0 to 10 s.
type Impairment struct {
	// Loss is the share of packets that are lost.
	Loss float64
	// Delay is added to the round trip.
	Delay time.Duration
	// Spread has the bots of a run differ: each one's delay is longer by a part of it, from none for the first to all of it
	// for the last. A single conn does not look at it.
	Spread time.Duration
	// Jitter is by how much the delay varies: evenly from Delay-Jitter to Delay+Jitter, never below zero. Packets that
	// follow each other within less than the jitter may change places by it.
	Jitter time.Duration
	// Duplicate is the share of packets that come twice; the copy has a delay of its own.
	Duplicate float64
	// Reorder is the share of packets that are held back by 40 ms, so that those behind overtake them.
	Reorder float64
	// Seed begins the chances. Conns with the same seed and the same packets have the same luck; zero is a seed too.
	Seed uint64
}

// Check names the first field that is out of its range.
func (i Impairment) Check() error {
	shares := []struct {
		name  string
		share float64
	}{{"Loss", i.Loss}, {"Duplicate", i.Duplicate}, {"Reorder", i.Reorder}}
	for _, s := range shares {
		// Written so that NaN does not pass.
		if !(s.share >= 0 && s.share <= 1) {
			return fmt.Errorf("impairment: %s is %v: give a share from 0 to 1", s.name, s.share)
		}
	}
	times := []struct {
		name string
		time time.Duration
	}{{"Delay", i.Delay}, {"Spread", i.Spread}, {"Jitter", i.Jitter}}
	for _, d := range times {
		if d.time < 0 || d.time > impairTimeMax {
			return fmt.Errorf("impairment: %s is %v: give a time from 0 to %v", d.name, d.time, impairTimeMax)
		}
	}
	return nil
}

// ImpairmentReport is an Impairment with its times in milliseconds.
type ImpairmentReport struct {
	Loss      float64 `json:"loss"`
	DelayMS   float64 `json:"delay_ms"`
	SpreadMS  float64 `json:"spread_ms"`
	JitterMS  float64 `json:"jitter_ms"`
	Duplicate float64 `json:"duplicate"`
	Reorder   float64 `json:"reorder"`
	Seed      uint64  `json:"seed"`
}

// Report gives the impairment as a Report shows it: all zero when it leaves the network as it is, whatever its seed.
func (i Impairment) Report() ImpairmentReport {
	r := ImpairmentReport{
		Loss:      i.Loss,
		DelayMS:   float64(i.Delay) / float64(time.Millisecond),
		SpreadMS:  float64(i.Spread) / float64(time.Millisecond),
		JitterMS:  float64(i.Jitter) / float64(time.Millisecond),
		Duplicate: i.Duplicate,
		Reorder:   i.Reorder,
	}
	if r != (ImpairmentReport{}) {
		r.Seed = i.Seed
	}
	return r
}
