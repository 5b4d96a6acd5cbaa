package main

import (
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"github.com/quicstep/quicstep/protocol"
)

// How much of something may be left when everybody has gone.
const (
	// rssSlopeMax is the fastest that memory may grow in the second round, in bytes per second: the slope is below it with 95 %
	// confidence. It is 1 MB a minute.
	rssSlopeMax = 1e6 / 60
	// heapSpare and rssSpare are by how much more the process may hold after the second round than after the first, in bytes and
	// as a share of it: what the runtime keeps for next time, and maps that have grown.
	heapSpare, heapShare = 2e6, 0.1
	rssSpare, rssShare   = 16e6, 0.25
	// failedJoinsMost is the share of joins, of all, that may have had no answer.
	failedJoinsMost = 0.05
)

// check is something that must hold.
type check struct {
	Name string
	Says string // the figures
	OK   bool
}

// judge holds what was found against what must hold. The counters are of both rounds, as the bots' are.
func (o *outcome) judge() {
	grows := rssSlope(o.Samples)
	if !math.IsInf(grows.Error, 0) {
		o.RSS = &grows
	}
	s, e := &o.Start, &o.End
	at := func(name string) int64 { return o.Bots[name] }
	check := func(name string, ok bool, format string, args ...any) {
		o.Checks = append(o.Checks, check{Name: name, OK: ok, Says: fmt.Sprintf(format, args...)})
	}
	check("nobody is left", e.over() && s.over(), "rooms %d, players %d, sessions %d, tokens %d, held %d, connections %d",
		e.Rooms, e.Players, e.Sessions, e.Tokens, e.Held, e.Transport.Open)
	check("goroutines are back", e.Goroutines <= s.Goroutines, "%d, were %d, at most %d", e.Goroutines, s.Goroutines, o.most(func(s sample) int64 { return s.Goroutines }))
	check("open files are back", e.FDs <= s.FDs, "%d, were %d, at most %d", e.FDs, s.FDs, o.most(func(s sample) int64 { return s.FDs }))
	check("the heap is back", near(e.Heap, s.Heap, heapSpare, heapShare), "%.2f MB, was %.2f MB, at most %.1f MB",
		float64(e.Heap)/1e6, float64(s.Heap)/1e6, float64(o.most(func(s sample) int64 { return s.Heap }))/1e6)
	check("memory is back", near(e.RSS, s.RSS, rssSpare, rssShare), "%.1f MB, was %.1f MB, at most %.1f MB",
		float64(e.RSS)/1e6, float64(s.RSS)/1e6, float64(o.most(func(s sample) int64 { return s.RSS }))/1e6)
	if !o.Settings.NoSlope {
		check("memory does not grow", grows.top() < rssSlopeMax, "%+.3f MB/min, with 90 %% confidence from %+.3f to %+.3f; below %.1f with 95 %% is wanted; %d samples worth %.0f",
			grows.PerSecond*60/1e6, grows.bottom()*60/1e6, grows.top()*60/1e6, rssSlopeMax*60/1e6, grows.Samples, grows.Independent)
	}
	o.addUp(check, at)
	check("nothing diverged", e.Diverged == 0 && at(mismatches) == 0 && at(orphans) == 0 && at(unreadable) == 0,
		"%d of %d rows by the server, %d by the clients, %d orphans, %d unreadable", e.Diverged, e.Checked, at(mismatches), at(orphans), at(unreadable))
	bad := o.malformed()
	check("nothing was malformed", len(bad) == 0, "%s", strings.Join(bad, ", "))
	check("no tick failed", e.FailedTicks == 0, "%d", e.FailedTicks)
	check("no error in the log", len(o.Log) == 0, "%s", strings.Join(o.Log, "\n"))
	check("the server stopped well", o.Stop == "", "%s", o.Stop)
	check("no surprise", at(surprises) == 0, "%s", strings.Join(o.Notes, "\n"))
}

