package admin

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/quic-go/quic-go"

	"github.com/quicstep/quicstep/protocol"
	"github.com/quicstep/quicstep/protocol/admin"
	"github.com/quicstep/quicstep/server"
)

// call is a request that is being answered.
type call struct {
	*Door
	ctx    context.Context
	guest  *guest
	req    admin.Request
	stream *quic.Stream
	did    string // what was done, for the audit log and the answer
}

// answer reads a stream's request and answers it: once, or again and again.
func (d *Door) answer(g *guest, stream *quic.Stream) {
	defer stream.Close()
	defer stream.CancelRead(0)
	defer d.panics.Catch("admin", nil)
	stream.SetReadDeadline(time.Now().Add(d.cfg.Limits.RequestTimeout))
	message, err := readFrame(stream)
	if err != nil {
		return
	}
	d.counters.requests.Add(1)
	c := &call{Door: d, ctx: stream.Context(), guest: g, stream: stream}
	if c.req, err = admin.ParseRequest(message); err != nil {
		c.send(admin.Answer{Refusal: &admin.Refusal{Code: admin.CodeBad, Text: err.Error()}})
		return
	}
	if c.req.EveryMS == 0 {
		c.round()
		return
	}
	if d.acts[c.req.Act].writes {
		c.send(admin.Answer{Refusal: &admin.Refusal{Code: admin.CodeBad, Text: "only what looks can be repeated"}})
		return
	}
	ticker := time.NewTicker(time.Duration(c.req.EveryMS) * time.Millisecond)
	defer ticker.Stop()
	for c.round() == nil {
		select {
		case <-ticker.C:
		case <-c.ctx.Done():
			return
		}
	}
}

// round answers the request once; the error says that it is of no use to go on.
func (c *call) round() error {
	err := c.do()
	if refusal := refusalOf(err); refusal != nil {
		c.send(admin.Answer{Refusal: refusal})
		return err
	}
	if err != nil {
		return err // the stream's
	}
	if c.acts[c.req.Act].writes && c.req.Act != admin.ActAudit && c.req.Act != admin.ActProfile {
		return c.send(admin.Answer{Text: c.did})
	}
	return nil
}

// do checks whether the guest may do it, and does it, in writing if it is an act.
func (c *call) do() error {
	what := c.acts[c.req.Act]
	if !c.credentials.still(c.guest.Credential, time.Now()) {
		return &refusedError{admin.CodeRole, credentialsOver}
	}
	if c.guest.Role < what.role {
		why := fmt.Sprintf("%s is for role %s, and %s is %s", c.req.Act, what.role, c.guest.Name, c.guest.Role)
		c.counters.role.Add(1)
		c.noteRefusal(why)
		return &refusedError{admin.CodeRole, why}
	}
	if !what.writes {
		if err := c.mayRead(time.Now()); err != nil {
			return err
		}
		return c.run(what)
	}
	if !c.guest.pace.Allow() {
		c.counters.fast.Add(1)
		return &refusedError{admin.CodeBusy, fmt.Sprintf("more than %d acts a second", c.cfg.Limits.ActsPerSecond)}
	}
	return c.inWriting(what)
}

// mayRead tells whether the guest's credential has not read too much of late, in all its consoles.
func (c *call) mayRead(now time.Time) error {
	l := &c.cfg.Limits
	if !c.reads.Allow(c.guest.Hash, now) {
		c.counters.reads.Add(1)
		return &refusedError{admin.CodeBusy, fmt.Sprintf("these credentials read more than %d answers a second, in all their consoles: ask less often, or close one", l.ReadsPerSecond)}
	}
	if c.req.Act == admin.ActSight && !c.sights.Allow(c.guest.Hash, now) {
		c.counters.sights.Add(1)
		return &refusedError{admin.CodeBusy, fmt.Sprintf("these credentials ask more than %d times a second what players were sent: ask less often", l.SightsPerSecond)}
	}
	return nil
}

// failedHere is what a console is told when something has panicked.
const failedHere = "the server has failed in this: its log has the stack"

// run does it. A panic costs this request, and is told.
func (c *call) run(what act) (err error) {
	defer c.panics.Catch("admin", func() { err = &refusedError{admin.CodeFailed, failedHere} })
	return what.run(c)
}

// patience is how long an act may take.
func (c *call) patience() time.Duration {
	patience := c.cfg.Limits.RequestTimeout
	switch c.req.Act {
	case admin.ActStep:
		patience += time.Duration(c.req.Count) * time.Second / time.Duration(c.cfg.TickRate) * 2
	case admin.ActProfile:
		patience += admin.MaxProfileSeconds * time.Second
	}
	return patience
}

// send writes an answer; a console that does not read it loses the stream.
func (c *call) send(a admin.Answer) error {
	message, err := admin.AppendAnswer(nil, a)
	if err != nil {
		c.cfg.Log.Error("an answer can't be sent", "act", string(c.req.Act), "error", err)
		return err
	}
	c.stream.SetWriteDeadline(time.Now().Add(c.cfg.Limits.RequestTimeout))
	_, err = c.stream.Write(protocol.AppendFrame(nil, message))
	if errors.Is(err, os.ErrDeadlineExceeded) {
		c.counters.unread.Add(1)
		c.stream.CancelWrite(0) // what waits is of no use to anybody
	}
	return err
}

// refusedError is why nothing was done.
type refusedError struct{ code, text string }

func (e *refusedError) Error() string { return e.text }

// refusalOf says what a console is told about an error; nil for none, and for one of the stream's.
func refusalOf(err error) *admin.Refusal {
	var refused *refusedError
	var changed *server.ChangedError
	var stream *quic.StreamError
	switch {
	case err == nil, errors.As(err, &stream):
		return nil
	case errors.As(err, &refused):
		return &admin.Refusal{Code: refused.code, Text: refused.text}
	case errors.As(err, &changed):
		return &admin.Refusal{Code: admin.CodeChanged, Text: err.Error()}
	}
	for _, known := range []struct {
		code string
		of   []error
	}{
		{admin.CodeNone, []error{server.ErrNoRoom, server.ErrNoPlayer, server.ErrNoTable, server.ErrNoField, server.ErrNoRow, server.ErrNoEdit, server.ErrNoBan}},
		{admin.CodeState, []error{server.ErrNotFrozen, server.ErrResumed, server.ErrUndone, server.ErrRoomEnded, server.ErrTickFailed}},
		{admin.CodeBad, []error{server.ErrImpairment, server.ErrValue}},
		{admin.CodeBusy, []error{server.ErrBusy, server.ErrManyBans}},
	} {
		for _, one := range known.of {
			if errors.Is(err, one) {
				return &admin.Refusal{Code: known.code, Text: err.Error()}
			}
		}
	}
	return &admin.Refusal{Code: admin.CodeFailed, Text: err.Error()}
}
