package main

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/quicstep/quicstep/.ci/measure"
)

// networksName is what BENCH_SCENARIOS calls the networks.
const networksName = "networks"

// networkClients is how many clients there are in each of them, unless fewer are asked for.
const networkClients = 200

func (s settings) networkClients() int { return min(networkClients, slices.Max(s.Clients)) }

// network is a way between clients and server, as bots impair it. There is no floor to compare with: its clients impair
// nothing. What a clear way gives stands beside it.
type network struct {
	Name  string
	HZ    int
	Flags []string // of the bots
}

// networks are all that there are, in the order in which they run in each round. The first is the clear one.
var networks = []network{
	{"clear", 20, nil},
	{"100 ms round trip, 2 % lost each way", 20, []string{"--delay", "100ms", "--loss", "0.02"}},
	{"round trips from 0 to 80 ms", 30, []string{"--spread", "80ms"}},
	{"round trips from 0 to 80 ms", 60, []string{"--spread", "80ms"}},
}

// networkOutcome is what the rounds of a network gave.
type networkOutcome struct {
	Network network
	Rounds  []measured
	Failed  []string // why rounds are missing
}

// measureNetworks runs the rounds of all networks, in turns.
func (b *bench) measureNetworks(ctx context.Context) []networkOutcome {
	out := make([]networkOutcome, len(networks))
	for i, w := range networks {
		out[i].Network = w
	}
	for n := range b.settings.Rounds {
		for i, w := range networks {
			m, err := b.quicstep(ctx, cell{defaultScenario, b.settings.networkClients(), w.HZ}, extra{load: w.Flags})
			if ctx.Err() != nil {
				return out
			}
			if err != nil {
				out[i].Failed = append(out[i].Failed, err.Error())
				fmt.Fprintf(b.out, "  round %d of %d, %s, %d Hz, failed: %v\n", n+1, b.settings.Rounds, w.Name, w.HZ, err)
				continue
			}
			out[i].Rounds = append(out[i].Rounds, m)
			r := m.Report
			fmt.Fprintf(b.out, "  round %d of %d, %s, %d Hz: %.0f bytes per client and second, packets per client and tick %.2f down, %.2f up\n",
				n+1, b.settings.Rounds, w.Name, w.HZ, r.BytesPerClientS.Down, r.PacketsPerClientTick.Down, r.PacketsPerClientTick.Up)
			b.rest(ctx)
		}
	}
	return out
}

// networksTime is about how long they take.
func (s settings) networksTime() time.Duration {
	if !slices.Contains(s.Scenarios, networksName) {
		return 0
	}
	return time.Duration(s.Rounds*len(networks)) * s.playedTime(s.networkClients())
}

// restTime is about how long everything takes that is no cell.
func (s settings) restTime() time.Duration { return s.networksTime() + s.ownTime() }

const networksText = `%d clients in the workload *bench*, whose way to the server the bots impair, in user space. Figures are medians, with the least and the
most of the rounds in parentheses. Bytes and packets are those that came: per client and second, and per client and tick.
`

// networkColumns are the figures of each network.
var networkColumns = []struct {
	head   string
	of     func(measured) float64
	digits int
}{
	{"bytes down", func(m measured) float64 { return m.Report.BytesPerClientS.Down }, 0},
	{"packets down", func(m measured) float64 { return m.Report.PacketsPerClientTick.Down }, 2},
	{"up", func(m measured) float64 { return m.Report.PacketsPerClientTick.Up }, 2},
	{"updates", func(m measured) float64 { return m.Report.Updates.PerClientPerS }, 2},
	{"latency p50", func(m measured) float64 { return m.Report.LatencyMS.P50 }, 1},
	{"p99", func(m measured) float64 { return m.Report.LatencyMS.P99 }, 1},
}

// over is a figure's spread over the rounds.
func (o networkOutcome) over(of func(measured) float64) measure.Spread {
	values := make([]float64, len(o.Rounds))
	for i, m := range o.Rounds {
		values[i] = of(m)
	}
	return measure.SpreadOf(values)
}

// writeNetworks writes the table of the networks, if they were measured.
func (o *outcome) writeNetworks(d *bytes.Buffer) {
	if len(o.Networks) == 0 {
		return
	}
	fmt.Fprintf(d, "\n## Networks\n\n"+networksText+"\n| network | Hz |", o.Settings.networkClients())
	for _, c := range networkColumns {
		d.WriteString(" " + c.head + " |")
	}
	d.WriteString("\n|---|--:|")
	for range networkColumns {
		d.WriteString("--:|")
	}
	for _, n := range o.Networks {
		fmt.Fprintf(d, "\n| %s | %d |", n.Network.Name, n.Network.HZ)
		for _, c := range networkColumns {
			if len(n.Rounds) == 0 {
				d.WriteString(" – |")
				continue
			}
			s := n.over(c.of)
			fmt.Fprintf(d, " %s (%s–%s) |", measure.Grouped(s.Median, c.digits), measure.Grouped(s.Min, c.digits), measure.Grouped(s.Max, c.digits))
		}
	}
	d.WriteString("\n")
}