// addUp is where the counters must.
func (o *outcome) addUp(check func(string, bool, string, ...any), at func(string) int64) {
	e := &o.End
	least := func(n int64) int64 { // of so many that must have come through
		if o.Settings.NoSlope {
			return 1 // on a machine that does other things, there is no saying how many in a few seconds
		}
		return n / 2
	}
	gone := e.Left + e.Lost + e.Expelled + e.Stopped
	check("who joined has gone", e.Joined == gone+e.Sessions, "joined %d = left %d + lost %d + expelled %d + stopped %d + in %d", e.Joined, e.Left, e.Lost, e.Expelled, e.Stopped, e.Sessions)
	check("who was lost was held", e.Lost == e.HoldsExpired+e.HoldsRefused+e.Unwelcomed, "lost %d = holds expired %d + refused %d + unwelcomed %d", e.Lost, e.HoldsExpired, e.HoldsRefused, e.Unwelcomed)
	check("rooms that opened have closed", e.RoomsOpened == e.RoomsClosed+e.Rooms, "opened %d = closed %d + open %d", e.RoomsOpened, e.RoomsClosed, e.Rooms)
	vain := at(joinFailed) + at(joinEnded)
	check("joins are the bots'", within(e.Joined, at(joins), at(joins)+vain), "%d; bots know of %d, and of %d without an answer", e.Joined, at(joins), vain)
	check("joins are answered", float64(at(joinFailed)) <= failedJoinsMost*float64(at(joinsTried)), "of %d tries %d had no answer", at(joinsTried), at(joinFailed))
	check("leaves are the bots'", within(e.Left, 1, at(leaves)+vain), "left %d; bots said goodbye %d times, and gave %d joins up", e.Left, at(leaves), vain)
	check("resumes are the bots'", e.Resumed >= at(resumes), "%d; bots know of %d", e.Resumed, at(resumes))
	check("connections were all used", e.Transport.Accepted >= e.Joined+e.Resumed, "accepted %d for %d joins and %d resumes", e.Transport.Accepted, e.Joined, e.Resumed)
	check("datagrams arrived", within(at(received), least(e.Datagrams), e.Datagrams), "%d of %d", at(received), e.Datagrams)
	heard := e.ChatLines + e.ChatLimited + e.ChatRefused
	check("lines were heard", within(heard, 1, at(said)), "passed on %d, limited %d, refused %d; said %d", e.ChatLines, e.ChatLimited, e.ChatRefused, at(said))
	check("requests were answered", within(at(answered), least(at(asked)), e.Requests) && e.Requests <= at(asked), "asked %d, came %d, answered %d", at(asked), e.Requests, at(answered))
	must := []string{joins, drops, leaves, operated}
	if !o.Settings.NoSlope {
		must = append(must, privates, moves, stalls, slows, rudes, resumes)
	}
	for _, name := range must {
		check("there were "+name, at(name) > 0, "%d", at(name))
	}
}

// untimely are the refusals that who stalls, or reads slowly, earns.
var untimely = []protocol.Reject{protocol.StaleEpoch, protocol.InputTooOld, protocol.InputTooNew, protocol.TooManyInputs}

// malformed are the refusals that no bot should have earned.
func (o *outcome) malformed() (out []string) {
	for reason, n := range o.End.Rejected {
		if n > 0 && !slices.ContainsFunc(untimely, func(r protocol.Reject) bool { return r.String() == reason }) {
			out = append(out, fmt.Sprintf("%s %d", reason, n))
		}
	}
	return out
}

func (o *outcome) most(of func(sample) int64) (most int64) {
	for _, s := range o.Samples {
		most = max(most, of(s))
	}
	return most
}

func near(now, then int64, spare, share float64) bool {
	return float64(now) <= float64(then)*(1+share)+spare
}

func within(n, least, most int64) bool { return n >= least && n <= most }

// failure names the checks that do not hold; nil when all do.
func (o *outcome) failure() error {
	var failed []string
	for _, c := range o.Checks {
		if !c.OK {
			failed = append(failed, c.Name)
		}
	}
	if len(failed) == 0 {
		return nil
	}
	return errors.New("this does not hold: " + strings.Join(failed, "; "))
}

// tell prints the checks.
func (o *outcome) tell(out io.Writer) {
	for _, c := range o.Checks {
		mark := "ok  "
		if !c.OK {
			mark = "FAIL"
		}
		fmt.Fprintf(out, "%s %s: %s\n", mark, c.Name, strings.ReplaceAll(c.Says, "\n", "\n     "))
	}
}
