package console

import (
	"fmt"
	"io"
	"time"

	"github.com/quicstep/quicstep/protocol/admin"
)

// writeCaptures writes slow ticks, the newest first, and what was to blame for each.
func writeCaptures(w io.Writer, captures []admin.Capture) {
	if SlowTicks(captures) == 0 {
		fmt.Fprintln(w, "no tick has taken too long since its room was opened")
		return
	}
	fmt.Fprintln(w, "ROOM\tTICK\tDUE\tLATE MS\tDRAIN\tSTEP\tPUBLISH\tOF MS\tOVERRAN\tBLAME\tIT TOOK\tPLAYERS\tROWS\tINPUTS\tKBYTES")
	for _, c := range captures {
		for i := range c.Ticks {
			t := &c.Ticks[len(c.Ticks)-1-i]
			fmt.Fprintf(w, "%s\t%d\t%s\t%s\t%s\t%s\t%s\t%s\t%v\t%s\t%s\t%d\t%d\t%d\t%d\n", one(c.RoomName), t.Tick, time.UnixMicro(t.Due).UTC().Format("15:04:05.000Z"),
				ms(t.Late), ms(t.Drain), ms(t.Step), ms(t.Publish), ms(c.PeriodUS), t.Overran, one(t.Blame), ms(most(t.Parts)), t.Players, t.Entities, t.Inputs, t.Bytes/1000)
		}
	}
}

// most is the largest of some times; zero without any.
func most(times []int64) (most int64) {
	for _, t := range times {
		most = max(most, t)
	}
	return most
}

// nameParts puts names to the parts of slow ticks, as they were read from the wire.
func nameParts(list any, captures []admin.Capture) {
	rooms, _ := list.([]any)
	for i, room := range rooms[:min(len(rooms), len(captures))] {
		fields, _ := room.(map[string]any)
		ticks, _ := fields["ticks"].([]any)
		for n, tick := range ticks {
			named := map[string]int64{}
			times := captures[i].Ticks[n].Parts
			for at, name := range captures[i].Parts[:min(len(captures[i].Parts), len(times))] {
				named[name] = times[at]
			}
			if t, ok := tick.(map[string]any); ok {
				t["parts_us"] = named
			}
		}
	}
}

// SlowTicks is how many slow ticks an answer tells of.
func SlowTicks(captures []admin.Capture) (n int) {
	for _, c := range captures {
		n += len(c.Ticks)
	}
	return n
}
