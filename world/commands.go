package world

import (
	"cmp"
	"encoding/binary"
	"errors"
	"math"
	"slices"
)

// Commands is everything that comes from outside in one tick, as plain data. Step sorts the slices in place, each
// by player but for the edits, and takes them in the order in which they stand here.
type Commands struct {
	Joins    []Join
	Leaves   []Leave
	Requests []Ask
	Edits    []Edit
	Inputs   []Input
	// Sights are what players saw, for Tx.Seen; when one is missing, Config.Sights is asked. A room's commands have none, a
	// recording's those of the ChangeSet.
	Sights []Sight
	// Still has the tick carry out its Edits alone: whatever else the commands have is passed over, and no game code runs, not
	// even OnTick. Rows that nobody edits stay as they are.
	Still bool
}

// Join lets a player in. Numbers are given in rising order and never again.
type Join struct {
	Player Player
	// User and Role are who it is, for Tx.User and Tx.Role, at most MaxUser and MaxRole bytes; empty when that is not known.
	User, Role string
}

// Leave takes a player out; one that is not there is passed over.
type Leave struct {
	Player Player
	Reason LeaveReason
}

// LeaveReason is why a player leaves.
type LeaveReason uint8

// Why players leave.
const (
	Left     LeaveReason = iota // it said goodbye
	Lost                        // nothing came from it any more
	Expelled                    // the server ended its connection
	Stopped                     // the server is stopping
)

// String returns the reason's name in lower case.
func (r LeaveReason) String() string {
	switch r {
	case Left:
		return "left"
	case Lost:
		return "lost"
	case Expelled:
		return "expelled"
	case Stopped:
		return "stopped"
	}
	return "unknown"
}

// Input is what a player asks for. Data is as AppendInput writes it and the schema's CheckRow has checked it; empty
// is the neutral input. Of several for one player the last counts.
type Input struct {
	Player Player
	Data   []byte
}

func (c *Commands) sort() {
	slices.SortStableFunc(c.Joins, func(a, b Join) int { return cmp.Compare(a.Player, b.Player) })
	slices.SortStableFunc(c.Leaves, func(a, b Leave) int { return cmp.Compare(a.Player, b.Player) })
	slices.SortStableFunc(c.Requests, func(a, b Ask) int { return cmp.Compare(a.Player, b.Player) })
	slices.SortStableFunc(c.Inputs, func(a, b Input) int { return cmp.Compare(a.Player, b.Player) })
	slices.SortStableFunc(c.Sights, func(a, b Sight) int { return cmp.Compare(a.Player, b.Player) })
}

func (c Commands) withoutJoin(p Player) Commands {
	c.Joins = slices.DeleteFunc(slices.Clone(c.Joins), func(j Join) bool { return j.Player == p })
	return c
}

func (c Commands) refuseAll(reason string) []Refusal {
	var out []Refusal
	for _, j := range c.Joins {
		out = append(out, Refusal{Player: j.Player, Reason: reason})
	}
	return out
}

// refuseRequests answers every request of a tick that was undone.
func (c Commands) refuseRequests(reason string) []Answer {
	var out []Answer
	for _, q := range c.Requests {
		out = append(out, Answer{Player: q.Player, Number: q.Number, Refusal: reason})
	}
	return out
}

// Append writes the commands: six counts, each followed by its entries, as unsigned varints; texts and the data of a
// request or an input follow their length, the rows of a sight their count.
func (c Commands) Append(dst []byte) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(c.Joins)))
	for _, j := range c.Joins {
		dst = binary.AppendUvarint(dst, uint64(j.Player))
		for _, text := range [...]string{j.User, j.Role} {
			dst = binary.AppendUvarint(dst, uint64(len(text)))
			dst = append(dst, text...)
		}
	}
	dst = binary.AppendUvarint(dst, uint64(len(c.Leaves)))
	for _, l := range c.Leaves {
		dst = binary.AppendUvarint(dst, uint64(l.Player))
		dst = binary.AppendUvarint(dst, uint64(l.Reason))
	}
	dst = binary.AppendUvarint(dst, uint64(len(c.Requests)))
	for _, q := range c.Requests {
		dst = binary.AppendUvarint(dst, uint64(q.Player))
		dst = binary.AppendUvarint(dst, uint64(q.Number))
		dst = binary.AppendUvarint(dst, uint64(q.Kind))
		dst = binary.AppendUvarint(dst, uint64(len(q.Data)))
		dst = append(dst, q.Data...)
	}
	dst = binary.AppendUvarint(dst, uint64(len(c.Inputs)))
	for _, in := range c.Inputs {
		dst = binary.AppendUvarint(dst, uint64(in.Player))
		dst = binary.AppendUvarint(dst, uint64(len(in.Data)))
		dst = append(dst, in.Data...)
	}
	dst = binary.AppendUvarint(dst, uint64(len(c.Sights)))
	for i := range c.Sights {
		dst = c.Sights[i].append(dst)
	}
	dst = binary.AppendUvarint(dst, uint64(len(c.Edits)))
	for i := range c.Edits {
		dst = c.Edits[i].append(dst)
	}
	if c.Still {
		return binary.AppendUvarint(dst, 1)
	}
	return binary.AppendUvarint(dst, 0)
}

