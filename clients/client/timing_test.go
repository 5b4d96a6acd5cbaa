package client

import (
	"bytes"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/quicstep/quicstep/clients/replica"
	"github.com/quicstep/quicstep/protocol"
	"github.com/quicstep/quicstep/world"
)

// leadFirst is the lead that the tests begin with: 60 ms are 1.8 ticks, and half a tick more makes it three.
const leadFirst = 3

// pace is timing in a time of its own, beginning at tick 100.
type pace struct {
	timing
	period time.Duration
	began  time.Time
}

func newPace(roundTrip, period time.Duration) *pace {
	p := &pace{period: period, began: time.Unix(1000, 0)}
	p.start(100, roundTrip, period, p.began)
	return p
}

// when is the moment at which a tick usually comes.
func (p *pace) when(tick uint64) time.Time { return p.began.Add(time.Duration(tick-100) * p.period) }

// hears takes a header at its tick's moment.
func (p *pace) hears(tick, input uint64, margin int8) {
	p.heard(protocol.StateHeader{Tick: tick, HasInput: true, InputTick: input, Margin: margin}, p.when(tick))
}

// sends is the tick of the input that leaves after the wait.
func (p *pace) sends(tick uint64) uint64 {
	return p.next(p.when(tick).Add(time.Duration(p.wait) * p.period / 8))
}

// settle lets ticks pass in which each input was so early, and returns the one after them.
func (p *pace) settle(from uint64, ticks int, margin int8) uint64 {
	for tick := from; tick < from+uint64(ticks); tick++ {
		p.hears(tick, max(p.stamped, tick), margin)
		p.sends(tick)
	}
	return from + uint64(ticks)
}

func TestTheLeadMovesATickAtATime(t *testing.T) {
	tm := newPace(60*time.Millisecond, time.Second/30)
	if got := tm.sends(100); got != 100+leadFirst {
		t.Errorf("the first input is for tick %d, want %d", got, 100+leadFirst)
	}
	for tick := uint64(101); tick < 101+strays; tick++ {
		if tm.hears(tick, 103, -20); tm.lead != leadFirst {
			t.Errorf("the lead is %d after %d late inputs, want %d still", tm.lead, tick-100, leadFirst)
		}
	}
	tm.hears(101+strays, 103, -20)
	if tm.lead != leadFirst+1 {
		t.Errorf("the lead is %d after %d late inputs, want %d", tm.lead, 1+strays, leadFirst+1)
	}
	// Until a report tells of an input that was stamped since, it tells of the former lead.
	for tick := uint64(102 + strays); tick < 104+2*strays; tick++ {
		tm.hears(tick, 103, -20)
	}
	if tm.lead != leadFirst+1 {
		t.Errorf("the lead is %d after more reports of the same input, want %d still", tm.lead, leadFirst+1)
	}
	next := tm.settle(104+2*strays, 22, -20) // the clock takes 20 ticks for one
	if got := tm.sends(next); got != next+leadFirst+1 {
		t.Errorf("then the input at %d is for %d, want %d", next, got, next+leadFirst+1)
	}
	for range 1 + strays {
		next++
		tm.hears(next, tm.stamped, -20)
	}
	if tm.lead != leadFirst+2 {
		t.Errorf("the lead is %d after reports of later inputs, want %d", tm.lead, leadFirst+2)
	}
}

func TestTheLeadKeepsBetweenItsBounds(t *testing.T) {
	for _, c := range []struct {
		margin int8
		want   int
	}{{-64, leadMax}, {63, 0}, {marginLow, leadFirst}, {marginTop, leadFirst}} {
		tm := newPace(60*time.Millisecond, time.Second/30)
		tm.settle(100, 1500, c.margin)
		if tm.lead != c.want {
			t.Errorf("with a margin of %d quarters the lead becomes %d, want %d", c.margin, tm.lead, c.want)
		}
	}
}

func TestTheLeadBeginsWithTheRoundTrip(t *testing.T) {
	for roundTrip, want := range map[time.Duration]int{0: 1, time.Millisecond: 1, 25 * time.Millisecond: 1, 26 * time.Millisecond: 2, 100 * time.Millisecond: 3, time.Hour: leadMax} {
		if tm := newPace(roundTrip, 50*time.Millisecond); tm.lead != want {
			t.Errorf("with a round trip of %v the lead is %d at 20 Hz, want %d", roundTrip, tm.lead, want)
		}
	}
}

