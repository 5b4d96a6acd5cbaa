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

// reported is a datagram's header that tells of an input and its margin.
func reported(tick uint64, margin int8) protocol.StateHeader {
	return protocol.StateHeader{HasInput: true, InputTick: tick, Margin: margin}
}

func TestTheLeadMovesATickAtATime(t *testing.T) {
	var tm timing
	tm.start(60*time.Millisecond, time.Second/30)
	if got := tm.next(100); got != 100+leadFirst {
		t.Errorf("the first input is for tick %d, want %d", got, 100+leadFirst)
	}
	tm.heard(reported(103, -20))
	if tm.lead != leadFirst+1 {
		t.Errorf("the lead is %d after a late input, want %d", tm.lead, leadFirst+1)
	}
	// Until a report tells of an input that was stamped since, it tells of the former lead.
	tm.heard(reported(103, -20))
	if tm.lead != leadFirst+1 {
		t.Errorf("the lead is %d after another report of the same input, want %d still", tm.lead, leadFirst+1)
	}
	if got := tm.next(101); got != 105 {
		t.Errorf("the next input is for tick %d, want 105", got)
	}
	tm.heard(reported(105, -20))
	if tm.lead != leadFirst+2 {
		t.Errorf("the lead is %d after a report of a later input, want %d", tm.lead, leadFirst+2)
	}
}

func TestTheLeadKeepsBetweenItsBounds(t *testing.T) {
	for _, c := range []struct {
		margin int8
		want   int
	}{{-64, leadMax}, {63, 0}, {marginLow, leadFirst}, {marginTop, leadFirst}} {
		var tm timing
		tm.start(60*time.Millisecond, time.Second/30)
		for tick := uint64(100); tick < 300; tick++ {
			tm.heard(reported(tm.next(tick), c.margin))
		}
		if tm.lead != c.want {
			t.Errorf("with a margin of %d quarters the lead becomes %d, want %d", c.margin, tm.lead, c.want)
		}
	}
}

func TestTheLeadBeginsWithTheRoundTrip(t *testing.T) {
	for roundTrip, want := range map[time.Duration]int{0: 1, time.Millisecond: 1, 25 * time.Millisecond: 1, 26 * time.Millisecond: 2, 100 * time.Millisecond: 3, time.Hour: leadMax} {
		var tm timing
		if tm.start(roundTrip, 50*time.Millisecond); tm.lead != want {
			t.Errorf("with a round trip of %v the lead is %d at 20 Hz, want %d", roundTrip, tm.lead, want)
		}
	}
}

func TestAStrayReportMovesNothing(t *testing.T) {
	var tm timing
	tm.start(60*time.Millisecond, time.Second/30)
	for tick := uint64(100); tick < 400; tick++ {
		margin := int8(2)
		if tick%reportsLatest == 0 {
			margin = -3
		}
		tm.heard(reported(tm.next(tick), margin))
	}
	if tm.lead != leadFirst {
		t.Errorf("with a late report among %d the lead becomes %d, want %d", reportsLatest, tm.lead, leadFirst)
	}
}

func TestALeadThatFellTakesEffect(t *testing.T) {
	var tm timing
	tm.start(60*time.Millisecond, time.Second/30)
	tick := uint64(100)
	for ; tm.lead == leadFirst; tick++ {
		tm.heard(reported(tm.next(tick), 20))
	}
	last := tm.next(tick)
	if want := tick + leadFirst - 1; last != want {
		t.Errorf("once the lead has fallen the input at tick %d is for %d, want %d", tick, last, want)
	}
	if got := tm.next(tick + 1); got != last+1 {
		t.Errorf("the next one is for %d, want %d", got, last+1)
	}
}

func TestNewsThatComeLateSkipNoTick(t *testing.T) {
	var tm timing
	tm.start(60*time.Millisecond, time.Second/30)
	first := tm.next(100)
	if got := tm.next(100); got != first+1 { // tick 101 is late
		t.Errorf("without news the input is for %d, want %d", got, first+1)
	}
	if got := tm.next(101); got != first+1 {
		t.Errorf("once it has come the input is for %d, want %d again", got, first+1)
	}
	if got := tm.next(102); got != first+2 {
		t.Errorf("then it is for %d, want %d", got, first+2)
	}
}

func TestAHeaderWithoutAnInputMovesNothing(t *testing.T) {
	var tm timing
	tm.start(60*time.Millisecond, time.Second/30)
	tm.heard(protocol.StateHeader{Margin: -64})
	if tm.lead != leadFirst || tm.margin != 0 {
		t.Errorf("the lead is %d, the margin %d", tm.lead, tm.margin)
	}
}

