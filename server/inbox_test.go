package server

import (
	"slices"
	"testing"
	"time"

	"github.com/quicstep/quicstep/protocol"
)

const testPeriod = 40 * time.Millisecond

// inboxAt is an inbox whose room has taken a tick, which was due just then.
func inboxAt(tick uint64) (*inbox, time.Time) {
	due := time.Unix(1000, 0)
	b := &inbox{taken: tick, due: due, period: testPeriod, limit: 8, budget: 8}
	return b, due
}

// inputs is a datagram with inputs up to a tick, the newest first. Each input is one byte.
func inputs(tick uint64, data ...byte) *protocol.Input {
	in := &protocol.Input{Tick: uint64(protocol.Short(tick)), Count: len(data)}
	for i, d := range data {
		in.Inputs[i] = []byte{d}
	}
	return in
}

func wantTaken(t *testing.T, b *inbox, tick uint64, data []byte, from inputSource) {
	t.Helper()
	if got, source := b.take(tick, b.due.Add(b.period)); !slices.Equal(got, data) || source != from {
		t.Errorf("tick %d takes %v from %d, want %v from %d", tick, got, source, data, from)
	}
}

func TestInboxKeepsInputsForTheirTicks(t *testing.T) {
	b, now := inboxAt(100)
	if r := b.put(inputs(103, 3, 2, 1), now); r != 0 {
		t.Errorf("rejected %v", r)
	}
	wantTaken(t, b, 101, []byte{1}, inputSent)
	wantTaken(t, b, 102, []byte{2}, inputSent)
	wantTaken(t, b, 103, []byte{3}, inputSent)
}

func TestInboxTakesTheFirstOfDuplicates(t *testing.T) {
	b, now := inboxAt(100)
	b.put(inputs(102, 2, 1), now)
	if r := b.put(inputs(103, 3, 9, 9), now); r != 0 {
		t.Errorf("a repetition is rejected as %v", r)
	}
	for tick := range uint64(3) {
		wantTaken(t, b, 101+tick, []byte{byte(1 + tick)}, inputSent)
	}
}

func TestInboxRefusesWhatIsOverOrTooFarAhead(t *testing.T) {
	for _, c := range []struct {
		name string
		tick uint64
		want protocol.Reject
	}{
		{"the tick that was taken", 100, protocol.InputTooOld},
		{"long ago", 1, protocol.InputTooOld},
		{"the next", 101, 0},
		{"the last of the window", 100 + inboxTicks, 0},
		{"beyond the window", 101 + inboxTicks, protocol.InputTooNew},
		{"far ahead", 8000, protocol.InputTooNew},
	} {
		t.Run(c.name, func(t *testing.T) {
			b, now := inboxAt(100)
			if got := b.put(inputs(c.tick, 7), now); got != c.want {
				t.Errorf("rejected as %v, want %v", got, c.want)
			}
			for tick := uint64(101); tick < 102+inboxTicks; tick++ {
				if _, from := b.take(tick, now); (from == inputSent) != (c.want == 0 && tick == c.tick) {
					t.Errorf("tick %d takes an input from %d", tick, from)
				}
			}
		})
	}
}

func TestInboxKeepsTheNewOfWhatComesHalfTooLate(t *testing.T) {
	b, now := inboxAt(100)
	if r := b.put(inputs(101, 4, 3, 2, 1), now); r != 0 {
		t.Errorf("rejected %v, though the older ones are there in case of loss", r)
	}
	wantTaken(t, b, 101, []byte{4}, inputSent)
}

func TestInboxHasABudget(t *testing.T) {
	b, now := inboxAt(100)
	if r := b.put(inputs(108, 8, 7, 6, 5, 4, 3, 2, 1), now); r != 0 {
		t.Errorf("rejected %v within the budget", r)
	}
	if r := b.put(inputs(110, 10, 9), now); r != protocol.TooManyInputs {
		t.Errorf("rejected %v beyond the budget, want %v once", r, protocol.TooManyInputs)
	}
	if r := b.put(inputs(108, 8, 7, 6), now); r != 0 {
		t.Errorf("rejected %v, though repetitions cost nothing", r)
	}
	wantTaken(t, b, 101, []byte{1}, inputSent)
	if r := b.put(inputs(110, 10, 9), now); r != 0 {
		t.Errorf("rejected %v in the next tick", r)
	}
}

func TestInboxRepeatsAndThenGivesUp(t *testing.T) {
	b, now := inboxAt(100)
	wantTaken(t, b, 101, nil, inputNeutral)
	b.put(inputs(102, 5), now)
	wantTaken(t, b, 102, []byte{5}, inputSent)
	for tick := range uint64(repeatTicks) {
		wantTaken(t, b, 103+tick, []byte{5}, inputRepeated)
	}
	for tick := range uint64(3) {
		wantTaken(t, b, 103+repeatTicks+tick, nil, inputNeutral)
	}
	b.put(inputs(106+repeatTicks, 6), now)
	wantTaken(t, b, 106+repeatTicks, []byte{6}, inputSent)
	wantTaken(t, b, 107+repeatTicks, []byte{6}, inputRepeated)
}

