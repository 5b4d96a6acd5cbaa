package client

import (
	"time"

	"github.com/quicstep/quicstep/clients/replica"
	"github.com/quicstep/quicstep/protocol"
	"github.com/quicstep/quicstep/protocol/schema"
	"github.com/quicstep/quicstep/world"
)

// inputsKept is how many of the latest inputs a client remembers: as many as a server lets be ahead.
const inputsKept = 64

// inputHeadMax is the most bytes that an input datagram has before its inputs.
const inputHeadMax = 17

// lagBytes is what an input's lag takes.
const lagBytes = 2

// sentInput is an input, the tick that it was for, and how far behind that the player saw the others.
type sentInput struct {
	tick uint64
	lag  uint16
	data []byte
}

// sentInputs are the latest inputs, by their ticks.
type sentInputs [inputsKept]sentInput

// of is the input for a tick, as far as it is remembered.
func (s *sentInputs) of(tick uint64) (in sentInput, ok bool) {
	in = s[tick%inputsKept]
	return in, in.tick == tick && in.data != nil
}

// receive applies what the server sends until the connection ends.
func (l *link) receive() {
	for {
		b, err := l.packets.Receive(l.live)
		if err != nil {
			if l.live.Err() == nil {
				l.end(explain(err))
			}
			return
		}
		resync, tick := l.apply(b, l.conn.ConnectionStats().MinRTT, time.Now()) // the smoothed one has what the machines take in it
		if tick != 0 {
			l.answer(tick)
		}
		if resync {
			l.askResync()
		}
		if l.prediction.on {
			l.logDrifts()
		}
	}
}

// answer answers a new tick at once when the input for it is known and needs no wait, and else leaves it to sendInputs.
func (l *link) answer(tick uint64) {
	s := l.session
	if s.cfg.OnTick != nil {
		s.cfg.OnTick(s, tick)
	}
	s.mu.Lock()
	l.deciding = false
	now := tick < s.held && l.timing.wait == 0
	s.mu.Unlock()
	if now && l.sending.TryLock() {
		l.sendInput()
		l.later.Reset(l.unheard())
		l.sending.Unlock()
		return
	}
	signal(l.ticked) // also when one is leaving that may not know of this tick
}

// apply brings the rows up to a datagram. It tells whether the replica needs to begin anew, and the tick when it is a
// new one, or zero. The round trip is zero when it is not known.
func (l *link) apply(b []byte, roundTrip time.Duration, now time.Time) (resync bool, tick uint64) {
	s := l.session
	s.mu.Lock()
	defer s.mu.Unlock()
	if l.retired {
		return false, 0
	}
	applied, err := l.rules.Apply(b)
	if err != nil {
		l.rejected++
	}
	if applied.NewEpoch {
		l.stale.clear()
		l.rows.Clear()
		if l.screen != nil {
			l.screen.clear()
		}
		l.prediction.reset()
		s.view = nil
	}
	if applied.Ignored {
		return false, 0
	}
	l.change(applied)
	s.view = nil
	if h := applied.Header; h.Tick > l.tick {
		l.tick, tick = h.Tick, h.Tick
		l.deciding = s.cfg.OnTick != nil
		l.newTicks++
		if roundTrip > 0 {
			l.timing.roundTrip = roundTrip
		}
		l.timing.heard(h, now)
		if l.prediction.on && h.OwnComplete {
			l.reconcile(h.Tick, now)
		}
		s.wakeUp()
	}
	return l.rules.Orphaned(), tick
}

// change notes the rows of a datagram, and brings its events to where the player finds them.
func (l *link) change(applied replica.Applied) {
	for _, ch := range applied.Changes {
		l.stale.mark(ch.Table, ch.Index)
	}
	if l.screen != nil {
		l.screen.applied(applied, l.rules, l.timing.clock.played(time.Now()))
	}
	b := &l.session.inbox
	for _, e := range applied.Events {
		b.events = keep(b, b.events, world.EventRecord{Tick: e.Tick, Kind: e.Kind, Data: e.Data})
	}
}

