package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/quicstep/quicstep/examples/arena"
	"github.com/quicstep/quicstep/protocol/schema"
	"github.com/quicstep/quicstep/world"
)

const (
	// sampleEvery is how often the server's figures are read.
	sampleEvery = time.Second
	// collectEvery is how often garbage is collected before: those figures tell how memory grows.
	collectEvery = 5 * time.Second
	// spare is how much longer than its timeouts the server may take until everybody is gone.
	spare = 30 * time.Second
	// settleLook is how often it is looked whether everybody has gone.
	settleLook = 200 * time.Millisecond
	// codesMost bounds the codes of private rooms that are remembered.
	codesMost = 16
)

// soaking is one run.
type soaking struct {
	settings
	game   *arena.Arena
	schema *schema.Schema
	server *process
	began  time.Time
	ledger ledger

	mu    sync.Mutex // guards what follows
	codes []string   // of private rooms, which may have ended
}

// outcome is what a run has found, as soak.json has it.
type outcome struct {
	Settings settings
	Begun    time.Time
	Samples  []sample         // of the second round
	Start    figures          // when everybody had gone after the first round
	Peak     figures          // when the second round ended
	End      figures          // when everybody had gone after it
	Bots     map[string]int64 // what they and the operator did, by the ledger's names
	Notes    []string
	RSS      *slope // of the second round, in bytes per second; nil when there are too few samples
	Log      []string
	Stop     string // what the server's end was like; empty for a good one
	Checks   []check
}

// soak runs, prints what comes of it, and leaves the files. The error says that a check does not hold.
func soak(ctx context.Context, s settings) error {
	folder, err := filepath.Abs(s.Folder)
	if err != nil {
		return err
	}
	s.Folder = folder
	if err := os.MkdirAll(s.Folder, 0o700); err != nil {
		return err
	}
	os.Setenv("QUIC_GO_DISABLE_RECEIVE_BUFFER_WARNING", "true") // a line has none
	r := &soaking{settings: s, game: arena.New(arena.Config{}), began: time.Now()}
	if r.schema, err = world.SchemaOf(r.game); err != nil {
		return err
	}
	if r.server, err = startServer(ctx, s); err != nil {
		return err
	}
	fmt.Fprintf(s.Out, "%d bots for %v, in for %v each on average: some %.0f joins a minute; seed %d\n",
		s.Bots, s.Time, s.Stint, float64(s.Bots)*60/(s.Stint+s.Stint/8).Seconds(), s.Seed)
	o := &outcome{Settings: s, Begun: r.began}
	err = r.play(ctx, o)
	if stopped := r.server.stop(); stopped != nil {
		o.Stop = stopped.Error()
	}
	if err != nil {
		return errors.Join(err, errors.New(o.Stop))
	}
	o.Bots, o.Notes = r.ledger.read()
	log := r.server.Stderr()
	o.Log = troubles(log)
	o.judge()
	return errors.Join(o.publish(s.Folder, log, s.Out), o.failure())
}

// play is both rounds.
func (r *soaking) play(ctx context.Context, o *outcome) (err error) {
	if o.Start, _, err = r.round(ctx, r.Warmup, nil, nil); err != nil {
		return fmt.Errorf("the warm-up: %w", err)
	}
	fmt.Fprintln(r.Out, "warm: "+o.Start.line())
	o.End, o.Peak, err = r.round(ctx, r.Time, &o.Start, &o.Samples)
	return err
}

// round lets everybody live for a time and leave. It returns the figures when all have gone, and before they left. The second
// round has those after the first, warm.
func (r *soaking) round(ctx context.Context, d time.Duration, warm *figures, samples *[]sample) (end, peak figures, err error) {
	living, stop := context.WithTimeout(ctx, d)
	defer stop()
	var life sync.WaitGroup
	for n := range r.Bots {
		life.Go(func() { newBot(r, n).live(living) })
	}
	life.Go(func() { r.operate(living) })
	err = r.watch(living, samples)
	peak, peakErr := r.server.stats(ctx)
	stop()
	life.Wait()
	if err = errors.Join(err, peakErr, ctx.Err()); err != nil {
		return end, peak, err
	}
	end, err = r.settle(ctx, warm)
	return end, peak, err
}

// watch samples the server's figures, and prints them now and then, until ctx ends.
func (r *soaking) watch(ctx context.Context, samples *[]sample) (err error) {
	ticker := time.NewTicker(sampleEvery)
	defer ticker.Stop()
	began, printed, collected := time.Now(), time.Now(), time.Now()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
		collect := time.Since(collected) >= collectEvery
		if collect {
			collected = time.Now()
			err = r.server.collect(ctx)
		}
		var f figures
		if err == nil {
			f, err = r.server.stats(ctx)
		}
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		if samples != nil {
			*samples = append(*samples, sampleOf(&f, time.Since(began)))
			(*samples)[len(*samples)-1].Collected = collect
		}
		if time.Since(printed) >= r.Report {
			printed = time.Now()
			if _, err := r.server.ask(ctx, "GET", r.server.metrics); err != nil && ctx.Err() == nil {
				return err
			}
			fmt.Fprintf(r.Out, "%5.0fs  %s\n", time.Since(r.began).Seconds(), f.line())
		}
	}
}

// settle waits until holds have expired and rooms have closed, has the garbage collected, and returns the figures then. When
// somebody stays, they are those at the end of the server's patience: the checks say what is wrong.
// After the second round it has patience for what is still there beyond warm, the figures after the first.
func (r *soaking) settle(ctx context.Context, warm *figures) (f figures, err error) {
	timed, cancel := context.WithTimeout(ctx, r.Idle+r.Hold+r.Empty+spare)
	defer cancel()
	still := time.Duration(0)            // for how long goroutines and files have stayed as they are
	r.server.http.CloseIdleConnections() // that for metrics; the figures have another one from now on
	for still < r.Settle && timed.Err() == nil {
		pause(timed, settleLook)
		former := f
		if f, err = r.server.stats(ctx); err != nil {
			return f, err
		}
		still += settleLook
		late := warm != nil && (f.Goroutines > warm.Goroutines || f.FDs > warm.FDs)
		if late || !f.over() || f.Goroutines != former.Goroutines || f.FDs != former.FDs {
			still = 0
		}
	}
	if err = r.server.collect(ctx); err != nil {
		return f, err
	}
	f, err = r.server.stats(ctx)
	return f, errors.Join(err, ctx.Err())
}

// line is the figures in one line.
func (f *figures) line() string {
	return fmt.Sprintf("RSS %.1f MB, heap %.1f MB, %d goroutines, %d fds; %d rooms, %d players, %d held; joined %d, left %d, lost %d, expelled %d, resumed %d; rooms %d; diverged %d",
		float64(f.RSS)/1e6, float64(f.Heap)/1e6, f.Goroutines, f.FDs, f.Rooms, f.Players, f.Held, f.Joined, f.Left, f.Lost, f.Expelled, f.Resumed, f.RoomsOpened, f.Diverged)
}

// offer has others join a private room.
func (r *soaking) offer(code string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.codes = append(r.codes, code); len(r.codes) > codesMost {
		r.codes = r.codes[1:]
	}
}

// code is one of a private room, which may have ended; one of nobody's while there is none.
func (r *soaking) code(chance *rand.Rand) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.codes) == 0 {
		return "NOBODYS2"
	}
	return r.codes[chance.IntN(len(r.codes))]
}
