package replicate

import (
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/quicstep/quicstep/protocol"
	"github.com/quicstep/quicstep/protocol/schema"
	"github.com/quicstep/quicstep/world"
)

// Config is how a Client replicates. Zero values stand for the defaults.
type Config struct {
	// Period is the time between ticks; it must be above zero.
	Period time.Duration
	// BudgetBytes bounds the records of one pass; zero means 3,504, three full datagrams. At least 64, at most 32
	// datagrams' worth: acknowledgements name 64. A slow client's budget is less, down to 64; see Path.
	BudgetBytes int
	// DatagramBytes bounds one datagram; zero means protocol.MaxDatagramPayload, which is also the most.
	DatagramBytes int
	// Hysteresis is by which part of the radius an entity must be beyond it to go out of sight; zero means
	// 0.1, negative none.
	Hysteresis float64
	// EventTicks is for how many ticks an event is worth telling; zero means 8, at most protocol.MaxEventTicks.
	EventTicks int
	// SteadyRate sends every change at once, however far away. Otherwise what is beyond half of the view
	// radius is sent every second tick, and beyond three quarters every fourth.
	SteadyRate bool
	// Breach breaks a rule on purpose, for the test that proves that the rule is needed.
	Breach Breach
}

// Breach names a rule that is broken on purpose. Only tests have a use for it.
type Breach uint16

// The breaches.
const (
	BreachFull   Breach = 1 << iota // partials follow the first record without an acknowledgement
	BreachSince                     // an acknowledgement counts also when sight was interrupted since
	BreachRights                    // a change of owner, team or generation does not begin anew
	BreachAcks                      // what was sent counts as known
	BreachElide                     // no removal when nothing was sent since the last entry
	BreachCells                     // a cell is skipped after a pass that sent everything
	BreachRate                      // the rate is by tick modulo period
	BreachResume                    // sequence numbers restart when a session resumes
)

func (c Config) withDefaults(s *schema.Schema) (Config, error) {
	if c.Period <= 0 {
		return c, fmt.Errorf("replicate: Period is %v; it must be the time between ticks", c.Period)
	}
	if c.BudgetBytes == 0 {
		c.BudgetBytes = 3 * protocol.MaxDatagramPayload
	}
	if c.DatagramBytes == 0 {
		c.DatagramBytes = protocol.MaxDatagramPayload
	}
	if c.BudgetBytes < budgetMin {
		return c, fmt.Errorf("replicate: BudgetBytes is %d; at least %d are needed", c.BudgetBytes, budgetMin)
	}
	if most := protocol.AckBits / 2 * c.DatagramBytes; c.BudgetBytes > most {
		return c, fmt.Errorf("replicate: BudgetBytes is %d; at most %d are possible with datagrams of %d", c.BudgetBytes, most, c.DatagramBytes)
	}
	least := protocol.StateHeaderBytes + protocol.SectionBytes + protocol.RecordHeadMax
	for _, t := range slices.Concat(s.Tables, s.Events) {
		least = max(least, protocol.StateHeaderBytes+protocol.SectionBytes+protocol.RecordHeadMax+t.RowBytesMax())
	}
	if c.DatagramBytes < least || c.DatagramBytes > protocol.MaxDatagramPayload {
		return c, fmt.Errorf("replicate: DatagramBytes is %d; %d to %d are possible, so that the longest record fits", c.DatagramBytes, least, protocol.MaxDatagramPayload)
	}
	if c.EventTicks == 0 {
		c.EventTicks = 8
	}
	if c.EventTicks < 0 || c.EventTicks > protocol.MaxEventTicks {
		return c, fmt.Errorf("replicate: EventTicks is %d; 1 to %d are possible", c.EventTicks, protocol.MaxEventTicks)
	}
	if c.Hysteresis == 0 {
		c.Hysteresis = 0.1
	}
	c.Hysteresis = max(c.Hysteresis, 0)
	return c, nil
}