// TestInboxRepeatsTheNewest, also when it came too late for its own tick: what the player wants is known.
func TestInboxRepeatsTheNewest(t *testing.T) {
	b, now := inboxAt(100)
	b.put(inputs(101, 1), now)
	wantTaken(t, b, 101, []byte{1}, inputSent)
	wantTaken(t, b, 102, []byte{1}, inputRepeated)
	if r := b.put(inputs(102, 2, 1), now); r != protocol.InputTooOld {
		t.Errorf("the input for tick 102 is rejected as %v after that tick, want %v", r, protocol.InputTooOld)
	}
	for tick := range uint64(repeatTicks) {
		wantTaken(t, b, 103+tick, []byte{2}, inputRepeated)
	}
	wantTaken(t, b, 103+repeatTicks, nil, inputNeutral)
	last := uint64(104 + repeatTicks)
	b.put(inputs(last-2, 3), now)
	b.put(inputs(last-1, 4), now)
	b.put(inputs(last-2, 5), now) // overtaken
	wantTaken(t, b, last, []byte{4}, inputRepeated)
	b.put(inputs(last, 6), now)
	b.put(inputs(last+1, 7), now)
	wantTaken(t, b, last+1, []byte{7}, inputSent)
	wantTaken(t, b, last+2, []byte{7}, inputRepeated)
	if st := b.stats(); st.Late != 5 || st.Applied != 2 || st.Repeated != repeatTicks+3 || st.Neutral != 1 {
		t.Errorf("the figures are %+v, want 5 late, 2 applied, %d repeated and 1 neutral", st, repeatTicks+3)
	}
}

// TestInboxHasSpaceForEveryTickAhead, also when ticks go by that take no input, as those of edits alone.
func TestInboxHasSpaceForEveryTickAhead(t *testing.T) {
	b, now := inboxAt(100)
	for ahead := uint64(1); ahead <= inboxTicks; ahead++ {
		b.budget = 1
		if r := b.put(inputs(100+ahead, byte(ahead)), now); r != 0 {
			t.Fatalf("the input %d ticks ahead is rejected as %v", ahead, r)
		}
	}
	for tick := uint64(101); tick <= 200; tick++ {
		b.stand(tick, now, testPeriod)
		if r := b.put(inputs(tick+inboxTicks, byte(tick)), now); r != 0 {
			t.Fatalf("the input that is as far ahead as can be is rejected as %v at tick %d", r, tick)
		}
	}
	wantTaken(t, b, 201, []byte{201 - inboxTicks}, inputSent)
	wantTaken(t, b, 200+inboxTicks, []byte{200}, inputSent)
	wantTaken(t, b, 201+inboxTicks, []byte{200}, inputRepeated)
}

func TestInboxDoesNotTakeTheSlotOfAFormerRound(t *testing.T) {
	b, now := inboxAt(100)
	b.put(inputs(105, 5), now)
	for tick := uint64(101); tick < 105+inboxTicks; tick++ {
		b.take(tick, now)
	}
	if data, from := b.take(105+inboxTicks, now); from == inputSent {
		t.Errorf("tick %d takes %v, which was for tick 105", 105+inboxTicks, data)
	}
}

func TestInboxReportsTheMargin(t *testing.T) {
	const quarter = testPeriod / 4
	for _, c := range []struct {
		name  string
		tick  uint64
		after time.Duration // since tick 100 was due
		want  int8
	}{
		{"in time, a tick early", 101, 0, 4},
		{"in time, just so", 101, testPeriod - quarter, 1},
		{"at the very moment", 101, testPeriod, 0},
		{"too late, by a tick and a half", 100, testPeriod + testPeriod/2, -6},
		{"three ticks early", 103, 0, 12},
		{"as early as can be told", 150, 0, 63},
		{"as late as can be told", 60, testPeriod, -64},
	} {
		t.Run(c.name, func(t *testing.T) {
			b, due := inboxAt(100)
			if _, _, any := b.report(); any {
				t.Error("there is a report before any input")
			}
			b.put(inputs(c.tick, 1), due.Add(c.after))
			if newest, margin, any := b.report(); newest != c.tick || margin != c.want || !any {
				t.Errorf("the report is tick %d, margin %d, %v; want %d, %d, true", newest, margin, any, c.tick, c.want)
			}
		})
	}
}

func TestInboxReportsNoInputThatItRefusedAsTooNew(t *testing.T) {
	b, due := inboxAt(100)
	b.put(inputs(5000, 1), due)
	if newest, _, any := b.report(); any {
		t.Errorf("tick %d is reported, which the server does not have", newest)
	}
	b.put(inputs(102, 1), due)
	b.put(inputs(101, 1), due.Add(testPeriod/2))
	if newest, margin, _ := b.report(); newest != 102 || margin != 8 {
		t.Errorf("the report is tick %d, margin %d; want that of the newest, 102 and 8", newest, margin)
	}
}

func TestInboxReportsTheLatestOfThoseThatCame(t *testing.T) {
	b, due := inboxAt(100)
	report := func(want int8) {
		t.Helper()
		if newest, margin, _ := b.report(); margin != want {
			t.Errorf("of inputs up to tick %d the report is a margin of %d, want %d", newest, margin, want)
		}
	}
	b.put(inputs(102, 1), due)
	report(8)
	wantTaken(t, b, 101, nil, inputNeutral)
	wantTaken(t, b, 102, []byte{1}, inputSent)
	wantTaken(t, b, 103, []byte{1}, inputRepeated)
	b.put(inputs(103, 1), due.Add(3*testPeriod+testPeriod/4))
	b.put(inputs(104, 1), due.Add(3*testPeriod+testPeriod/4))
	report(-1)
	report(-1)
	b.put(inputs(105, 1), due.Add(3*testPeriod+testPeriod/4))
	report(7)
}

func TestInboxFollowsTicksAcrossTheirShortForm(t *testing.T) {
	b, now := inboxAt(16383)
	b.put(inputs(16385, 5, 4), now)
	wantTaken(t, b, 16384, []byte{4}, inputSent)
	wantTaken(t, b, 16385, []byte{5}, inputSent)
}
