package main

import "testing"

// TestWhatDoesNotHoldIsNamed: each check fails by its own name when its figures are wrong, and none does otherwise.
func TestWhatDoesNotHoldIsNamed(t *testing.T) {
	for name, spoil := range map[string]func(*outcome){
		"":                              func(*outcome) {},
		"nobody is left":                func(o *outcome) { o.End.Tokens = 1 },
		"goroutines are back":           func(o *outcome) { o.End.Goroutines++ },
		"open files are back":           func(o *outcome) { o.End.FDs++ },
		"the heap is back":              func(o *outcome) { o.End.Heap *= 2 },
		"memory is back":                func(o *outcome) { o.End.RSS *= 2 },
		"memory does not grow":          func(o *outcome) { grow(o, 2*rssSlopeMax) },
		"who joined has gone":           func(o *outcome) { o.End.Left--; o.End.Unwelcomed = 0 },
		"who was lost was held":         func(o *outcome) { o.End.HoldsExpired-- },
		"rooms that opened have closed": func(o *outcome) { o.End.RoomsClosed-- },
		"joins are the bots'":           func(o *outcome) { o.Bots[joins]-- },
		"joins are answered":            func(o *outcome) { o.Bots[joinFailed] = 20 },
		"leaves are the bots'":          func(o *outcome) { o.Bots[leaves]-- },
		"resumes are the bots'":         func(o *outcome) { o.Bots[resumes]++ },
		"connections were all used":     func(o *outcome) { o.End.Transport.Accepted-- },
		"datagrams arrived":             func(o *outcome) { o.Bots[received] = 1 },
		"lines were heard":              func(o *outcome) { o.Bots[said] = 0 },
		"requests were answered":        func(o *outcome) { o.Bots[answered] = 1 },
		"there were moves":              func(o *outcome) { o.Bots[moves] = 0 },
		"nothing diverged":              func(o *outcome) { o.End.Diverged = 1 },
		"nothing was malformed":         func(o *outcome) { o.End.Rejected["bad_value"] = 1 },
		"no tick failed":                func(o *outcome) { o.End.FailedTicks = 1 },
		"no error in the log":           func(o *outcome) { o.Log = troubles("{\"level\":\"INFO\"}\npanic: x\n") },
		"the server stopped well":       func(o *outcome) { o.Stop = "exit status 2" },
		"no surprise":                   func(o *outcome) { o.Bots[surprises] = 1 },
	} {
		o := fine()
		spoil(o)
		o.judge()
		for _, c := range o.Checks {
			if c.OK == (c.Name == name) {
				t.Errorf("spoilt %q, the check %q says %v: %s", name, c.Name, c.OK, c.Says)
			}
		}
		if (o.failure() == nil) != (name == "") {
			t.Errorf("spoilt %q, the end is %v", name, o.failure())
		}
	}
}

// fine is an outcome in which all holds.
func fine() *outcome {
	o := &outcome{Bots: map[string]int64{}}
	for _, name := range []string{joins, joinsTried, privates, moves, stalls, slows, drops, leaves, rudes, operated, asked, answered, said, received, resumes} {
		o.Bots[name] = 100
	}
	level := figures{RSS: 5e7, Heap: 1e7, Goroutines: 24, FDs: 16}
	o.Start, o.End = level, level
	e := &o.End
	e.Joined, e.Left, e.Lost, e.HoldsExpired, e.RoomsOpened, e.RoomsClosed = 100, 100, 0, 0, 10, 10
	e.Resumed, e.Transport.Accepted, e.Datagrams, e.ChatLines, e.Requests, e.Checked = 100, 200, 100, 100, 100, 1
	e.Rejected = map[string]int64{"input_too_old": 5}
	grow(o, 0)
	return o
}

// grow has the memory of the second round grow by so much a second.
func grow(o *outcome, perSecond float64) {
	o.Samples = nil
	for i := range 100 {
		o.Samples = append(o.Samples, sample{AtS: float64(5 * i), Collected: true, Rooms: 3, Players: 7, RSS: int64(5e7 + perSecond*float64(5*i) + float64(i%2)*1e4)})
	}
}
