package bots

import (
	"context"
	"math/bits"
	"sync/atomic"
	"time"

	"github.com/quicstep/quicstep/clients/client"
	"github.com/quicstep/quicstep/world"
)

// measuring is the measured time: what stood at its beginning, and at its end.
type measuring struct {
	active       atomic.Bool
	begun, ended time.Time
	before       []client.Stats // by bot; zero for one that is not in
	after        []client.Stats
	load         coreTimes
	idle         float64
	serverBefore *figures
	serverAfter  *figures
	visible      float64 // rows in sight, summed over samples
	samples      int
}

func (m *measuring) on() bool { return m.active.Load() }

// start notes what everybody's figures are.
func (m *measuring) start(r *run) (err error) {
	if m.serverBefore, err = fetch(r.cfg.Server); err != nil {
		return err
	}
	m.before, m.begun = r.stats(), time.Now()
	m.load = readCores()
	m.active.Store(true)
	return nil
}

// end notes them again.
func (m *measuring) end(r *run) (err error) {
	m.active.Store(false)
	m.after, m.ended = r.stats(), time.Now()
	m.idle = readCores().idleSince(m.load)
	m.serverAfter, err = fetch(r.cfg.Server)
	return err
}

func (r *run) stats() []client.Stats {
	out := make([]client.Stats, len(r.bots))
	for i, b := range r.bots {
		if s := b.session.Load(); s != nil {
			out[i] = s.Stats()
		}
	}
	return out
}

const (
	// sampleEvery is how often the age of every bot's state is looked at, whether or not anything came.
	sampleEvery = 50 * time.Millisecond
	// watchEvery is how many samples are between two looks at what a bot has in sight, and two calls of Progress. With each
	// sample another part of the bots is looked at: all in a row takes some 20 ms with 850 of them.
	watchEvery = 20
)

// watch samples and reports progress until ctx ends.
func (r *run) watch(ctx context.Context) {
	last, lastTicks := time.Now(), uint64(0)
	for n := 1; sleep(ctx, sampleEvery); n++ {
		now := time.Now()
		if r.measuring.on() {
			r.sampleAge(now)
			r.sampleSight(n % watchEvery)
		}
		if n%watchEvery != 0 || r.cfg.Progress == nil {
			continue
		}
		ticks, joined := uint64(0), r.joined()
		for _, s := range r.stats() {
			ticks += s.NewTicks
		}
		p := Progress{Asked: r.cfg.Clients, Joined: joined, Total: r.cfg.Duration, LatencyMS: r.latencyReport()}
		if r.measuring.on() {
			p.Measured = now.Sub(r.measuring.begun)
		}
		if joined > 0 && ticks >= lastTicks {
			p.UpdatesPerS = float64(ticks-lastTicks) / now.Sub(last).Seconds() / float64(joined)
		}
		last, lastTicks = now, ticks
		r.cfg.Progress(p)
	}
}

func (r *run) sampleAge(now time.Time) {
	for _, b := range r.bots {
		s := b.session.Load()
		if s == nil || b.gone.Load() {
			continue
		}
		if age, ok := b.age(now, s.TickPeriod()); ok {
			r.age.Add(age)
		}
	}
}

// sampleSight counts the rows that every watchEvery-th bot has in sight, from one of them on.
func (r *run) sampleSight(from int) {
	for i := from; i < len(r.bots); i += watchEvery {
		b := r.bots[i]
		if s := b.session.Load(); s != nil && !b.gone.Load() {
			s.Look(func(view *world.View) { r.measuring.visible += float64(rows(view)) })
			r.measuring.samples++
		}
	}
}

// rows counts the rows of all tables.
func rows(v *world.View) (n int) {
	for table := range v.Tables() {
		for _, p := range v.Pages(table) {
			if p != nil {
				n += bits.OnesCount64(p.Used())
			}
		}
	}
	return n
}

func (r *run) latencyReport() LatencyReport {
	return LatencyReport{
		Samples: uint64(r.latency.Count()), P50: r.latency.PercentileMS(50), P90: r.latency.PercentileMS(90),
		P99: r.latency.PercentileMS(99), Max: r.latency.PercentileMS(100),
	}
}

