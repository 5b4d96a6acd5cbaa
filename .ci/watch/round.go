package main

import (
	"context"
	"fmt"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/quicstep/quicstep/.ci/measure"
)

// consoles are what somebody who watches has open: the commands that ask for what the terminal program asks for, each second.
var consoles = [][]string{{"rooms"}, {"room", "--room", "bots-1"}, {"players"}}

// round starts a server with bots on it, and measures it unwatched and watched; which of the two comes first changes from round
// to round, so that what drifts with time drifts for both.
func (w *watching) round(ctx context.Context, n int) (r round, err error) {
	s, err := w.serve(ctx)
	if err != nil {
		return r, err
	}
	defer s.Stop()
	bots, err := w.Place().Start(ctx, w.Cores.Load, w.program(), "bots", "--game", "arena", "--addr", s.addr, "--clients", strconv.Itoa(w.settings.Bots),
		"--rooms", strconv.Itoa(w.settings.Rooms), "--join-rate", strconv.Itoa(joinRate), "--warmup", "0s", "--duration", w.patience().String(), "--quiet")
	if err != nil {
		return r, err
	}
	defer bots.Stop()
	if err := s.filled(ctx, w.settings); err != nil {
		return r, err
	}
	pause(ctx, w.settings.Warmup)
	for turn := range 2 {
		if watched := (n+turn)%2 == 1; watched {
			r.With, err = w.watched(ctx, s, bots, &r)
		} else {
			r.Without, err = w.half(ctx, s, bots)
		}
		if err != nil {
			return r, err
		}
	}
	if r.FirstScreenMS, err = w.firstScreen(ctx, s); err != nil {
		return r, err
	}
	select {
	case <-bots.Ended():
		return r, fmt.Errorf("the bots ended: %s", strings.TrimSpace(bots.Stderr()))
	case <-s.Ended():
		return r, s.Trouble()
	default:
		return r, nil
	}
}

// patience is for how long the bots of a round play, unless they are stopped.
func (w *watching) patience() time.Duration { return 2*w.settings.timeOf(1) + 5*time.Minute }

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// watched is half while consoles are open; it notes how long the first one took to print something.
func (w *watching) watched(ctx context.Context, s *served, bots *measure.Process, r *round) (h half, err error) {
	var open []*measure.Process
	defer func() {
		for _, p := range open {
			p.Stop()
		}
	}()
	for i, command := range consoles {
		began := time.Now()
		p, err := w.Place().Start(ctx, w.Cores.Load, w.program(), append([]string{"console", "--profile", s.profile, "--door", s.door, "--json", "--every", "1s"}, command...)...)
		if err != nil {
			return h, err
		}
		open = append(open, p)
		if _, err := p.Expect(ctx, `^(\S)`); err != nil {
			return h, err
		}
		if i == 0 {
			r.FirstLineMS = float64(time.Since(began).Microseconds()) / 1000
		}
	}
	if h, err = w.half(ctx, s, bots); err != nil {
		return h, err
	}
	for i, p := range open {
		p.Stop()
		if n := strings.Count(p.Stdout(), "\n}\n"); n < w.settings.Seconds/2 || n == 0 {
			return h, fmt.Errorf("console %s told %d answers in %d s: %s", strings.Join(consoles[i], " "), n, w.settings.Seconds, strings.TrimSpace(p.Stderr()))
		}
	}
	return h, nil
}

// half measures the server for a while, and takes a CPU profile meanwhile: unwatched, too, so that it costs both the same.
func (w *watching) half(ctx context.Context, s *served, bots *measure.Process) (h half, err error) {
	before, err := s.stats(ctx)
	if err != nil {
		return h, err
	}
	var sampler *measure.Sampler
	if runtime.GOOS == "linux" {
		sampler = measure.Watch(ctx, s.PID(), bots.PID(), w.Cores)
		defer sampler.End()
		pause(ctx, 2*measure.SampleEvery) // until it has a sample from before
	}
	begun := time.Now()
	profile, err := s.takeProfile(ctx, w.settings.Seconds)
	if err != nil {
		return h, err
	}
	end := time.Now()
	after, err := s.stats(ctx)
	if err != nil {
		return h, err
	}
	if sampler != nil {
		u, err := sampler.Read(begun, end)
		if err != nil {
			return h, err
		}
		h.ServerShare = u.Server.Seconds() / u.Took.Seconds()
		h.ServerIdle, h.LoadIdle, h.Stolen, h.Others = u.ServerIdle, u.LoadIdle, u.Stolen, u.Others
	}
	h.Ticks, h.Overruns = after.ticks()-before.ticks(), after.Overruns-before.Overruns
	h.P50US, h.P99US = between(before.TickUS, after.TickUS, 0.5), between(before.TickUS, after.TickUS, 0.99)
	if h.Ticks == 0 {
		return h, fmt.Errorf("no tick was made in %d s", w.settings.Seconds)
	}
	byWork, err := samplesBy(profile, "work")
	if err != nil {
		return h, fmt.Errorf("read the profile: %w", err)
	}
	for work, n := range byWork {
		h.Samples += n
		if work == doorWork {
			h.DoorSamples += n
		}
	}
	return h, nil
}

// doorWork is the value of the label "work" that the admin door's goroutines have.
const doorWork = "admin"
