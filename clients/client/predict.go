package client

import (
	"math"
	"slices"
	"strings"
	"time"

	"github.com/quicstep/quicstep/world"
)

// predictMost is how many ticks ahead of the server's own rows are predicted at most; further ahead they are shown as the
// server said.
const predictMost = inputsKept - 2

// easedLeft is what is left of a correction after Config.EaseTime.
const easedLeft = 0.05

// prediction is what the player's own rows are expected to be, ahead of what the server has said: the game's OnInput, run
// over the rows as of a tick for each input since. The session's mu guards it.
type prediction struct {
	on     bool
	base   uint64          // the tick as of which the server has told all own rows; zero before the first
	upto   uint64          // what was predicted last; at most base when nothing is
	sure   bool            // it stands on base and on the inputs as they are
	failed bool            // game code panicked in the latest one
	ring   []world.OwnRows // what is predicted, by tick; nil when off
	said   world.OwnRows   // what the server has, while it is compared
	former world.OwnRows   // what was predicted before a correction
	ease   world.Easing
	eased  time.Time // since when

	compared, wrong uint64 // ticks
	fields          []Misprediction
	drifts          []world.Misprediction // for the log
}

// Misprediction is how often and by how much a field was predicted otherwise than the server then had it.
type Misprediction struct {
	// Table and Field are its names; the field is "row" for rows that an input was predicted to make, or has made, alone.
	Table, Field string
	// Count is in how many ticks and rows it was.
	Count uint64
	// Largest is the largest difference, in the field's own units, and Latest the newest.
	Largest float64
	Latest  world.Misprediction
}

// start turns prediction on.
func (p *prediction) start() { p.on, p.ring = true, make([]world.OwnRows, inputsKept) }

// at is where what is predicted for a tick stands.
func (p *prediction) at(tick uint64) *world.OwnRows { return &p.ring[tick%inputsKept] }

// reset forgets everything, when an epoch begins.
func (p *prediction) reset() {
	p.base, p.upto, p.sure, p.ease = 0, 0, false, world.Easing{}
	for i := range p.ring {
		p.ring[i].Tick = 0
	}
}

// reconcile takes the own rows as of a tick whose datagram had all of them: what was predicted for it is compared with
// them, and predicted anew from there.
func (l *link) reconcile(tick uint64, now time.Time) {
	p := &l.prediction
	l.predict(now) // as far as could be drawn by now, so that it can be eased
	shown := p.upto
	p.former.Tick = 0
	if shown > tick && p.at(shown).Tick == shown {
		p.former, *p.at(shown) = *p.at(shown), p.former
	}
	p.base = tick
	l.bringIn(true)
	l.rows.Unpredict()
	p.sure = false
	if was := p.at(tick); was.Tick == tick {
		l.rows.Own(tick, &p.said)
		p.compared++
		if p.judge(was) {
			p.wrong++
		}
	}
	l.predict(now)
	if p.former.Tick == shown && p.at(shown).Tick == shown {
		p.fade(now, l.session.cfg.EaseTime)
		p.ease.Correct(&p.former, p.at(shown))
	}
}

// driftsKept is how many mispredictions of a datagram are logged.
const driftsKept = 8

// judge compares what was predicted with what the server has said, and tells whether anything differs.
func (p *prediction) judge(was *world.OwnRows) (wrong bool) {
	p.said.Compare(was, func(m world.Misprediction) {
		wrong = true
		at := slices.IndexFunc(p.fields, func(f Misprediction) bool { return f.Table == m.Table && f.Field == m.Field })
		if at < 0 {
			at = len(p.fields)
			p.fields = append(p.fields, Misprediction{Table: m.Table, Field: m.Field})
		}
		f := &p.fields[at]
		f.Count, f.Largest, f.Latest = f.Count+1, max(f.Largest, m.Size), m
		if len(p.drifts) < driftsKept {
			p.drifts = append(p.drifts, m)
		}
	})
	return wrong
}

// fade takes from what is eased what the time has taken.
func (p *prediction) fade(now time.Time, over time.Duration) {
	share := 0.0
	if over > 0 {
		share = math.Pow(easedLeft, max(0, now.Sub(p.eased).Seconds())/over.Seconds())
	}
	p.ease.Fade(share)
	p.eased = now
}