// report sums up.
func (r *run) report() *Report {
	m := &r.measuring
	seconds := m.ended.Sub(m.begun).Seconds()
	out := &Report{
		Game: r.schema.Game, Addr: r.cfg.Client.Addr, Begun: m.begun.UTC().Format(time.RFC3339Nano), DurationS: seconds, LatencyMS: r.latencyReport(),
		Updates:      UpdatesReport{IntervalMS: IntervalReport{P50: r.interval.PercentileMS(50), P99: r.interval.PercentileMS(99), Max: r.interval.PercentileMS(100)}},
		AgeTicks:     AgeReport{P50: float64(r.age.Percentile(50)), P99: float64(r.age.Percentile(99))},
		LoadCoreIdle: m.idle, Impairment: r.cfg.Impairment.Report(), Errors: r.errors,
		Clients: ClientsReport{Asked: r.cfg.Clients},
	}
	var sum client.Stats
	var records uint64
	for i, b := range r.bots {
		s := b.session.Load()
		if s == nil {
			continue
		}
		out.Clients.Joined++
		if b.gone.Load() {
			out.Clients.Disconnected++
		}
		out.TickHz = float64(time.Second) / float64(s.TickPeriod())
		before, after := m.before[i], m.after[i]
		out.Clients.Rejoined += int(after.Rejoins)
		out.Clients.Resumed += int(after.Resumes)
		sum.NewTicks += after.NewTicks - before.NewTicks
		sum.Sent += after.Sent - before.Sent
		sum.InputBytes += after.InputBytes - before.InputBytes
		sum.SentBytes += after.SentBytes - before.SentBytes
		sum.ReceivedBytes += after.ReceivedBytes - before.ReceivedBytes
		sum.SentPackets += after.SentPackets - before.SentPackets
		sum.ReceivedPackets += after.ReceivedPackets - before.ReceivedPackets
		records += after.Replica.Records - before.Replica.Records
		out.Events.Fired += after.Replica.Events - before.Replica.Events
		out.Events.Late += after.Replica.EventsLate - before.Replica.EventsLate
		out.Checks.Rows += after.Checks.Rows - before.Checks.Rows
		out.Checks.Pages += after.Checks.Pages - before.Checks.Pages
		out.Checks.Skipped += after.Checks.Skipped - before.Checks.Skipped
		out.Diverged += after.Checks.Diverged
		r.divergences(out, s)
	}
	r.perClient(out, sum, records, seconds)
	out.Server = serverReport(m.serverBefore, m.serverAfter, out.Clients.Joined)
	return out
}

// perClient fills in what is per client, second and tick.
func (r *run) perClient(out *Report, sum client.Stats, records uint64, seconds float64) {
	n := float64(out.Clients.Joined)
	if n == 0 || seconds <= 0 {
		return
	}
	ticks := n * seconds * out.TickHz
	out.Updates.PerClientPerS = float64(sum.NewTicks) / n / seconds
	out.BytesPerClientS = TrafficReport{Down: float64(sum.ReceivedBytes) / n / seconds, Up: float64(sum.SentBytes) / n / seconds}
	out.PacketsPerClientTick = TrafficReport{Down: float64(sum.ReceivedPackets) / ticks, Up: float64(sum.SentPackets) / ticks}
	out.Inputs.PerClientTick = float64(sum.Sent) / ticks
	if sum.Sent > 0 {
		out.Inputs.MeanBytes = float64(sum.InputBytes) / float64(sum.Sent)
	}
	if records > 0 {
		out.BytesPerEntityUpdate = float64(sum.ReceivedBytes) / float64(records)
	}
	if r.measuring.samples > 0 {
		out.EntitiesVisible.Mean = r.measuring.visible / float64(r.measuring.samples)
	}
	out.Checks.RowsPerClientS = float64(out.Checks.Rows) / n / seconds
}

func (r *run) divergences(out *Report, s *client.Session) {
	for _, d := range s.Diverged() {
		if len(out.Divergences) == divergencesMax {
			return
		}
		table := ""
		if d.Table < len(r.schema.Tables) {
			table = r.schema.Tables[d.Table].Name
		}
		out.Divergences = append(out.Divergences, Divergence{
			Player: uint64(s.Player()), Tick: d.Tick, Table: table, ID: uint64(d.Entity), Field: d.Field, Server: d.Server, Client: d.Client,
		})
	}
}
