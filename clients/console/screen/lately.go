package screen

import (
	"fmt"
	"time"

	"github.com/quicstep/quicstep/protocol/admin"
)

// answersAgo is how many answers back a player's figures are compared with: some ten seconds.
const answersAgo = 10

// sample is what a player's figures were at an answer; all of them only ever rise.
type sample struct {
	at                               time.Time
	sent, lost, late, missing, bytes uint64
}

// lately is what has become of a player's figures since some answers ago: those since the player came would tell of what is
// long over.
type lately struct {
	sample               // the differences
	over   time.Duration // zero: there is one answer yet, and nothing is known
}

// playerKey tells players apart.
func playerKey(p *admin.Player) string { return fmt.Sprintf("%s/%d", p.Room, p.Player) }

// remember keeps the figures of the players of an answer, and forgets those of all others.
func (m *model) remember(a answered) {
	if a.answer.Players == nil {
		return
	}
	next := map[string][]sample{}
	for i := range a.answer.Players {
		p := &a.answer.Players[i]
		now := sample{at: a.at, sent: p.Sent, lost: p.Lost, late: p.Late, missing: p.Missing, bytes: p.Bytes}
		former := m.samples[playerKey(p)]
		switch n := len(former); {
		case n > 0 && !now.follows(former[n-1]):
			former = nil // another connection, which counts anew
		case n > 0 && !now.at.After(former[n-1].at):
			former = former[:n-1]
		}
		next[playerKey(p)] = append(former[max(0, len(former)-answersAgo):], now)
	}
	m.samples = next
}

// follows tells whether no figure is less than it was.
func (s sample) follows(former sample) bool {
	return s.sent >= former.sent && s.lost >= former.lost && s.late >= former.late && s.missing >= former.missing && s.bytes >= former.bytes
}

// latelyOf compares a player's newest figures with the oldest that are remembered.
func (m *model) latelyOf(p *admin.Player) lately {
	kept := m.samples[playerKey(p)]
	if len(kept) < 2 {
		return lately{}
	}
	from, to := kept[0], kept[len(kept)-1]
	return lately{sample{
		sent: to.sent - from.sent, lost: to.lost - from.lost, late: to.late - from.late, missing: to.missing - from.missing, bytes: to.bytes - from.bytes,
	}, to.at.Sub(from.at)}
}

// loss is the share of packets that were lost.
func (l lately) loss() float64 { return float64(l.lost) / float64(max(l.sent, 1)) }

func (l lately) bytesPerSecond() float64 {
	if l.over <= 0 {
		return 0
	}
	return float64(l.bytes) / l.over.Seconds()
}

// tell is a figure as text, or a dash as long as nothing is known.
func (l lately) tell(text string) string {
	if l.over <= 0 {
		return "-"
	}
	return text
}