// freshen brings the typed rows up to the newest tick, but for own ones that are predicted: those wait until the server
// has told all of them. The caller holds the session's mu.
func (l *link) freshen() { l.bringIn(false) }

func (l *link) bringIn(own bool) {
	p := &l.prediction
	holds := !own && p.on && p.base != 0 && l.tick <= p.base+predictMost
	l.held = l.held[:0]
	l.stale.take(func(table int, index uint32) {
		row, ok := l.rules.Get(table, index)
		if holds && ok && row.Class == schema.Own {
			l.held = append(l.held, replica.Change{Table: table, Index: index})
			return
		}
		p.sure = false
		if !ok {
			l.rows.Remove(table, index)
			return
		}
		l.rows.Put(table, schema.MakeID(index, row.Generation), row.Class, row.Words, row.Texts)
		if row.Made.Insert != 0 {
			l.rows.SetOrigin(table, index, world.Origin{Tick: row.Made.Tick, Insert: row.Made.Insert})
		}
	})
	for _, ch := range l.held {
		l.stale.mark(ch.Table, ch.Index)
	}
}

// askResync tells the server that the replica can't be right. One request per epoch is enough: the replica is
// empty, and not orphaned, once the next one begins.
func (l *link) askResync() {
	l.session.mu.Lock()
	epoch := l.rules.Epoch()
	asked := l.timing.resyncAsked == int(epoch)+1
	l.timing.resyncAsked = int(epoch) + 1
	l.session.mu.Unlock()
	if asked {
		return
	}
	if message, err := protocol.AppendResync(nil, protocol.Resync{Epoch: epoch}); err == nil {
		l.write(message)
	}
}

// signal puts a notice into a channel that holds one.
func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// inputIsHere sends the input of a new tick at once; answer does what OnTick asks for. The caller holds the session's mu.
func (l *link) inputIsHere() {
	if l.tick > l.answered && !l.deciding {
		signal(l.ready)
	}
}

// sendInputs answers each new tick with a datagram: what was received, and the input for the tick that is coming. It
// leaves after timing's wait; without one as soon as the input is set, and after a quarter of a period at the latest.
// When no tick comes, one leaves a quarter of a period after the next tick's would have. What is held leaves from answer
// when it needs no wait, which puts that off by a period, so that nothing is woken for nothing.
func (l *link) sendInputs() {
	l.later.Reset(0)
	defer l.later.Stop()
	for {
		select {
		case <-l.live.Done():
			return
		case <-l.ticked:
			l.delay()
			continue
		case <-l.ready:
			if l.delayed() {
				continue
			}
		case <-l.later.C:
		}
		l.sending.Lock()
		if ago := time.Since(l.left); l.waits == 0 && ago < l.welcome.TickPeriod && l.isAnswered() {
			l.later.Reset(l.unheard() - ago) // answer was first
		} else {
			l.sendInput()
			l.later.Reset(l.again())
		}
		l.sending.Unlock()
	}
}

// delay has the answer to a tick leave after timing's wait. One that is about to leave answers this tick too.
func (l *link) delay() {
	l.sending.Lock()
	defer l.sending.Unlock()
	if l.waits > 0 {
		return
	}
	l.waits = l.wait()
	delay := l.welcome.TickPeriod / 4
	if l.waits > 0 {
		delay = time.Duration(l.waits) * l.welcome.TickPeriod / 8
	}
	l.later.Reset(delay)
}

// delayed tells whether an answer is about to leave after its wait.
func (l *link) delayed() bool {
	l.sending.Lock()
	defer l.sending.Unlock()
	return l.waits > 0
}

// unheard is after how long another leaves when answer was first with the one before and no tick comes.
func (l *link) unheard() time.Duration { return 9 * l.welcome.TickPeriod / 4 }

// sendInput makes and sends an input datagram. The caller holds sending.
func (l *link) sendInput() {
	l.left, l.waits = time.Now(), 0
	l.datagram = l.appendInput(l.datagram[:0], l.left)
	// An error is the connection's end, which its context tells, or a path that shrank: then the next tick tries again.
	l.packets.Send(l.datagram)
	l.listen()
}

