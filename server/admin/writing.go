package admin

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"time"

	"github.com/quicstep/quicstep/protocol/admin"
	"github.com/quicstep/quicstep/server"
)

// inWriting does an act, with a line of the audit log before it, without which it is not done, and one after it.
func (c *call) inWriting(what act) error {
	room, err := c.place()
	e := c.entry(stateAsked, room)
	if err := c.Door.audit.append(e); err != nil {
		c.cfg.Log.Error("an act was not done, since it can't be written down", "act", e.Act, "who", e.Who, "error", err)
		return &refusedError{admin.CodeAudit, err.Error() + ": nothing was done"}
	}
	if err == nil {
		err = c.inTime(what)
	}
	e.At, e.State, e.Result = time.Now().UTC(), stateOf(err), c.did
	if err != nil {
		e.Result = err.Error()
	}
	c.counters.acts.Add(1)
	if auditErr := c.Door.audit.append(e); auditErr != nil {
		c.cfg.Log.Error("what became of an act can't be written down", "act", e.Act, "who", e.Who, "state", e.State, "result", e.Result, "error", auditErr)
		return unwritten(err, auditErr)
	}
	c.cfg.Log.Info("operator", "act", e.Act, "who", e.Who, "state", e.State, "result", e.Result)
	return err
}

// inTime does it, for as long as it may take.
func (c *call) inTime(what act) error {
	stream := c.ctx
	timed, cancel := context.WithTimeout(stream, c.patience())
	defer cancel()
	c.ctx = timed
	defer func() { c.ctx = stream }()
	return c.run(what)
}

// unwritten says that what became of an act is not in the audit log, beside what became of it. Of what was done nobody must think
// that it was not.
func unwritten(err, auditErr error) error {
	if err == nil {
		return &refusedError{admin.CodeUnwritten, "it was done, but what became of it could not be written down: " + auditErr.Error()}
	}
	no := refusalOf(err)
	if no == nil {
		return err // nobody is there any more to be told
	}
	return &refusedError{no.Code, no.Text + "; nor could this be written down: " + auditErr.Error()}
}

// noteRefusal writes down that somebody asked for what is not for their role, as long as that is not done all the time.
func (c *call) noteRefusal(why string) {
	if !c.refusals.Allow(c.guest.Hash, time.Now()) {
		c.counters.unaudited.Add(1)
		return
	}
	e := c.entry(stateRefused, nil)
	e.Result = why
	if err := c.Door.audit.append(e); err != nil {
		c.cfg.Log.Error("a refusal can't be written down", "act", e.Act, "who", e.Who, "error", err)
	}
}

// entry is a line for the audit log on what is asked for, and the room that it is done in, if that is known.
func (c *call) entry(state string, room *server.RoomStats) entry {
	return entry{
		At: time.Now().UTC(), ID: c.Door.audit.id(), Who: c.guest.Name, Role: c.guest.Role.String(), From: c.guest.from,
		Act: string(c.req.Act), On: c.on(room), State: state,
	}
}

// place finds the room that an act is done in, nil for one that is done in none. From then on the act goes by the room's ID:
// another one may get its name meanwhile.
func (c *call) place() (*server.RoomStats, error) {
	r := &c.req
	switch r.Act {
	case admin.ActKick, admin.ActFreeze, admin.ActStep, admin.ActSlow, admin.ActResume, admin.ActSet, admin.ActClose, admin.ActImpair:
	case admin.ActBan:
		if r.Player == 0 {
			return nil, nil
		}
	case admin.ActSay:
		if r.All {
			return nil, nil
		}
	default:
		return nil, nil
	}
	room, err := c.cfg.Server.Room(r.Room)
	if err != nil {
		return nil, err
	}
	r.Room = room.ID
	return &room, nil
}

// on is what the act is done to, for the audit log. A room that is not known stands there as it was named.
func (c *call) on(room *server.RoomStats) map[string]string {
	out := map[string]string{}
	r := &c.req
	for name, value := range map[string]string{
		"room": r.Room, "table": r.Table, "row": r.Row, "field": r.Field, "value": r.Value, "text": r.Text, "address": r.Address, "user": r.User,
	} {
		if value != "" {
			out[name] = value
		}
	}
	for name, value := range map[string]uint64{"player": uint64(r.Player), "seconds": r.Seconds, "count": r.Count, "number": r.Number, "delay_ms": r.DelayMS, "jitter_ms": r.JitterMS, "loss_per_mille": r.LossPerMille} {
		if value != 0 {
			out[name] = strconv.FormatUint(value, 10)
		}
	}
	if r.All {
		out["all"] = "true"
	}
	if room != nil && !room.Private {
		out["room_name"] = room.Name // of a private one it is a code, which lets anybody in
	}
	if r.Act == admin.ActUndo {
		c.onEdit(out)
	}
	return out
}

// onEdit adds what the edit was done to that is to be undone.
func (c *call) onEdit(out map[string]string) {
	edits := c.cfg.Server.Edits()
	at := slices.IndexFunc(edits, func(e server.Edit) bool { return e.Number == c.req.Number })
	if at >= 0 {
		e := &edits[at]
		out["room"], out["table"], out["row"], out["field"] = e.RoomID, e.Table, e.ID.String(), e.Field
	}
}

// What an entry's State is.
const (
	stateAsked   = "asked"
	stateDone    = "done"
	stateFailed  = "failed"  // nothing was done
	statePartly  = "partly"  // the result says how much
	stateRefused = "refused" // it is not for the role of who asked
)

// stateOf is what became of an act.
func stateOf(err error) string {
	var steps *server.StepError
	switch {
	case err == nil:
		return stateDone
	case errors.As(err, &steps) && steps.Made > 0:
		return statePartly
	}
	return stateFailed
}
