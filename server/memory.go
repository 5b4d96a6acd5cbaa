package server

import (
	"context"
	"runtime/metrics"
	"sync/atomic"
	"time"

	"github.com/quicstep/quicstep/protocol"
)

const (
	// memoryFull is the part of Config.MemoryBytes above which nobody new is let in: those who are in have the rest, the rooms
	// that were made last still grow into theirs, and the collector has space, without which it takes the processors.
	memoryFull = 0.7
	// memoryEvery is how often the memory is looked at.
	memoryEvery = 250 * time.Millisecond
)

// memory is what the process uses, as it was a moment ago.
type memory struct {
	bound atomic.Uint64 // zero is none; New stores
	used  atomic.Uint64 // zero while there is no bound
}

// watch looks at the memory until ctx ends. It does nothing when there is no bound.
func (m *memory) watch(ctx context.Context) {
	if m.bound.Load() == 0 {
		return
	}
	samples := memorySamples()
	again := time.NewTicker(memoryEvery)
	defer again.Stop()
	for {
		m.used.Store(memoryUsed(samples))
		select {
		case <-again.C:
		case <-ctx.Done():
			return
		}
	}
}

func (m *memory) full() bool {
	bound := m.bound.Load()
	return bound > 0 && float64(m.used.Load()) > memoryFull*float64(bound)
}

// Of the runtime's figures, in the order in which memoryUsed takes them.
func memorySamples() []metrics.Sample {
	return []metrics.Sample{
		{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}, {Name: "/memory/classes/heap/free:bytes"},
		{Name: "/memory/classes/heap/objects:bytes"}, {Name: "/gc/heap/live:bytes"},
	}
}

// memoryUsed is what the process has of the system and could not give back: without what is free, and without the objects
// that nothing had reached at the latest collection or that came since then. A bound on all of it would be met by garbage.
func memoryUsed(samples []metrics.Sample) uint64 {
	metrics.Read(samples)
	total, released, free := samples[0].Value.Uint64(), samples[1].Value.Uint64(), samples[2].Value.Uint64()
	objects, live := samples[3].Value.Uint64(), samples[4].Value.Uint64()
	return total - released - free - (objects - min(objects, live))
}

// noMemory tells a newcomer that the memory is used up; nil while it is not.
func (s *Server) noMemory() *refusal {
	if !s.memory.full() {
		return nil
	}
	s.counters.refusedMemory.Add(1)
	return &refusal{protocol.CloseFull, "the server has no memory for more players: try later"}
}