func TestAStrayReportMovesNothing(t *testing.T) {
	tm := newPace(60*time.Millisecond, time.Second/30)
	for tick := uint64(100); tick < 400; tick++ {
		margin := int8(2)
		if tick%reportsLatest == 0 {
			margin = -3
		}
		tm.settle(tick, 1, margin)
	}
	if tm.lead != leadFirst {
		t.Errorf("with a late report among %d the lead becomes %d, want %d", reportsLatest, tm.lead, leadFirst)
	}
	if tm.late != 9 {
		t.Errorf("%d inputs are counted as late, want 9", tm.late)
	}
}

// TestInputsAreForOneTickAfterTheOther: whatever the network does, and while the lead changes.
func TestInputsAreForOneTickAfterTheOther(t *testing.T) {
	for seed := range uint64(20) {
		chance := rand.New(rand.NewPCG(seed, 3))
		tm := newPace(60*time.Millisecond, time.Second/30)
		last := tm.sends(100)
		for tick := uint64(101); tick < 1000; tick++ {
			late := time.Duration(chance.IntN(14)-7) * time.Millisecond
			if chance.IntN(20) > 0 { // else it is lost, and the input leaves all the same
				margin := int8(2)
				if tick%300 < 40 {
					margin = -3 // and the lead rises
				}
				tm.heard(protocol.StateHeader{Tick: tick, HasInput: true, InputTick: max(tick, last), Margin: margin}, tm.when(tick).Add(late))
			} else {
				late = tm.again(tm.when(tick).Add(late)) + late
			}
			got := tm.next(tm.when(tick).Add(late + time.Duration(tm.wait)*tm.period/8))
			if got < last || got > last+2 {
				t.Fatalf("seed %d, tick %d: an input is for %d, after one for %d", seed, tick, got, last)
			}
			last = got
		}
		if tm.lead <= leadFirst {
			t.Errorf("seed %d: the lead is %d still", seed, tm.lead)
		}
	}
}

func TestNewsThatComeLateRepeatNoTick(t *testing.T) {
	tm := newPace(60*time.Millisecond, time.Second/30)
	next := tm.settle(100, 60, 2)
	first := tm.sends(next)
	if got := tm.next(tm.when(next).Add(tm.again(tm.when(next)))); got != first+1 { // nothing comes
		t.Errorf("without news the input is for %d, want %d", got, first+1)
	}
	if got := tm.sends(next + 1); got != first+1 { // it came a little later, and there is nothing new to say
		t.Errorf("once it has come the input is for %d, want %d again", got, first+1)
	}
	if got := tm.sends(next + 2); got != first+2 {
		t.Errorf("then it is for %d, want %d", got, first+2)
	}
}

func TestTheClockSlewsAndSnaps(t *testing.T) {
	const period = 40 * time.Millisecond
	began := time.Unix(1000, 0)
	var c clock
	c.start(1000, period, began)
	c.aim, c.ahead = 2, 2
	c.arrived(1000, began)
	before := c.predicted(began)
	for tick := uint64(1001); tick < 1400; tick++ { // from 1100 on everything comes five ticks later
		now := began.Add(time.Duration(tick-1000) * period)
		if tick >= 1100 {
			now = now.Add(5 * period)
		}
		passed := float64(now.Sub(c.at)) / float64(period)
		c.arrived(tick, now)
		at := c.predicted(now)
		if went := at - before; went < passed*(1-slewMost)-1e-9 || went > passed*(1+slewMost)+1e-9 {
			t.Fatalf("tick %d: the clock goes %.3f ticks in the time of %.3f", tick, went, passed)
		}
		before = at
	}
	if off := before - (1399 + 2); math.Abs(off) > 0.1 {
		t.Errorf("300 ticks later the clock is off by %.2f", off)
	}
	if c.arrived(1400+2*snapTicks, began.Add(1405*period-1000*period)); c.tick != 1400+2*snapTicks {
		t.Errorf("after a leap the clock is at %.2f, want %d", c.tick, 1400+2*snapTicks)
	}
}

