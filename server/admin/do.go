package admin

import (
	"bytes"
	"fmt"
	"log/slog"
	"runtime/pprof"
	"runtime/trace"
	"time"

	"github.com/quicstep/quicstep/protocol"
	"github.com/quicstep/quicstep/protocol/admin"
	"github.com/quicstep/quicstep/server"
	"github.com/quicstep/quicstep/server/quota"
	"github.com/quicstep/quicstep/world"
)

// What operators do. Each says in did what was done.

func bad(format string, args ...any) error {
	return &refusedError{admin.CodeBad, fmt.Sprintf(format, args...)}
}

func (c *call) kick() error {
	if c.req.Player == 0 {
		return bad("kick needs a player")
	}
	c.did = fmt.Sprintf("player %d was sent away", c.req.Player)
	return c.cfg.Server.Kick(c.req.Room, world.Player(c.req.Player), c.req.Text)
}

func (c *call) ban() (err error) {
	b := server.Ban{Reason: c.req.Text, By: c.guest.Name}
	given := 0
	for _, one := range []bool{c.req.Address != "", c.req.User != "", c.req.Player != 0} {
		if one {
			given++
		}
	}
	switch {
	case given != 1:
		return bad("ban needs one of an address, a user, and a player whose address it is")
	case c.req.User != "":
		b.User = c.req.User
	case c.req.Player != 0:
		b.Prefix, err = c.cfg.Server.AddressOf(c.req.Room, c.req.Player)
	default:
		if b.Prefix, err = quota.ParsePrefix(c.req.Address); err != nil {
			err = bad("%v", err)
		}
	}
	if err != nil {
		return err
	}
	if c.req.Seconds > 0 {
		b.Until = time.Now().Add(time.Duration(c.req.Seconds) * time.Second).UTC().Truncate(time.Second)
	}
	b, away, err := c.cfg.Server.Ban(b)
	if err != nil {
		return err
	}
	c.did = fmt.Sprintf("ban %d keeps %s out %s; %d sent away", b.Number, b.Whom(), lasting(b.Until), away)
	return nil
}

// lasting says how long a ban holds.
func lasting(until time.Time) string {
	if until.IsZero() {
		return "for ever"
	}
	return "until " + until.UTC().Format("2006-01-02 15:04Z")
}

func (c *call) unban() error {
	b, err := c.cfg.Server.Unban(c.req.Number)
	c.did = fmt.Sprintf("ban %d of %s is lifted", b.Number, b.Whom())
	return err
}

func (c *call) say() (err error) {
	n := 0
	switch {
	case c.req.Text == "":
		return bad("say needs a text")
	case c.req.All:
		n = c.cfg.Server.SayAll(c.req.Text)
	default:
		n, err = c.cfg.Server.Say(c.req.Room, world.Player(c.req.Player), c.req.Text)
	}
	c.did = fmt.Sprintf("said to %d players", n)
	return err
}

// impair makes a player's link worse, or, with no seconds, as it was.
func (c *call) impair() error {
	r := &c.req
	ms := func(n uint64) time.Duration { return time.Duration(n) * time.Millisecond }
	worse := server.Impairment{Delay: ms(r.DelayMS), Jitter: ms(r.JitterMS), Loss: float64(r.LossPerMille) / 1000}
	switch {
	case r.Player == 0:
		return bad("impair needs a player")
	case r.Seconds > admin.MaxImpairSeconds:
		return bad("a link is impaired for up to %d seconds", admin.MaxImpairSeconds)
	case (r.Seconds == 0) != (worse == server.Impairment{}):
		return bad("impair needs a delay, a jitter or a loss, and for how long; none of them ends it")
	case r.Seconds == 0:
		c.did = fmt.Sprintf("the link of player %d is as it was", r.Player)
	default:
		worse.Until, worse.By = time.Now().Add(time.Duration(r.Seconds)*time.Second), c.guest.Name
		c.did = fmt.Sprintf("the link of player %d has %v more round trip, ±%v, and loses %.3g %% of datagrams, for %d s", r.Player, worse.Delay, worse.Jitter, 100*worse.Loss, r.Seconds)
	}
	return c.cfg.Server.Impair(r.Room, world.Player(r.Player), worse)
}

func (c *call) freeze() error {
	c.did = "the room stands from its next tick on"
	return c.cfg.Server.Freeze(c.req.Room)
}

func (c *call) step() error {
	if c.req.Count < 1 || c.req.Count > server.MaxSteps {
		return bad("a room steps 1 to %d ticks", server.MaxSteps)
	}
	tick, err := c.cfg.Server.Step(c.ctx, c.req.Room, int(c.req.Count))
	c.did = fmt.Sprintf("%d ticks made, it is tick %d", c.req.Count, tick)
	return err
}

