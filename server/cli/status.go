package cli

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/quicstep/quicstep/server"
)

// statusEvery is the time between two lines about a server.
const statusEvery = 2 * time.Second

// watch prints a line about the server every now and then until ctx ends.
func watch(ctx context.Context, s *server.Server, w io.Writer) {
	ticker := time.NewTicker(statusEvery)
	defer ticker.Stop()
	before, since := s.Stats(), time.Now()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		after, now := s.Stats(), time.Now()
		fmt.Fprintln(w, statusOf(before, after, now.Sub(since)))
		before, since = after, now
	}
}

// statusOf says what happened between two looks at a server.
func statusOf(before, after server.Stats, took time.Duration) string {
	seconds := took.Seconds()
	ticks := countOf(after.Ticks) - countOf(before.Ticks)
	datagrams, bytes := after.Datagrams-before.Datagrams, after.DatagramBytes-before.DatagramBytes
	return fmt.Sprintf("rooms %d, players %d, %.1f ticks/s, %.0f datagrams/s of %d bytes, a tick takes %v, 99 %% at most %v",
		after.Rooms, after.Players, float64(ticks)/seconds, float64(datagrams)/seconds, bytes/max(datagrams, 1),
		meanTick(before, after), percentile(before.Ticks, after.Ticks, 0.99).Round(time.Microsecond))
}

func countOf(d server.Distribution) (n int64) {
	for _, b := range d {
		n += b.Count
	}
	return n
}

// meanTick is how long the ticks in between took on average.
func meanTick(before, after server.Stats) time.Duration {
	n := after.Step.Count - before.Step.Count
	if n == 0 {
		return 0
	}
	total := after.Drain.Total + after.Step.Total + after.Publish.Total - before.Drain.Total - before.Step.Total - before.Publish.Total
	return (total / time.Duration(n)).Round(time.Microsecond)
}

// percentile is the time that a share of what was counted in between did not exceed.
func percentile(before, after server.Distribution, share float64) time.Duration {
	former := make(map[time.Duration]int64, len(before))
	for _, b := range before {
		former[b.Most] = b.Count
	}
	left := int64(share * float64(countOf(after)-countOf(before)))
	for _, b := range after {
		if left -= b.Count - former[b.Most]; left <= 0 && b.Count > former[b.Most] {
			return b.Most
		}
	}
	return 0
}