func TestAHeaderWithoutAnInputMovesNothing(t *testing.T) {
	tm := newPace(60*time.Millisecond, time.Second/30)
	tm.heard(protocol.StateHeader{Tick: 101, Margin: -64}, tm.when(101))
	if tm.lead != leadFirst || tm.margin != 0 {
		t.Errorf("the lead is %d, the margin %d", tm.lead, tm.margin)
	}
}

// TestLostInputsMakeACushion: when ticks go without their input again and again, inputs leave a tick earlier.
func TestLostInputsMakeACushion(t *testing.T) {
	tm := newPace(60*time.Millisecond, time.Second/30)
	tm.first = 100
	next := tm.settle(100, 100, 2)
	for range 20 { // a busy machine, once
		tm.hears(next, next-1, 2)
		next++
	}
	for range gapsMost - 1 {
		if tm.cushion != 0 || tm.lead != leadFirst {
			t.Errorf("after %d ticks without their input the cushion is %d and the lead %d, want 0 and %d", tm.missing, tm.cushion, tm.lead, leadFirst)
		}
		next = tm.settle(next, 50, 2)
		tm.hears(next, next-1, 2)
		next++
	}
	next = tm.settle(next, 1, 2) // the next one came in time: it is lost
	if tm.missing != 20+gapsMost-1 || tm.cushion != 1 || tm.lead != leadFirst+1 {
		t.Errorf("after %d ticks without their input the cushion is %d and the lead %d, want 1 and %d", tm.missing, tm.cushion, tm.lead, leadFirst+1)
	}
	next = tm.settle(next, 200, 6) // so early is what it should be now
	if tm.lead != leadFirst+1 {
		t.Errorf("the lead is %d while the cushion is there, want %d", tm.lead, leadFirst+1)
	}
	if tm.settle(next, 2*gapFar+200, 6); tm.cushion != 0 || tm.lead > leadFirst {
		t.Errorf("long after the last loss the cushion is %d and the lead %d, want 0 and %d at most", tm.cushion, tm.lead, leadFirst)
	}
}

// TestLateInputsMakeNoCushion: where inputs come just in time, a tick without one lacks one that is late, for which there
// are the wait and the lead.
func TestLateInputsMakeNoCushion(t *testing.T) {
	tm := newPace(60*time.Millisecond, time.Second/30)
	tm.first = 100
	next := tm.settle(100, 100, 2)
	for range 3 * gapsMost {
		tm.hears(next, next-1, marginLow)
		next = tm.settle(next+1, 50, 2)
	}
	if tm.missing != 3*gapsMost || tm.cushion != 0 {
		t.Errorf("after %d ticks whose input was late the cushion is %d, want 0", tm.missing, tm.cushion)
	}
}

// TestAStallMakesNoCushion: where the next report is of an input that came too late, whatever held it up held up all.
func TestAStallMakesNoCushion(t *testing.T) {
	tm := newPace(60*time.Millisecond, time.Second/30)
	tm.first = 100
	next := tm.settle(100, 100, 2)
	for range 3 * gapsMost {
		tm.hears(next, next-1, 2)
		tm.hears(next+1, tm.stamped, -2) // the least margin of the two that came
		next = tm.settle(next+2, 50, 2)
	}
	if tm.missing != 3*gapsMost || tm.late != 3*gapsMost || tm.cushion != 0 || tm.lead != leadFirst {
		t.Errorf("after %d ticks without their input, %d of which were late, the cushion is %d and the lead %d, want %d, %[5]d, 0 and %d",
			tm.missing, tm.late, tm.cushion, tm.lead, 3*gapsMost, leadFirst)
	}
}

// aim is an input of up to 500 bytes.
type aim struct {
	Text string `net:"max=250"`
	More string `net:"max=250"`
}

var testBegan = time.Unix(1000, 0)

