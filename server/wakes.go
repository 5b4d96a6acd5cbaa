package server

import "sync/atomic"

// wakesKept is of how many of a room's latest late wake-ups it is known when they came.
const wakesKept = 16

// lateWakes are wake-ups that came late to a room that was waiting, and so not for its own ticks. The loop adds, anyone
// reads, and nobody takes a lock.
type lateWakes struct {
	count  atomic.Uint64
	latest [wakesKept]atomic.Uint64 // by count: the first tick after it; zero for none
}

// add notes one that came after a tick.
func (w *lateWakes) add(tick uint64) {
	w.latest[w.count.Load()%wakesKept].Store(tick + 1)
	w.count.Add(1)
}

// since counts those that a tick, from 1 on, or one after it had to wait for, among the latest wakesKept.
func (w *lateWakes) since(tick uint64) (n int) {
	for i := range w.latest {
		if w.latest[i].Load() >= tick {
			n++
		}
	}
	return n
}