// Client is one player's replication. It belongs to one goroutine at a time. What each pass touches is together.
type Client struct {
	cfg    Config
	schema *schema.Schema
	player world.Player

	epoch    uint8
	complete bool // everything of the epoch's first view is acknowledged
	pending  bool // of the pass that is being made or was made last: something of the first view is not acknowledged
	again    bool // everything that is not acknowledged is due
	nextSeq  uint64
	tables   []sight
	pace     pace
	team     world.TeamID
	former   world.TeamID // the team as of the pass before
	rights   uint32       // the latest tick in which the player's team changed
	first    uint32       // the epoch's first tick; zero before its first pass
	tick     uint32       // of the pass that is being made or was made last, and when that is
	now      time.Time
	lastPass uint64
	holds    uint32 // passes with Pass.Held

	// The newest acknowledgement, as a set of datagrams that only grows.
	ackSeq     uint64
	ackMissing uint64
	ackTick    uint32 // of the newest datagram that was acknowledged while it was remembered
	arrived    uint64 // the highest sequence number of this connection that is acknowledged, or is before its first

	events        []event // in the order in which they happened
	eventTick     uint64  // the latest tick whose events were taken
	eventID       uint32  // of the latest one
	eventsDropped uint64

	order order  // of the latest pass
	trail *Trail // nil without

	sectionBytes []atomic.Uint64 // by table, and last those of events; the pass adds, anyone loads

	ring ring // last, since it is long
}

// Scratch is the space that a pass works in. Clients that are served by one goroutine share one, so that it
// stays in the processor's caches. Its zero value is ready.
type Scratch struct {
	cells     []cellState // of the window of the table that is looked at
	ins       []uint64    // a bit per index: in sight
	band      []uint64    // a bit per index: beyond the radius, still within the hysteresis
	next      []entry     // the table's entries after the walk
	due       []record
	order     []int32
	classDue  [schema.Classes]int // records of due that are not written
	kindsDue  uint8               // a bit per kind of record
	buf       []byte
	datagrams []Datagram
	carried   []carried
}

// NewClient starts replication for a player, in an epoch of 0 to protocol.MaxEpoch, with the sequence number
// of its first datagram, from 1.
func NewClient(s *schema.Schema, p world.Player, epoch uint8, sequence uint64, cfg Config) (*Client, error) {
	cfg, err := cfg.withDefaults(s)
	if err != nil {
		return nil, err
	}
	c := &Client{cfg: cfg, schema: s, player: p, epoch: epoch, nextSeq: max(sequence, 1)}
	c.arrived = c.nextSeq - 1
	c.sectionBytes = make([]atomic.Uint64, len(s.Tables)+1)
	c.pace.start(cfg)
	c.forget()
	return c, nil
}

// SectionBytes is how many bytes of all datagrams so far the records of each table took, and events. Only the datagrams'
// headers are beside them. Any goroutine may call it.
func (c *Client) SectionBytes() (tables []uint64, events uint64) {
	tables = make([]uint64, len(c.sectionBytes)-1)
	for i := range tables {
		tables[i] = c.sectionBytes[i].Load()
	}
	return tables, c.sectionBytes[len(tables)].Load()
}

// Epoch is the epoch of the datagrams that come next.
func (c *Client) Epoch() uint8 { return c.epoch }

// NextSequence is the sequence number of the datagram that comes next.
func (c *Client) NextSequence() uint64 { return c.nextSeq }

// NewEpoch forgets what the client is known to have: it begins with an empty replica. Sequence numbers go on.
func (c *Client) NewEpoch() {
	c.epoch = (c.epoch + 1) & protocol.MaxEpoch
	c.forget()
}

// Resume goes on with a client that kept its replica, over a new connection: what was under way no longer
// counts. Epoch and sequence numbers go on.
func (c *Client) Resume() {
	if c.cfg.Breach&BreachResume != 0 {
		c.nextSeq = 1
		return
	}
	c.ring.clear(c.nextSeq)
	c.arrived = c.nextSeq - 1
	c.pace.start(c.cfg)
}

// Acked is the tick, as 32 bits, of the newest datagram that the client has acknowledged; zero before the first.
func (c *Client) Acked() uint32 { return c.ackTick }

// UnderWay is how many datagrams were sent after the newest that is acknowledged: no more can wait in the connection.
func (c *Client) UnderWay() int { return int(c.nextSeq - 1 - c.arrived) }