// append writes a sight. Rows are differences: of refs, of From to the newest tick, of To and Before to From; zero is
// none of these two.
func (s *Sight) append(dst []byte) []byte {
	dst = binary.AppendUvarint(dst, uint64(s.Player))
	dst = binary.AppendUvarint(dst, uint64(s.At))
	dst = binary.AppendUvarint(dst, s.Newest)
	dst = binary.AppendUvarint(dst, uint64(len(s.Rows)))
	last := uint32(0)
	for _, r := range s.Rows {
		before, to := uint32(0), uint32(0)
		if r.Before != 0 {
			before = r.From - r.Before
		}
		if r.To != 0 {
			to = r.To - r.From
		}
		for _, v := range [...]uint32{r.Ref - last, uint32(s.Newest) - r.From, before, to} {
			dst = binary.AppendUvarint(dst, uint64(v))
		}
		last = r.Ref
	}
	return dst
}

// ErrCommands means that bytes are not what Commands.Append wrote.
var ErrCommands = errors.New("the bytes are not commands, or are cut short")

// ParseCommands reads what Append wrote. It allocates no more than the bytes call for.
func ParseCommands(b []byte) (Commands, error) {
	r := varints{b: b}
	var c Commands
	for range r.count() {
		c.Joins = append(c.Joins, Join{r.player(), r.text(MaxUser), r.text(MaxRole)})
	}
	for range r.count() {
		c.Leaves = append(c.Leaves, Leave{r.player(), LeaveReason(r.uint32())})
	}
	for range r.count() {
		c.Requests = append(c.Requests, Ask{r.player(), r.uint32(), int(r.uint32()), r.bytes()})
	}
	for range r.count() {
		c.Inputs = append(c.Inputs, Input{r.player(), r.bytes()})
	}
	for range r.count() {
		c.Sights = append(c.Sights, r.sight())
	}
	for range r.count() {
		c.Edits = append(c.Edits, r.edit())
	}
	c.Still = r.next() != 0
	if r.bad || len(r.b) > 0 {
		return Commands{}, ErrCommands
	}
	return c, nil
}

// varints reads unsigned varints and remembers whether one was missing.
type varints struct {
	b   []byte
	bad bool
}

func (r *varints) next() uint64 {
	v, n := binary.Uvarint(r.b)
	if n <= 0 {
		r.bad, r.b = true, nil
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *varints) uint32() uint32 {
	v := r.next()
	if v > math.MaxUint32 {
		r.bad, r.b = true, nil
	}
	return uint32(v)
}

func (r *varints) player() Player { return Player(r.uint32()) }

// count reads a number of entries, each of which takes a byte at least.
func (r *varints) count() uint64 {
	n := r.next()
	if n > uint64(len(r.b)) {
		r.bad, r.b = true, nil
		return 0
	}
	return n
}

func (r *varints) sight() (s Sight) {
	s.Player, s.At, s.Newest = r.player(), Moment(r.next()), r.next()
	last := uint32(0)
	for range r.count() {
		row := SeenRow{Ref: last + r.uint32(), From: uint32(s.Newest) - r.uint32()}
		if before := r.uint32(); before != 0 {
			row.Before = row.From - before
		}
		if to := r.uint32(); to != 0 {
			row.To = row.From + to
		}
		last = row.Ref
		s.Rows = append(s.Rows, row)
	}
	return s
}

// text reads one of at most so many bytes.
func (r *varints) text(most int) string {
	b := r.bytes()
	if len(b) > most {
		r.bad, r.b = true, nil
		return ""
	}
	return string(b)
}

func (r *varints) bytes() []byte {
	n := r.count()
	if n == 0 {
		return nil
	}
	data := slices.Clone(r.b[:n])
	r.b = r.b[n:]
	return data
}
