package feel

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"net"
	"sync"
	"time"

	"github.com/quicstep/quicstep/clients/bots"
	"github.com/quicstep/quicstep/clients/client"
	"github.com/quicstep/quicstep/world"
)

const (
	// frame is the time from one frame to the next.
	frame = time.Second / 60
	// markEvery is the time between two inputs whose way is measured, and markPatience for how long one is looked for.
	markEvery    = 400 * time.Millisecond
	markPatience = 2 * time.Second
	// shotTicks is how many ticks go by from one shot to the next, and turnTicks from one turn to the next.
	shotTicks = 4
	turnTicks = 16
	// roam is how far from the middle of the field players go.
	roam = 100
	// drainTime is for how long the last shots are waited for.
	drainTime = time.Second
)

// player plays, and looks at its screen.
type player struct {
	*measures
	client *client.Client[ask]
	me     world.Player
	game   *game
	socket net.PacketConn
	chance *rand.Rand
	other  *player

	// Touched by the player's own goroutine only.
	in     ask
	tick   uint64 // that the latest input was for
	turn   uint64 // the tick from which on it goes elsewhere
	shot   uint64 // and that in which it shoots next
	prey   world.ID
	off    [2]float64 // by how much it aims beside the prey's middle
	shots  uint64     // that hit on the screen, in the measured time
	began  tally      // what the server said when that began
	ended  tally      // and when it ended
	before client.Stats
	after  client.Stats
	wrong  uint64 // mispredicted coordinates when the measured time began
	at     ship   // as it is shown

	mu     sync.Mutex // guards what follows, which the other player looks at, too
	mark   float32    // the latest
	marked time.Time  // when it was asked for
	mine   bool       // it is still looked for on the own screen, theirs on the other one's
	theirs bool
	ship   world.ID
}

// join lets a player join over a network.
func join(ctx context.Context, g *game, s *Server, n network, seed uint64) (*player, error) {
	socket, err := net.ListenUDP("udp", nil)
	if err != nil {
		return nil, fmt.Errorf("open a socket: %w", err)
	}
	impaired := bots.Impair(socket, n.impairment(seed))
	cfg := s.Client
	cfg.PacketConn, cfg.Interpolate, cfg.OverStream, cfg.Timeout = impaired, true, n.over == Stream, time.Minute
	c, err := client.Join(ctx, g, cfg)
	if err != nil {
		impaired.Close()
		return nil, err
	}
	return &player{client: c, me: c.Player(), game: g, socket: impaired, chance: rand.New(rand.NewPCG(seed, 1))}, nil
}

func (p *player) close() {
	p.client.Close()
	p.socket.Close()
}

// play draws frames and sends an input for each tick until ctx ends; then it waits for what is on its way.
func (p *player) play(ctx context.Context) error {
	frames := time.NewTicker(frame)
	defer frames.Stop()
	for {
		select {
		case <-p.client.Done():
			return p.client.Err()
		case <-ctx.Done():
			p.end()
			return nil
		case <-frames.C:
		}
		now := time.Now()
		if p.before.Tick == 0 && p.on(now) {
			p.before = p.client.Stats()
			p.wrong, _ = p.mispredicted()
			p.client.Look(func(v *world.View) { p.began = p.tally(v) })
		}
		acts := p.acts()
		p.client.Draw(func(v *world.View) { p.look(v, now, acts) })
		p.age(now)
		if acts {
			if err := p.client.Send(p.in); err != nil {
				return err
			}
		}
	}
}

// acts tells whether it is time for another input: once a tick.
func (p *player) acts() bool {
	tick := p.client.Timeline().Acting
	if tick <= p.tick {
		return false
	}
	p.tick = tick
	return true
}

// look sees what a frame shows, and decides what to ask for.
func (p *player) look(v *world.View, now time.Time, acts bool) {
	p.findMarks(v, now)
	if !acts {
		return
	}
	if p.turn <= p.tick {
		p.turn = p.tick + turnTicks
		p.in.DX, p.in.DY = p.towards(p.at.X), p.towards(p.at.Y)
	}
	p.placeMark(now)
	if p.shot <= p.tick && (p.on(now) || now.Before(p.from.Add(-drainTime))) { // so that none is under way when it begins
		p.shot = p.tick + shotTicks
		p.pick(v, p.on(now))
	}
	p.aim(v)
}