// predict goes on to the tick that inputs are for next: what is asked for now is in it, although it may change until it
// is sent. It tells whether rows differ from those of the former call.
func (l *link) predict(now time.Time) (news bool) {
	p := &l.prediction
	if !p.on || p.base == 0 || l.session.input == nil {
		return false
	}
	until := l.acting(now)
	if p.sure && until <= p.upto {
		return false
	}
	if !p.sure {
		l.rows.Unpredict()
		p.upto, p.sure, p.failed = p.base, true, false
		news = true
	}
	if until > p.base+predictMost || p.failed {
		return news
	}
	for tick := p.upto + 1; tick <= until; tick++ {
		if err := l.rows.Predict(tick, l.inputFor(tick)); err != nil {
			p.failed = true // until the next datagram: rows are as the server said
			p.upto = p.base
			return true
		}
		l.rows.Own(tick, p.at(tick))
		p.upto, news = tick, true
	}
	return news
}

// inputFor is the input that the server is expected to take for a tick: the one that was sent for it, what is asked for
// now in those to come, or the one before again.
func (l *link) inputFor(tick uint64) []byte {
	if tick > l.stamped {
		return l.session.input
	}
	for back := range uint64(inputsKept) {
		if in, ok := l.inputs.of(tick - min(back, tick)); ok {
			return in.data
		}
	}
	return nil
}

// changed tells that what the player asks for has changed: the tick that is not sent yet is predicted anew.
func (p *prediction) changed() { p.sure = false }

// ownShown returns the link's rows with the player's own as they are drawn at a moment: between the two predicted ticks
// around it, so that they move as evenly as the clock goes, with corrections eased. Fields that are no floats are as in
// the later tick. Rows that nothing is predicted of are as the server said last. What is returned is good until the link's rows
// change, which is when the session's mu, which the caller holds, is let go.
func (l *link) ownShown(now time.Time) *world.Replica {
	l.freshen()
	l.predict(now)
	p := &l.prediction
	at := l.timing.clock.predicted(now)
	tick := uint64(max(0, at))
	from, to := p.at(tick), p.at(tick+1)
	if !p.on || p.upto <= p.base || to.Tick != tick+1 {
		return l.rows
	}
	p.fade(now, l.session.cfg.EaseTime)
	l.rows.ShowOwn(from, to, at-float64(tick), &p.ease)
	p.sure = false // what was written is no base to predict on
	l.session.view = nil
	return l.rows
}

// Timeline is where a session stands in time, in ticks. Whole ticks are their ends.
type Timeline struct {
	// Acting is the tick that what the player asks for now is for. View has own rows as predicted at its end.
	Acting uint64
	// Drawn is the moment at which Draw shows own rows. It goes evenly, 5 % faster or slower than the server at most, but when
	// it was wrong by more than 10 ticks.
	Drawn float64
	// Server is where the server is by now, as far as the client knows.
	Server float64
	// Rate is how many ticks go by in TickPeriod: 1, less in slow motion, 0 while the room is frozen.
	Rate float64
}

// Timeline returns where the session stands now.
func (s *Session) Timeline() Timeline {
	s.mu.Lock()
	defer s.mu.Unlock()
	l, now := s.link, time.Now()
	t := &l.timing
	return Timeline{
		Acting: l.acting(now), Drawn: t.clock.predicted(now), Rate: t.clock.rate,
		Server: t.clock.tick + t.clock.rate*float64(t.roundTrip)/2/float64(t.period),
	}
}

// acting is the tick that what is asked for now is for.
func (l *link) acting(now time.Time) uint64 {
	return max(l.stamped, uint64(max(0, l.timing.clock.predicted(now)))) + 1
}

// Mispredictions returns in which fields of own rows the server had something else than was predicted, by table and
// field, over all of the session's connections. A field that only the game's OnTick or other players change, like hit
// points, is among them.
func (s *Session) Mispredictions() []Misprediction {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := slices.Clone(s.link.prediction.fields)
	slices.SortFunc(out, func(a, b Misprediction) int {
		return strings.Compare(a.Table+"\x00"+a.Field, b.Table+"\x00"+b.Field)
	})
	return out
}

// logDrifts logs what was mispredicted since the last call.
func (l *link) logDrifts() {
	s := l.session
	s.mu.Lock()
	drifts := l.prediction.drifts
	l.prediction.drifts = nil
	s.mu.Unlock()
	for _, m := range drifts {
		s.cfg.Log.Debug("mispredicted", "player", l.welcome.Player, "tick", m.Tick, "table", m.Table, "row", m.ID.String(),
			"field", m.Field, "predicted", m.Predicted, "server", m.Server, "size", m.Size)
	}
}
