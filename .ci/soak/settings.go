package main

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"time"
)

// settings are what is run.
type settings struct {
	Time, Warmup time.Duration
	Bots         int
	Stint        time.Duration // a bot's mean time in the game
	Seed         uint64
	Program      string   `json:"-"` // the server's
	Env          []string `json:"-"` // beside this process's own, for it
	Folder       string   `json:"-"`

	// What the server is known to do, and how long its end may take for it.
	Idle, Hold, Empty time.Duration

	// Settle is for how long nothing may change once everybody has gone: what ends late has ended then, such as connections that
	// never said hello.
	Settle   time.Duration
	ActEvery time.Duration // between two acts of the operator
	Report   time.Duration // between two lines of progress
	NoSlope  bool          // it is too short for the memory's slope to say anything
	Out      io.Writer     `json:"-"`
}

// slopeNeeds is for how long a round goes on, at least, whose slope is judged: in less, chance hides what grows by less than
// rssSlopeMax.
const slopeNeeds = 10 * time.Minute

func (s settings) withDefaults() (settings, error) {
	if s.Time <= 0 || s.Warmup < 0 || s.Stint <= 0 {
		return s, errors.New("-time and -stint are above zero, -warmup is not below it")
	}
	if s.Bots < 1 || s.Bots > 5000 {
		return s, fmt.Errorf("-bots is %d; 1 to 5000 are possible", s.Bots)
	}
	for s.Seed == 0 {
		s.Seed = rand.Uint64()
	}
	if s.Warmup == 0 {
		s.Warmup = max(20*time.Second, s.Time/10)
	}
	if s.Idle == 0 {
		s.Idle, s.Hold, s.Empty = 15*time.Second, 15*time.Second, 5*time.Second
	}
	if s.Settle == 0 {
		s.Settle = 6 * time.Second
	}
	if s.ActEvery == 0 {
		s.ActEvery = 500 * time.Millisecond
	}
	if s.Report == 0 {
		s.Report = 10 * time.Second
	}
	s.NoSlope = s.NoSlope || s.Time < slopeNeeds
	return s, nil
}

// rooms are the public rooms that bots join by name.
func (s settings) rooms() int { return s.Bots/12 + 1 }