// testClient is a client without a connection, in a room at tick 100.
func testClient(t *testing.T) *Client[aim] {
	t.Helper()
	g := world.NewGame[aim]("aim")
	s, err := world.SchemaOf(g)
	if err != nil {
		t.Fatal(err)
	}
	rules, err := replica.New(s, replica.Config{Epoch: 1, Tick: 100, Sequence: 1, Age: protocol.MinAge})
	if err != nil {
		t.Fatal(err)
	}
	l := &link{
		rules: rules, tick: 100, answered: 100, welcome: protocol.Welcome{TickPeriod: time.Second / 30},
		chance: rand.New(rand.NewPCG(1, 2)), ready: make(chan struct{}, 1),
	}
	l.session = &Session{game: g, schema: s, link: l, ended: make(chan struct{})}
	l.timing.start(100, 60*time.Millisecond, time.Second/30, testBegan)
	return &Client[aim]{Session: l.session, game: g}
}

// next parses the client's next input datagram.
func (c *Client[I]) nextInput(t *testing.T) (in protocol.Input) {
	t.Helper()
	tick := time.Duration(c.link.tick - 100)
	b := c.link.appendInput(nil, testBegan.Add(tick*c.link.welcome.TickPeriod+time.Duration(c.link.timing.wait)*c.link.welcome.TickPeriod/8))
	if len(b) > protocol.MaxDatagramPayload {
		t.Errorf("an input datagram has %d bytes, at most %d get through", len(b), protocol.MaxDatagramPayload)
	}
	if err := protocol.ParseInput(b, c.schema, &in); err != nil {
		t.Fatal(err)
	}
	return in
}

func TestEachDatagramCarriesWhatIsNotAcknowledged(t *testing.T) {
	c := testClient(t)
	if in := c.nextInput(t); in.Count != 0 {
		t.Errorf("%d inputs are sent before the first Send", in.Count)
	}
	const letters = "abcdefghijkl"
	for n := range letters {
		if err := c.Send(aim{Text: letters[n : n+1]}); err != nil {
			t.Fatal(err)
		}
		c.link.tick++
		want := min(n+1, protocol.InputsPerDatagram)
		if n == len(letters)-1 {
			c.link.timing.acked, want = c.link.stamped-1, 2
		}
		in := c.nextInput(t)
		if in.Count != want || in.Tick != c.link.tick+leadFirst {
			t.Errorf("datagram %d has %d inputs up to tick %d, want %d up to %d", n, in.Count, in.Tick, want, c.link.tick+leadFirst)
		}
		for i := range in.Count {
			if want, _ := c.game.AppendInput(nil, aim{Text: letters[n-i : n-i+1]}); !bytes.Equal(in.Inputs[i], want) {
				t.Errorf("input %d of datagram %d is %v, want %v", i, n, in.Inputs[i], want)
			}
		}
	}
	c.link.timing.acked = c.link.stamped + 5
	if in := c.nextInput(t); in.Count != 1 {
		t.Errorf("%d inputs are sent when the server has all of them, want the newest", in.Count)
	}
}

func TestTicksThatNoDatagramWasSentForGetTheInputToo(t *testing.T) {
	c := testClient(t)
	c.Send(aim{Text: "a"})
	c.nextInput(t)
	c.Send(aim{Text: "b"})
	c.link.tick += 2
	in := c.nextInput(t)
	if in.Count != 3 || in.Tick != 102+leadFirst || !bytes.Equal(in.Inputs[1], in.Inputs[0]) || bytes.Equal(in.Inputs[2], in.Inputs[0]) {
		t.Errorf("%d inputs up to tick %d, want the new one for %d and the tick before, and the former one", in.Count, in.Tick, 102+leadFirst)
	}
	c.link.tick += 10
	if in := c.nextInput(t); in.Count != protocol.InputsPerDatagram || in.Tick != 112+leadFirst || !bytes.Equal(in.Inputs[7], in.Inputs[0]) {
		t.Errorf("%d inputs up to tick %d, want the new one eight times up to %d", in.Count, in.Tick, 112+leadFirst)
	}
}

func TestLongInputsAreRepeatedAsFarAsTheyFit(t *testing.T) {
	c := testClient(t)
	long := strings.Repeat("x", 250)
	c.Send(aim{long, long})
	for _, want := range []int{1, 2, 2} {
		if in := c.nextInput(t); in.Count != want {
			t.Errorf("%d inputs of 500 bytes are sent, want %d", in.Count, want)
		}
		c.link.tick++
	}
}