func TestInputsAreForOneTickAfterTheOther(t *testing.T) {
	var tm timing
	tm.start(60*time.Millisecond, time.Second/30)
	last := tm.next(100)
	for tick := uint64(101); tick < 110; tick++ {
		if got := tm.next(tick); got != last+1 {
			t.Errorf("at tick %d the input is for %d, want %d", tick, got, last+1)
		}
		last++
	}
	// No datagram comes: the inputs go on for two ticks and then wait.
	for _, want := range []uint64{last + 1, last + 2, last + 2, last + 2} {
		if got := tm.next(109); got != want {
			t.Errorf("without news the input is for %d, want %d", got, want)
		}
	}
	// The datagrams that were missing come at once: no tick is skipped that could still be reached.
	if got := tm.next(113); got != 113+leadFirst {
		t.Errorf("after the hole the input is for %d, want %d", got, 113+leadFirst)
	}
}

// aim is an input of up to 500 bytes.
type aim struct {
	Text string `net:"max=250"`
	More string `net:"max=250"`
}

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
	l.timing.start(60*time.Millisecond, time.Second/30)
	return &Client[aim]{Session: l.session, game: g}
}

// next parses the client's next input datagram.
func (c *Client[I]) nextInput(t *testing.T) (in protocol.Input) {
	t.Helper()
	b := c.link.appendInput(nil)
	if len(b) > protocol.MaxDatagramPayload {
		t.Errorf("an input datagram has %d bytes, at most %d get through", len(b), protocol.MaxDatagramPayload)
	}
	if err := protocol.ParseInput(b, c.schema, &in); err != nil {
		t.Fatal(err)
	}
	return in
}

func TestEachDatagramRepeatsTheLatestInputs(t *testing.T) {
	c := testClient(t)
	if in := c.nextInput(t); in.Count != 0 {
		t.Errorf("%d inputs are sent before the first Send", in.Count)
	}
	for n, text := range []string{"a", "b", "c", "d"} {
		if err := c.Send(aim{Text: text}); err != nil {
			t.Fatal(err)
		}
		c.link.tick++
		in := c.nextInput(t)
		if want := min(n+1, inputHistory); in.Count != want || in.Tick != c.link.tick+leadFirst {
			t.Errorf("datagram %d has %d inputs up to tick %d, want %d up to %d", n, in.Count, in.Tick, want, c.link.tick+leadFirst)
		}
		for i := range in.Count {
			if want, _ := c.game.AppendInput(nil, aim{Text: string("abcd"[n-i])}); !bytes.Equal(in.Inputs[i], want) {
				t.Errorf("input %d of datagram %d is %v, want %v", i, n, in.Inputs[i], want)
			}
		}
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
	if in := c.nextInput(t); in.Count != 3 || in.Tick != 112+leadFirst || !bytes.Equal(in.Inputs[2], in.Inputs[0]) {
		t.Errorf("%d inputs up to tick %d, want the new one three times up to %d", in.Count, in.Tick, 112+leadFirst)
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
func steer(tm *timing, roundTrip, period, sends time.Duration, reports int) (lates int) {
	tm.start(roundTrip, period)
	for tick := uint64(100); tick < 100+uint64(reports); tick++ {
		in := tm.next(tick)
		due := time.Duration(in-tick) * period // after the tick
		arrives := sends + roundTrip + time.Duration(tm.wait)*period/8
		margin := int8(math.Floor(4 * float64(due-arrives) / float64(period)))
		if margin < marginLow {
			lates++
		}
		tm.heard(reported(in, margin))
	}
	return lates
}

func TestTheWaitBringsInputsToWhereAcknowledgementsRide(t *testing.T) {
	for _, hz := range []time.Duration{30, 60} {
		period := time.Second / hz
		for _, sends := range []time.Duration{0, 5 * time.Millisecond, 12 * time.Millisecond} {
			for roundTrip := time.Millisecond; roundTrip < 150*time.Millisecond; roundTrip += time.Millisecond {
				var tm timing
				if lates := steer(&tm, roundTrip, period, sends, 1000); lates > 8 {
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
	var tm timing
	steer(&tm, time.Millisecond, time.Second/30, 0, 1000)
	lead, wait := tm.lead, tm.wait
	if wait == 0 {
		t.Fatal("there is no wait to fall")
	}
	for tick := uint64(2000); tm.wait == wait; tick++ {
		tm.heard(reported(tm.next(tick), -1))
	}
	if tm.lead != lead || tm.wait != wait-1 {
		t.Errorf("after late inputs the lead is %d and the wait %d, want %d and %d", tm.lead, tm.wait, lead, wait-1)
	}
	for tick := uint64(3000); tick < 3000+rideHold-reportsLatest; tick++ {
		tm.heard(reported(tm.next(tick), 3))
	}
	if tm.wait != wait-1 {
		t.Errorf("the wait is %d soon after it fell, want %d still", tm.wait, wait-1)
	}
}
