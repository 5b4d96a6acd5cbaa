package quota

import (
	"net/netip"
	"sync"
)

// CountsOf bound how much each key may have at once. Its methods may be called from anywhere. It knows the keys that have
// something, so that its memory is bounded by whatever bounds what all of them have.
type CountsOf[K comparable] struct {
	most int
	mu   sync.Mutex // guards what follows
	has  map[K]int
}

// Counts are those of addresses.
type Counts = CountsOf[netip.Prefix]

// NewCounts bounds what each address may have; zero or less means that there is no bound.
func NewCounts(most int) *Counts { return NewCountsOf[netip.Prefix](most) }

// NewCountsOf is NewCounts for keys of another kind.
func NewCountsOf[K comparable](most int) *CountsOf[K] {
	return &CountsOf[K]{most: most, has: make(map[K]int)}
}

// Take takes one for a key. It returns false, and takes nothing, when the key has as many as it may.
func (c *CountsOf[K]) Take(key K) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.most > 0 && c.has[key] >= c.most {
		return false
	}
	c.has[key]++
	return true
}

// Give gives back what one Take has taken. Of a key that has nothing it does nothing.
func (c *CountsOf[K]) Give(key K) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch n := c.has[key]; {
	case n > 1:
		c.has[key] = n - 1
	case n == 1:
		delete(c.has, key)
	}
}

// Of is how many a key has.
func (c *CountsOf[K]) Of(key K) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.has[key]
}

// Known is how many keys have something.
func (c *CountsOf[K]) Known() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.has)
}
