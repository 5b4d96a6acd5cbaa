package replay

import (
	"errors"
	"fmt"
	"io"

	"github.com/quicstep/quicstep/world"
)

// Report is what came of playing a log from its beginning to its end.
type Report struct {
	// Start is the tick of the snapshot, and Ticks how many were played after it.
	Start, Ticks uint64
	// Checked counts the ticks whose hashes were compared.
	Checked uint64
	// Undone counts the played ticks in which the game panicked.
	Undone uint64
	// First is the first tick that differs; nil when none does.
	First *Difference
	// Cut tells where the log is cut short; nil when it is whole.
	Cut *CutError
}

// Difference is a tick that was not played as it was recorded.
type Difference struct {
	Tick uint64
	// Recorded and Played are the hashes of the state after it; both zero when the log has none, and only
	// the panics differ.
	Recorded, Played uint64
	// RecordedUndone and PlayedUndone tell whether the game panicked in it.
	RecordedUndone, PlayedUndone bool
}

// String says what differs.
func (d *Difference) String() string {
	s := fmt.Sprintf("tick %d: recorded %016x, played %016x", d.Tick, d.Recorded, d.Played)
	switch {
	case d.RecordedUndone && !d.PlayedUndone:
		s += "; the game panicked when it was recorded, not when it was played"
	case d.PlayedUndone && !d.RecordedUndone:
		s += "; the game panicked when it was played, not when it was recorded"
	}
	return s
}

// OK tells whether everything that was played was as recorded. A log that is cut short may be OK up to there.
func (r Report) OK() bool { return r.First == nil }

// String says in a line what came of it.
func (r Report) String() string {
	s := fmt.Sprintf("%d ticks played after tick %d, %d compared, %d undone: ", r.Ticks, r.Start, r.Checked, r.Undone)
	if r.First == nil {
		s += "all as recorded"
	} else {
		s += "the first difference is at " + r.First.String()
	}
	if r.Cut != nil {
		s += "; " + r.Cut.Error()
	}
	return s
}

// Verify plays a whole log and compares it with what was recorded. It goes on after a difference, and after
// ticks in which the game panicked. A log that is cut short is no error: the report says where. The error is
// Open's or Next's, and the report is good up to there.
func Verify(r io.Reader, g world.Game) (Report, error) {
	var rep Report
	p, err := Open(r, g)
	if err != nil {
		return rep, err
	}
	rep.Start = p.View().Tick
	for {
		res, err := p.Next()
		switch {
		case err == io.EOF:
			return rep, nil
		case errors.As(err, &rep.Cut):
			return rep, nil
		case err != nil:
			return rep, fmt.Errorf("verify the replay: %w", err)
		}
		rep.count(res)
	}
}

func (r *Report) count(res Result) {
	r.Ticks++
	if res.Checked {
		r.Checked++
	}
	if res.Panic != nil {
		r.Undone++
	}
	if r.First == nil && res.Differs() {
		r.First = &Difference{
			Tick: res.Tick, Recorded: res.Recorded, Played: res.Played,
			RecordedUndone: res.Undone, PlayedUndone: res.Panic != nil,
		}
	}
}