func (c *call) slow() error {
	if c.req.Count < 1 || c.req.Count > protocol.MaxEvery {
		return bad("slow needs the periods that a tick is to take, 1 to %d", protocol.MaxEvery)
	}
	c.did = fmt.Sprintf("a tick takes %d periods", c.req.Count)
	return c.cfg.Server.Slow(c.req.Room, int(c.req.Count))
}

func (c *call) resume() error {
	c.did = "the room goes on at its normal pace"
	return c.cfg.Server.Resume(c.req.Room)
}

func (c *call) set() error {
	id, err := world.ParseID(c.req.Row)
	if err != nil {
		return bad("%v", err)
	}
	e, err := c.cfg.Server.Edit(c.ctx, server.Change{
		Room: c.req.Room, Table: c.req.Table, ID: id, Field: c.req.Field, Value: c.req.Value, By: c.guest.Name,
	})
	c.did = fmt.Sprintf("edit %d: %s %v %s was %q and is %q, in tick %d", e.Number, e.Table, e.ID, e.Field, e.Before, e.After, e.Tick)
	return err
}

func (c *call) undo() error {
	e, err := c.cfg.Server.Undo(c.ctx, c.req.Number, c.guest.Name)
	c.did = fmt.Sprintf("edit %d undoes edit %d: %s %v %s was %q and is %q again, in tick %d", e.Number, e.Undoes, e.Table, e.ID, e.Field, e.Before, e.After, e.Tick)
	return err
}

func (c *call) close() error {
	c.did = "the room closes"
	return c.cfg.Server.CloseRoom(c.req.Room, c.req.Text)
}

func (c *call) drain() error {
	c.cfg.Server.Drain(true)
	c.did = "nobody new comes in"
	return nil
}

func (c *call) undrain() error {
	c.cfg.Server.Drain(false)
	c.did = "newcomers come in again"
	return nil
}

func (c *call) logLevel() error {
	if c.cfg.Level == nil {
		return &refusedError{admin.CodeState, "this program's log level can't be changed"}
	}
	var level slog.Level
	if err := level.UnmarshalText([]byte(c.req.Text)); err != nil {
		return bad("%q is no log level: debug, info, warn and error are", c.req.Text)
	}
	c.did = fmt.Sprintf("the log level was %v and is %v", c.cfg.Level.Level(), level)
	c.cfg.Level.Set(level)
	return nil
}

// profile takes a CPU profile or a trace, one at a time, and sends it in pieces.
func (c *call) profile() error {
	if c.req.Seconds < 1 || c.req.Seconds > admin.MaxProfileSeconds {
		return bad("a profile takes 1 to %d seconds", admin.MaxProfileSeconds)
	}
	if !c.profiling.TryLock() {
		return &refusedError{admin.CodeBusy, "another profile is being taken"}
	}
	defer c.profiling.Unlock()
	taken := capped{most: maxProfileBytes}
	start, stop := pprof.StartCPUProfile, pprof.StopCPUProfile
	if c.req.Text == "trace" {
		start, stop = trace.Start, trace.Stop
	} else if c.req.Text != "cpu" && c.req.Text != "" {
		return bad("a profile is cpu or trace, not %q", c.req.Text)
	}
	if err := start(&taken); err != nil {
		return &refusedError{admin.CodeBusy, err.Error()}
	}
	timer := time.NewTimer(time.Duration(c.req.Seconds) * time.Second)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-c.ctx.Done():
	}
	stop()
	if taken.over {
		return fmt.Errorf("it has more than %d bytes: take a shorter one", maxProfileBytes)
	}
	c.did = fmt.Sprintf("%d s, %d bytes", c.req.Seconds, taken.Len())
	for taken.Len() > admin.MaxPiece {
		if err := c.send(admin.Answer{Data: taken.Next(admin.MaxPiece), More: true}); err != nil {
			return err
		}
	}
	return c.send(admin.Answer{Data: taken.Bytes(), Text: c.did})
}

// maxProfileBytes bounds a profile, and what of it is held.
const maxProfileBytes = 64 << 20

// capped keeps what is written up to a bound, and notes whether there was more.
type capped struct {
	bytes.Buffer
	most int
	over bool
}

func (w *capped) Write(b []byte) (int, error) {
	if w.Len()+len(b) > w.most {
		w.over = true
		return len(b), nil
	}
	return w.Buffer.Write(b)
}

// audit sends the latest lines of the log; who reads them is in it.
func (c *call) audit() error {
	most := int(c.req.Count)
	if most == 0 {
		most = 100
	}
	lines, err := c.Door.audit.tail(most)
	if err != nil {
		return err
	}
	c.did = fmt.Sprintf("%d lines read", len(lines))
	return pieces(c, lines, func(a *admin.Answer, lines []string) { a.Audit = lines }, func(line string) int { return len(line) })
}