func (c *Client) forget() {
	c.tables = make([]sight, len(c.schema.Tables))
	for i, t := range c.schema.Tables {
		c.tables[i].wire, c.tables[i].number, c.tables[i].rowBytesMax = t, i, recordHeadTypical+t.RowBytesMax()
	}
	c.ring.clear(c.nextSeq)
	c.first, c.complete, c.lastPass, c.order = 0, false, 0, order{}
	if c.trail != nil {
		c.trail.restart(c.epoch, c.nextSeq)
	}
}

// Pass is what one pass needs to know.
type Pass struct {
	// View is the tick to tell of; never older than that of the pass before.
	View *world.View
	// Now is the time on the clock that Ack is given, too.
	Now time.Time
	// HasInput, InputTick and Margin are for the header; see protocol.StateHeader.
	HasInput  bool
	InputTick uint64
	Margin    int8
	// Held tells that the room stands, so that there may be many passes over one tick: what is not acknowledged is sent
	// again after as many of them as it would after ticks.
	Held bool
	// Path is news of the way to the client; the zero Path is none, and what was told before still counts.
	Path Path
	// Probe lets one datagram go although too much is under way: there is reason to think that the client can be reached
	// again.
	Probe bool
}

// Datagram is one datagram to send. It is good until the Scratch serves another pass.
type Datagram struct {
	Bytes    []byte
	Sequence uint64

	carries        []carried
	from, to       int // its place in Scratch.buf while it is being filled
	carried, until int // its place in Scratch.carried, likewise
}

// Clone is a copy that stays good.
func (d Datagram) Clone() Datagram {
	d.Bytes, d.carries = slices.Clone(d.Bytes), slices.Clone(d.carries)
	return d
}

// Pass chooses and encodes what to send now, in the order in which to send it. Nothing is returned when too
// much is under way already; otherwise at least one datagram is. Each datagram that is handed to the
// connection must be told to Sent, in order; one that is not was never sent.
func (c *Client) Pass(p Pass, s *Scratch) []Datagram {
	s.datagrams, s.carried, s.buf, s.due = s.datagrams[:0], s.carried[:0], s.buf[:0], s.due[:0]
	s.classDue, s.kindsDue = [schema.Classes]int{}, 0
	seat, ok := p.View.Seat(c.player)
	if !ok {
		return nil
	}
	c.pace.told(p.Path)
	if c.again = false; p.Held {
		c.holds++
		c.again = c.holds%c.pace.ackTicks() == 0
	}
	budget, most := c.pace.allows(&c.ring, p.View.Tick+uint64(c.holds), p.Probe)
	if budget == 0 {
		c.order = order{tick: uint32(p.View.Tick), held: true}
		return nil
	}
	c.tick, c.now = uint32(p.View.Tick), p.Now
	if c.first == 0 {
		c.first = c.tick
	}
	c.pending = false
	if seat.Rights > uint32(c.lastPass) || seat.Team != c.team {
		c.dropClean()
	}
	c.former, c.team, c.rights, c.lastPass = c.team, seat.Team, seat.Rights, p.View.Tick
	c.gatherEvents(p.View)
	for i := range c.tables {
		c.look(s, &c.tables[i], p.View, seat)
	}
	if !c.pending {
		c.complete = true
	}
	c.fill(p, s, budget, most)
	return s.datagrams
}

// BudgetBytes is what the records of the next pass may take, as far as is known now: Config.BudgetBytes, or less where
// the way to the client does not carry it.
func (c *Client) BudgetBytes() int { return c.pace.budget }

// dropClean makes every cell be looked at again.
func (c *Client) dropClean() {
	for i := range c.tables {
		clear(c.tables[i].clean)
		c.tables[i].anyClean = false
		c.tables[i].ownClean = 0
	}
}

// Sees tells whether the client sees the row of a table at an index, as of the latest pass; for checks.
func (c *Client) Sees(table int, index uint32) bool {
	at, ok := c.tables[table].find(index)
	return ok && !c.tables[table].entries[at].gone()
}

// InSight is the number of entities that the client sees, as of the latest pass.
func (c *Client) InSight() int {
	n := 0
	for i := range c.tables {
		for _, e := range c.tables[i].entries {
			if !e.gone() {
				n++
			}
		}
	}
	return n
}