// silence is for how long nothing comes before a new connection is tried beside the present one, which may only be in the
// dark. What leaves at the tick rate is acknowledged by QUIC at least, also when the room stands still; in a second of
// play some thirty packets have to be lost in a row for a false alarm, which costs a handshake and nothing else.
// silentPeriods is the same for slow rooms, in ticks.
const (
	silence       = time.Second
	silentPeriods = 4
)

// listen notices that nothing comes any more, or something again. The caller holds sending.
func (l *link) listen() {
	switch n := l.conn.ConnectionStats().PacketsReceived; {
	case n != l.packets0:
		l.packets0, l.heard = n, l.left
		if l.quiet && !l.leaving {
			l.quiet = false
			signal(l.alive)
		}
	case !l.quiet && l.left.Sub(l.heard) >= max(silence, silentPeriods*l.welcome.TickPeriod):
		l.quiet = true
		signal(l.silent)
	}
}

// isAnswered tells whether an input has left for the newest tick.
func (l *link) isAnswered() bool {
	l.session.mu.Lock()
	defer l.session.mu.Unlock()
	return l.tick <= l.answered
}

// wait is by how many eighths of a period the next input waits.
func (l *link) wait() int {
	l.session.mu.Lock()
	defer l.session.mu.Unlock()
	return l.timing.wait
}

// again is the time until the next input leaves in any case.
func (l *link) again() time.Duration {
	l.session.mu.Lock()
	defer l.session.mu.Unlock()
	return l.timing.again(time.Now())
}

// appendInput writes the next input datagram.
func (l *link) appendInput(dst []byte, now time.Time) []byte {
	s := l.session
	s.mu.Lock()
	defer s.mu.Unlock()
	var in protocol.Input
	l.rules.Ack(&in)
	l.answered = l.tick
	l.remember(l.timing.next(now), s.input)
	l.unacknowledged(&in)
	l.report(&in)
	l.sent++
	start := len(dst)
	dst = protocol.AppendInput(dst, &in)
	if len(dst)-start > protocol.MaxDatagramPayload && in.HasRow {
		in.HasRow, in.HasPage = false, false
		dst = protocol.AppendInput(dst[:start], &in)
	}
	l.sentSize += uint64(len(dst) - start)
	return dst
}

// unacknowledged adds the inputs that the server is not known to have, the newest first: protocol.InputsPerDatagram at
// most, and as far as they fit. So when it has one, it has those before it too.
func (l *link) unacknowledged(in *protocol.Input) {
	in.Tick = l.timing.stamped
	size := inputHeadMax
	for tick := in.Tick; in.Count < protocol.InputsPerDatagram; tick-- {
		sent, ok := l.inputs.of(tick)
		if size += lagBytes + len(sent.data); !ok || in.Count > 0 && (tick <= l.timing.acked || size > protocol.MaxDatagramPayload) {
			return // the newest one has to get through
		}
		in.Inputs[in.Count], in.Lags[in.Count] = sent.data, sent.lag
		in.Count++
	}
}

// remember notes the input for a tick, and for those before it that no datagram was sent for.
func (l *link) remember(tick uint64, input []byte) {
	if input == nil || tick <= l.stamped {
		return
	}
	from := tick
	if l.stamped != 0 {
		from = max(l.stamped+1, tick-min(tick, protocol.InputsPerDatagram-1))
	} else {
		l.timing.first = tick
	}
	seen := l.seen()
	for at := from; at <= tick; at++ {
		l.inputs[at%inputsKept] = sentInput{tick: at, lag: protocol.LagOf(at, seen), data: input}
	}
	l.stamped = tick
}

// report adds, twice a second, a row and a page of the replica for the server to compare.
func (l *link) report(in *protocol.Input) {
	every := uint64(time.Second / 2 / l.welcome.TickPeriod)
	if l.tick < l.reported+max(every, 1) {
		return
	}
	l.reported = l.tick
	l.rules.Report(in, l.chance)
}