// towards is where to go next along one axis: anywhere, but for the middle of the field when that is far, so that players
// see each other.
func (p *player) towards(at float32) int8 {
	switch {
	case at < side/2-roam:
		return 1
	case at > side/2+roam:
		return -1
	}
	return int8(p.chance.IntN(3) - 1)
}

// placeMark changes what the ship is recognised by, now and then.
func (p *player) placeMark(now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	since := now.Sub(p.marked)
	if since < markEvery || (p.mine || p.theirs) && since < markPatience {
		return
	}
	if p.mine {
		p.add(own, since, now) // it took as long at least
	}
	if p.theirs {
		p.add(others, since, now)
	}
	p.in.Mark++
	p.mark, p.marked, p.mine, p.theirs = p.in.Mark, now, true, true
}

// findMarks looks whether the latest mark of each shows.
func (p *player) findMarks(v *world.View, now time.Time) {
	for id, s := range p.game.ships.Owned(v, p.me) {
		p.mu.Lock()
		p.ship, p.at = id, s
		if p.mine && s.Mark > p.mark-1 {
			p.mine = false
			p.add(own, now.Sub(p.marked), now)
		}
		p.mu.Unlock()
	}
	o := p.other
	o.mu.Lock()
	defer o.mu.Unlock()
	if s, ok := p.game.ships.Get(v, o.ship); ok && o.theirs && s.Mark > o.mark-1 {
		o.theirs = false
		p.add(others, now.Sub(o.marked), now)
	}
}

// pick shoots at a target that the screen shows, anywhere at it.
func (p *player) pick(v *world.View, counts bool) {
	var found []world.ID
	for id := range p.game.targets.All(v) {
		found = append(found, id)
	}
	if len(found) == 0 {
		return
	}
	p.prey = found[p.chance.IntN(len(found))]
	y, x := math.Sincos(p.chance.Float64() * 2 * math.Pi)
	off := aimRadius * math.Sqrt(p.chance.Float64())
	p.off = [2]float64{off * x, off * y}
	p.in.Shot++
	if counts {
		p.shots++
	}
}

// aim keeps the gun on the target, whichever of the inputs that have the shot's number comes first.
func (p *player) aim(v *world.View) {
	if t, ok := p.game.targets.Get(v, p.prey); ok {
		p.in.AtX = float32(max(0, min(float64(t.X)+p.off[0], side)))
		p.in.AtY = float32(max(0, min(float64(t.Y)+p.off[1], side)))
	}
}

// age measures how old what is known, and what is shown, is.
func (p *player) age(now time.Time) {
	if newest := p.client.Tick(); newest > 0 {
		p.add(known, now.Sub(p.made(newest)), now)
	}
	at := p.client.Shown()
	p.add(shown, now.Sub(p.made(at.Tick()))-time.Duration(at.Part())*p.period/world.MomentsPerTick, now)
}

// end waits until the server has judged the last shots.
func (p *player) end() {
	p.in.DX, p.in.DY = 0, 0
	p.after = p.client.Stats()
	p.client.Send(p.in)
	time.Sleep(drainTime)
	p.client.Look(func(v *world.View) { p.ended = p.tally(v) })
}

// mispredicted is how often a coordinate of the own ship was, and the most by which one was off.
func (p *player) mispredicted() (count uint64, most float64) {
	for _, f := range p.client.Mispredictions() {
		if f.Field == "X" || f.Field == "Y" {
			count, most = count+f.Count, max(most, f.Largest)
		}
	}
	return count, most
}

// tally is what the server says of this player's shots.
func (p *player) tally(v *world.View) tally {
	for _, t := range p.game.tallies.All(v) {
		if world.Player(t.Player) == p.me {
			return t
		}
	}
	return tally{}
}