func TestASendOutOfRangeKeepsTheFormerInput(t *testing.T) {
	c := testClient(t)
	c.Send(aim{Text: "fine"})
	if err := c.Send(aim{Text: strings.Repeat("x", 251)}); err == nil {
		t.Error("an input out of its range was taken")
	}
	want, _ := c.game.AppendInput(nil, aim{Text: "fine"})
	if in := c.nextInput(t); in.Count != 1 || !bytes.Equal(in.Inputs[0], want) {
		t.Errorf("the next datagram has %d inputs, want the former one", in.Count)
	}
}

// steer answers each input with the margin that it would have, for a round trip that includes what the server takes,
// when the server sends so long after its tick.
func steer(roundTrip, period, sends time.Duration, reports int) (tm *pace, lates int) {
	tm = newPace(roundTrip, period)
	for tick := uint64(100); tick < 100+uint64(reports); tick++ {
		in := tm.sends(tick)
		due := time.Duration(in-tick) * period // after the tick
		arrives := sends + roundTrip + time.Duration(tm.wait)*period/8
		margin := int8(math.Floor(4 * float64(due-arrives) / float64(period)))
		if margin < marginLow {
			lates++
		}
		tm.hears(tick, in, margin)
	}
	return tm, lates
}

func TestTheWaitBringsInputsToWhereAcknowledgementsRide(t *testing.T) {
	for _, hz := range []time.Duration{30, 60} {
		period := time.Second / hz
		for _, sends := range []time.Duration{0, 5 * time.Millisecond, 12 * time.Millisecond} {
			for roundTrip := time.Millisecond; roundTrip < 150*time.Millisecond; roundTrip += time.Millisecond {
				tm, lates := steer(roundTrip, period, sends, 1000)
				if lates > 30 {
					t.Errorf("at %d Hz with a round trip of %v %d inputs are late", hz, roundTrip, lates)
				}
				wait := time.Duration(tm.wait) * period / 8
				before := period - (roundTrip+wait)%period // the server sends again
				if wait > rideWithin || before > 25*time.Millisecond {
					t.Errorf("at %d Hz with a round trip of %v an input leaves after %v, and comes %v before the server sends; both are to be 25 ms at most", hz, roundTrip, wait, before)
				}
			}
		}
	}
}

func TestTheWaitFallsBeforeTheLeadRises(t *testing.T) {
	tm, _ := steer(time.Millisecond, time.Second/30, 0, 1000)
	lead, wait := tm.lead, tm.wait
	if wait == 0 {
		t.Fatal("there is no wait to fall")
	}
	for tick := uint64(1100); tm.wait == wait; tick++ {
		tm.settle(tick, 1, -1)
	}
	if tm.lead != lead || tm.wait != wait-1 {
		t.Errorf("after late inputs the lead is %d and the wait %d, want %d and %d", tm.lead, tm.wait, lead, wait-1)
	}
	tm.settle(1200, rideHold-reportsLatest, 3)
	if tm.wait != wait-1 {
		t.Errorf("the wait is %d soon after it fell, want %d still", tm.wait, wait-1)
	}
}

// disturb has inputs come late until the wait is gone, and returns the next tick.
func disturb(tm *pace, tick uint64) uint64 {
	for ; tm.wait > 0; tick++ {
		tm.settle(tick, 1, -1)
	}
	return tick
}

// risesAfter is how many reports of inputs in time come before the wait rises.
func risesAfter(tm *pace, tick uint64) (reports int) {
	for ; tm.wait == 0; reports++ {
		tm.settle(tick+uint64(reports), 1, 1)
	}
	return reports
}

func TestADisturbanceCountsOnce(t *testing.T) {
	tm, _ := steer(time.Millisecond, time.Second/30, 0, 1000)
	tick := uint64(1100)
	for _, hold := range []int{rideHold, 2 * rideHold, 4 * rideHold} {
		tick = disturb(tm, tick)
		after := risesAfter(tm, tick)
		if tick += uint64(after); after < hold || after > hold+2*reportsLatest {
			t.Errorf("the wait rises after %d reports, want about %d", after, hold)
		}
	}
	tm.settle(tick, 9*rideHold, 1) // it holds
	tick = disturb(tm, tick+9*rideHold)
	if after := risesAfter(tm, tick); after > 4*rideHold+2*reportsLatest {
		t.Errorf("after it held the wait rises after %d reports, want about %d", after, 4*rideHold)
	}
}
