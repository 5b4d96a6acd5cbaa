package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/quicstep/quicstep/.ci/measure"
)

// scenario is a workload, and how it is served.
type scenario struct {
	Name   string
	Says   string   // what it is, for the document
	Flags  []string // of the workload
	Serve  []string // of serve alone
	Always int      // it is measured with so many clients, whatever is asked for; zero: with those asked for
	All    bool     // with each number of clients and at each tick rate; else with a few, at the first
}

// scenarios are all that there are, in the order in which they run.
var scenarios = []scenario{
	{Name: defaultScenario, Says: "the default: 1,000 drones and the players' ships all move, some 50 in sight", All: true},
	{Name: "exact-steady", Says: "the same; positions travel as they are, every change at once", Flags: []string{"--exact"}, Serve: []string{"--steady-rate"}},
	{Name: "exact", Says: "the same; positions travel as they are, at a rate by distance", Flags: []string{"--exact"}},
	{Name: "idle", Says: "the default, but nine in ten rest at any time", Flags: []string{"--idle", "0.9"}},
	{Name: "crowd", Says: "100 ships and nothing else, each in sight of all, moving on two axes; positions travel as they are", Flags: []string{"--crowd", "--exact"}, Always: 100},
}

// defaultScenario is what is measured with each number of clients and at each tick rate.
const defaultScenario = "bench"

// fewClients are those that scenarios other than the default are measured with, as far as they are asked for.
var fewClients = []int{200, 1000}

// What is measured unless the environment says otherwise; a run with less than that is not published.
var (
	defaultClients = []int{100, 200, 500, 1000}
	defaultHZ      = []int{20, 30}
)

const (
	defaultSeconds = 10
	defaultRounds  = 5
)

// thinks is how often a second bots look at their rows: they change heading once a second, and the load's core is the one
// that has the least to spare.
const thinks = "1"

// settings are what the environment asks for.
type settings struct {
	Clients   []int
	HZ        []int
	Scenarios []string
	Seconds   int
	Rounds    int
	Docs      string `json:"-"`
	From      string `json:"-"`

	Warmup   time.Duration // for how long clients play before it is measured, so that no heap grows any more: its new pages cost most
	Rest     time.Duration // between two runs
	JoinRate int           // joins a second
}

func settingsOf(lookup func(string) (string, bool)) (settings, error) {
	s := settings{
		Clients: defaultClients, HZ: defaultHZ, Seconds: defaultSeconds, Rounds: defaultRounds,
		Warmup: 15 * time.Second, Rest: time.Second, JoinRate: 100,
	}
	for _, each := range scenarios {
		s.Scenarios = append(s.Scenarios, each.Name)
	}
	s.Scenarios = append(s.Scenarios, networksName, ownName)
	s.Docs, _ = lookup("BENCH_DOCS")
	s.From, _ = lookup("BENCH_FROM")
	seconds, rounds := []int{s.Seconds}, []int{s.Rounds}
	for _, f := range []struct {
		name  string
		value *[]int
		top   int
	}{{"BENCH_CLIENTS", &s.Clients, 10_000}, {"BENCH_HZ", &s.HZ, 240}, {"BENCH_SECONDS", &seconds, 3600}, {"BENCH_ROUNDS", &rounds, 100}} {
		text, _ := lookup(f.name)
		if text == "" {
			continue
		}
		list, err := numbers(text, f.top)
		if err != nil {
			return s, fmt.Errorf("%s is %q: %w", f.name, text, err)
		}
		*f.value = list
	}
	if len(seconds) > 1 || len(rounds) > 1 {
		return s, fmt.Errorf("BENCH_SECONDS and BENCH_ROUNDS are one number each")
	}
	s.Seconds, s.Rounds = seconds[0], rounds[0]
	text, _ := lookup("BENCH_SCENARIOS")
	var err error
	s.Scenarios, err = measure.Names("BENCH_SCENARIOS", text, s.Scenarios)
	return s, err
}

