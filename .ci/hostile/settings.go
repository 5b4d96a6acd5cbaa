package main

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/quicstep/quicstep/.ci/hostile/attack"
	"github.com/quicstep/quicstep/.ci/measure"
)

// What is done unless the environment says otherwise; a run with less than that is not published.
const (
	defaultSeconds  = 5
	defaultRounds   = 2
	defaultClients  = 50
	defaultMemoryMB = 256
)

// settings are what the environment asks for.
type settings struct {
	Attacks  []string
	Seconds  int
	Rounds   int
	Clients  int
	MemoryMB int
	Docs     string `json:"-"`
	From     string `json:"-"`
}

func settingsOf(lookup func(string) (string, bool)) (settings, error) {
	s := settings{Seconds: defaultSeconds, Rounds: defaultRounds, Clients: defaultClients, MemoryMB: defaultMemoryMB}
	for _, a := range attack.All() {
		s.Attacks = append(s.Attacks, a.Name)
	}
	s.Docs, _ = lookup("HOSTILE_DOCS")
	s.From, _ = lookup("HOSTILE_FROM")
	for _, f := range []struct {
		name  string
		value *int
		top   int
	}{
		{"HOSTILE_SECONDS", &s.Seconds, 600}, {"HOSTILE_ROUNDS", &s.Rounds, 100}, {"HOSTILE_CLIENTS", &s.Clients, 1000},
		{"HOSTILE_MEMORY_MB", &s.MemoryMB, 1 << 20},
	} {
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
	text, _ := lookup("HOSTILE_ATTACKS")
	var err error
	s.Attacks, err = measure.Names("HOSTILE_ATTACKS", text, s.Attacks)
	return s, err
}

// left says what was left out of what is published; empty when nothing was.
func (s settings) left() string {
	switch {
	case s.Seconds < defaultSeconds:
		return fmt.Sprintf("each run took less than %d seconds", defaultSeconds)
	case s.Rounds < defaultRounds:
		return fmt.Sprintf("there were less than %d rounds", defaultRounds)
	case s.Clients < defaultClients:
		return fmt.Sprintf("there were less than %d honest players", defaultClients)
	case s.MemoryMB > defaultMemoryMB:
		return fmt.Sprintf("the server was allowed more than %d MB", defaultMemoryMB)
	}
	for _, a := range attack.All() {
		if !slices.Contains(s.Attacks, a.Name) {
			return fmt.Sprintf("the attack %s was left out", a.Name)
		}
	}
	return ""
}

// overhead is what starting and stopping a run takes, more or less.
const overhead = 1500 * time.Millisecond

// runTime is about how long a run takes.
func (s settings) runTime() time.Duration {
	return time.Duration(s.Clients)*time.Second/honestJoins + honestWarmup + time.Duration(s.Seconds)*time.Second + overhead
}

// timeOf is about how long so many attacks take, with their controls.
func (s settings) timeOf(attacks int) time.Duration {
	return time.Duration(attacks*s.Rounds*2) * s.runTime()
}
