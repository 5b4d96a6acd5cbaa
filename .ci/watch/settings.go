package main

import (
	"fmt"
	"strconv"
	"time"
)

// What is measured unless the environment says otherwise; a run with less than that is not published.
const (
	defaultRounds  = 5
	defaultSeconds = 10
	defaultBots    = 100
	defaultRooms   = 20
)

// settings are what is measured.
type settings struct {
	Rounds  int
	Seconds int // of each half
	Bots    int
	Rooms   int
	Docs    string `json:"-"`
	From    string `json:"-"`

	Warmup time.Duration // for how long all bots play before it is measured
}

func settingsOf(lookup func(string) (string, bool)) (settings, error) {
	s := settings{Rounds: defaultRounds, Seconds: defaultSeconds, Bots: defaultBots, Rooms: defaultRooms, Warmup: 2 * time.Second}
	s.Docs, _ = lookup("WATCH_DOCS")
	s.From, _ = lookup("WATCH_FROM")
	for _, f := range []struct {
		name  string
		value *int
		top   int
	}{{"WATCH_ROUNDS", &s.Rounds, 100}, {"WATCH_SECONDS", &s.Seconds, 300}} {
		text, _ := lookup(f.name)
		if text == "" {
			continue
		}
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > f.top {
			return s, fmt.Errorf("%s is %q: want a number from 1 to %d", f.name, text, f.top)
		}
		*f.value = n
	}
	return s, nil
}

// left says what was left out of what is published; empty when nothing was.
func (s settings) left() string {
	switch {
	case s.Rounds < defaultRounds:
		return fmt.Sprintf("there were less than %d rounds", defaultRounds)
	case s.Seconds < defaultSeconds:
		return fmt.Sprintf("each half took less than %d seconds", defaultSeconds)
	case s.Bots < defaultBots || s.Rooms < defaultRooms:
		return fmt.Sprintf("there were less than %d bots in %d rooms", defaultBots, defaultRooms)
	}
	return ""
}

// overhead is what a round takes beside the bots' joins, the warm-up and what is measured, more or less.
const overhead = 6 * time.Second

// timeOf is about how long so many rounds take.
func (s settings) timeOf(rounds int) time.Duration {
	return time.Duration(rounds) * (s.half()*2 + s.joins() + s.Warmup + overhead)
}

// half is how long a half is measured.
func (s settings) half() time.Duration { return time.Duration(s.Seconds) * time.Second }

// joinRate is how many bots join in a second.
const joinRate = 100

// joins is how long it takes until all bots are in, at the least.
func (s settings) joins() time.Duration {
	return time.Duration(s.Bots) * time.Second / joinRate
}