// numbers reads a list with commas, of numbers from 1 to top.
func numbers(text string, top int) (out []int, err error) {
	for _, word := range strings.Split(text, ",") {
		n, err := strconv.Atoi(strings.TrimSpace(word))
		if err != nil || n < 1 || n > top {
			return nil, fmt.Errorf("want numbers from 1 to %d with commas between them", top)
		}
		out = append(out, n)
	}
	return out, nil
}

// left says what was left out of what is published; empty when nothing was.
func (s settings) left() string {
	switch {
	case s.Seconds < defaultSeconds:
		return fmt.Sprintf("each run took less than %d seconds", defaultSeconds)
	case s.Rounds < defaultRounds:
		return fmt.Sprintf("there were less than %d rounds", defaultRounds)
	}
	for _, n := range defaultClients {
		if !slices.Contains(s.Clients, n) {
			return fmt.Sprintf("%d clients were left out", n)
		}
	}
	for _, hz := range defaultHZ {
		if !slices.Contains(s.HZ, hz) {
			return fmt.Sprintf("%d Hz were left out", hz)
		}
	}
	for _, each := range scenarios {
		if !slices.Contains(s.Scenarios, each.Name) {
			return fmt.Sprintf("the scenario %s was left out", each.Name)
		}
	}
	if !slices.Contains(s.Scenarios, networksName) {
		return "the networks were left out"
	}
	if !slices.Contains(s.Scenarios, ownName) {
		return "the profiles of its own cost were left out"
	}
	return ""
}

// cell is what a row of the tables is about.
type cell struct {
	Scenario string
	Clients  int
	HZ       int
}

func (c cell) String() string {
	return fmt.Sprintf("%s, %d clients, %d Hz", c.Scenario, c.Clients, c.HZ)
}

// scenario is the cell's.
func (c cell) scenario() scenario {
	for _, s := range scenarios {
		if s.Name == c.Scenario {
			return s
		}
	}
	return scenario{Name: c.Scenario}
}

// cells are what is to be measured, in order.
func (s settings) cells() (out []cell) {
	for _, each := range scenarios {
		if !slices.Contains(s.Scenarios, each.Name) {
			continue
		}
		rates, clients := s.HZ, s.Clients
		if !each.All {
			rates, clients = s.HZ[:1], s.few()
		}
		if each.Always > 0 {
			clients = []int{each.Always}
		}
		for _, hz := range rates {
			for _, n := range clients {
				out = append(out, cell{each.Name, n, hz})
			}
		}
	}
	return out
}

func (s settings) few() (out []int) {
	for _, n := range fewClients {
		if slices.Contains(s.Clients, n) {
			out = append(out, n)
		}
	}
	if len(out) == 0 {
		return s.Clients[:1]
	}
	return out
}

// overhead is what starting and stopping a run takes, more or less.
const overhead = 1500 * time.Millisecond

// roundTime is about how long a round of a cell takes: quicstep, the floor, the world alone.
func (s settings) roundTime(c cell) time.Duration {
	return 2*s.playedTime(c.Clients) + s.aloneTime() + overhead + s.Rest
}

// playedTime is about how long a run with so many clients takes.
func (s settings) playedTime(clients int) time.Duration {
	join := time.Duration(clients) * time.Second / time.Duration(s.JoinRate)
	return join + s.Warmup + time.Duration(s.Seconds)*time.Second + overhead + s.Rest
}

// aloneTime is for how long the world alone is measured; it varies less.
func (s settings) aloneTime() time.Duration {
	return max(time.Second, time.Duration(s.Seconds)*time.Second/2)
}

// timeOf is about how long rounds of cells take.
func (s settings) timeOf(cells []cell) (sum time.Duration) {
	for _, c := range cells {
		sum += time.Duration(s.Rounds) * s.roundTime(c)
	}
	return sum
}
