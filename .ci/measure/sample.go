package measure

import (
	"context"
	"fmt"
	"math"
	"os"
	"sync"
	"time"
)

// SampleEvery is how often the kernel's accounts are read while something is measured. Processor times between two
// samples are taken to be in proportion.
const SampleEvery = 100 * time.Millisecond

// sample is what the kernel says at a moment.
type sample struct {
	at       time.Time
	server   time.Duration // processor time
	load     time.Duration
	resident int64 // the server's memory, in bytes
	cores    map[int]coreTimes
}

// Sampler reads the kernel's accounts of two processes. Both programs that are compared are measured with it, from
// outside and over the time that the load says it measured.
type Sampler struct {
	server, load int   // process ids; zero for none
	cores        Cores // those that they run on
	samples      []sample
	onServer     yardsticks // of the server's core, each set when its taker has ended
	onLoad       yardsticks
	err          error
	stop         context.CancelFunc
	work         sync.WaitGroup
}

// Watch samples until Read or End is called.
func Watch(ctx context.Context, server, load int, on Cores) *Sampler {
	ctx, stop := context.WithCancel(ctx)
	s := &Sampler{server: server, load: load, cores: on, stop: stop}
	s.work.Go(func() {
		defer on.pinThread(on.Load)() // it must not disturb the server
		for ctx.Err() == nil {
			s.look()
			select {
			case <-ctx.Done():
			case <-time.After(SampleEvery):
			}
		}
	})
	if on.Pinned {
		s.work.Go(func() { s.onServer = on.takeYardsticks(ctx, on.Server, math.MaxInt) })
		s.work.Go(func() { s.onLoad = on.takeYardsticks(ctx, on.Load, math.MaxInt) })
	}
	return s
}

func (s *Sampler) look() {
	var now sample
	now.at = time.Now()
	var ok [2]bool
	now.server, ok[0] = s.processTime(s.server)
	now.load, ok[1] = s.processTime(s.load)
	if !ok[0] || !ok[1] {
		return // it has ended
	}
	if s.server > 0 {
		now.resident = ResidentOf(s.server)
	}
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		s.err = err
		return
	}
	now.cores = parseCores(string(text))
	s.samples = append(s.samples, now)
}

func (s *Sampler) processTime(pid int) (time.Duration, bool) {
	if pid == 0 {
		return 0, true
	}
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, false
	}
	t, err := parseProcess(string(text))
	if err != nil {
		s.err = err
	}
	return t, err == nil
}

// ResidentOf is the memory of a process in bytes; zero when it is not known.
func ResidentOf(pid int) int64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	return parseResident(string(text))
}

// Usage is what was used in a time, which it says: processor time of both, the server's memory at the end, and shares of
// the cores' time from 0 to 1.
type Usage struct {
	Took                 time.Duration
	Server, Load         time.Duration
	Resident             int64
	ServerIdle, LoadIdle float64
	Stolen, Others       float64 // of either core, the larger one: what the hypervisor took, and what other programs did

	// What the yardstick took on each core, which tells how fast that was; zero when they are not pinned.
	ServerYardstick, LoadYardstick time.Duration
}

// End ends the sampling. Doing so twice is harmless.
func (s *Sampler) End() {
	s.stop()
	s.work.Wait()
}

// Read ends the sampling and tells what was used from begin to end, or to the latest sample.
func (s *Sampler) Read(begin, end time.Time) (u Usage, err error) {
	s.End()
	if s.err != nil {
		return u, fmt.Errorf("read the kernel's accounts: %w", s.err)
	}
	u, err = usageOf(s.samples, begin, end, s.cores)
	u.ServerYardstick, u.LoadYardstick = s.onServer.between(begin, end), s.onLoad.between(begin, end)
	return u, err
}

func usageOf(samples []sample, begin, end time.Time, on Cores) (u Usage, err error) {
	if n := len(samples); n > 0 && samples[n-1].at.Before(end) {
		end = samples[n-1].at // a process ended before the next
	}
	if u.Took = end.Sub(begin); len(samples) < 2 || samples[0].at.After(begin) || u.Took <= 0 {
		return u, fmt.Errorf("the kernel's accounts were not read from %v to %v", begin, end)
	}
	cpu := func(of func(sample) time.Duration) time.Duration {
		return valueAt(samples, end, of) - valueAt(samples, begin, of)
	}
	u.Server = cpu(func(s sample) time.Duration { return s.server })
	u.Load = cpu(func(s sample) time.Duration { return s.load })
	share := func(core int, of func(coreTimes) time.Duration) float64 {
		all := cpu(func(s sample) time.Duration { return s.cores[core].all })
		if all <= 0 {
			return 0
		}
		return float64(cpu(func(s sample) time.Duration { return of(s.cores[core]) })) / float64(all)
	}
	idle := func(t coreTimes) time.Duration { return t.idle }
	stolen := func(t coreTimes) time.Duration { return t.stolen }
	u.ServerIdle, u.LoadIdle = share(on.Server, idle), share(on.Load, idle)
	u.Stolen = max(share(on.Server, stolen), share(on.Load, stolen))
	if on.Pinned {
		u.Others = max(0, 1-u.ServerIdle-share(on.Server, stolen)-u.Server.Seconds()/u.Took.Seconds(),
			1-u.LoadIdle-share(on.Load, stolen)-u.Load.Seconds()/u.Took.Seconds())
	}
	for _, s := range samples {
		if !s.at.After(end) {
			u.Resident = s.resident
		}
	}
	return u, nil
}

// valueAt is what something was at a moment, in proportion between the samples around it.
func valueAt(samples []sample, at time.Time, of func(sample) time.Duration) time.Duration {
	before := samples[0]
	for _, after := range samples[1:] {
		if after.at.Before(at) {
			before = after
			continue
		}
		share := float64(at.Sub(before.at)) / float64(after.at.Sub(before.at))
		return of(before) + time.Duration(share*float64(of(after)-of(before)))
	}
	return of(samples[len(samples)-1])
}
