package auth

import (
	"container/heap"
	"crypto/sha256"
	"sync"
	"time"
)

// used remembers the tokens that have let somebody in, until they would not any more.
type used struct {
	most int
	mu   sync.Mutex // guards what follows
	ids  map[[sha256.Size]byte]struct{}
	ends endHeap // of the same, the soonest first
}

// usedEnd is when a token need not be remembered any more.
type usedEnd struct {
	unix int64
	id   [sha256.Size]byte
}

func newUsed(most int) *used { return &used{most: most, ids: map[[sha256.Size]byte]struct{}{}} }

// use notes a token that is good until then. The error is a *server.Denial: it was noted before, or there is no space.
func (u *used) use(id string, until, now time.Time) error {
	sum := sha256.Sum256([]byte(id)) // so that all take the same space
	u.mu.Lock()
	defer u.mu.Unlock()
	for len(u.ends) > 0 && u.ends[0].unix < now.Unix() {
		delete(u.ids, heap.Pop(&u.ends).(usedEnd).id)
	}
	if _, again := u.ids[sum]; again {
		return denyUsed
	}
	if len(u.ids) >= u.most {
		return denyUsedFull
	}
	u.ids[sum] = struct{}{}
	heap.Push(&u.ends, usedEnd{until.Unix(), sum})
	return nil
}

// endHeap is a heap.Interface.
type endHeap []usedEnd

func (h endHeap) Len() int           { return len(h) }
func (h endHeap) Less(i, j int) bool { return h[i].unix < h[j].unix }
func (h endHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *endHeap) Push(x any)        { *h = append(*h, x.(usedEnd)) }
func (h *endHeap) Pop() any {
	last := len(*h) - 1
	out := (*h)[last]
	*h = (*h)[:last]
	return out
}
