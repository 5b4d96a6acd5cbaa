package quota

import (
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Rate is how often something may be done.
type Rate struct {
	// PerSecond is how often in the long run; zero or less means that there is no bound.
	PerSecond float64
	// Burst is how often at once; zero or less means once.
	Burst int
}

// RatesOf pace what is done, by key: each has a token bucket of its own. Its methods may be called from anywhere.
//
// No more than a given number of keys is known. One more takes the place of that which was unheard of for longest, whose
// next act is its first again: who has more keys than are known is bound by what is bound in all, not here.
type RatesOf[K comparable] struct {
	rate  Rate
	most  int
	mu    sync.Mutex // guards what follows
	known map[K]*pace[K]
	ends  pace[K] // of a ring: next is the one heard of last, prev the one unheard of for longest
}

// Rates are those of addresses.
type Rates = RatesOf[netip.Prefix]

// pace is one key's, in the ring of those that are known.
type pace[K comparable] struct {
	key        K
	bucket     *rate.Limiter
	prev, next *pace[K]
}

// NewRates is NewRatesOf for addresses.
func NewRates(r Rate, most int) *Rates { return NewRatesOf[netip.Prefix](r, most) }

// NewRatesOf knows most keys at once, at least one, each with the same rate. A key takes some 250 bytes.
func NewRatesOf[K comparable](r Rate, most int) *RatesOf[K] {
	r.Burst = max(1, r.Burst)
	rs := &RatesOf[K]{rate: r, most: max(1, most), known: make(map[K]*pace[K])}
	rs.ends.prev, rs.ends.next = &rs.ends, &rs.ends
	return rs
}

// Allow tells whether something may be done now, and counts it as done. Of a key, now must not go backwards for long: it
// gains nothing by it.
func (r *RatesOf[K]) Allow(key K, now time.Time) bool {
	return r.rate.PerSecond <= 0 || r.Bucket(key).AllowN(now, 1)
}

// May tells whether something might be done now, and counts nothing.
func (r *RatesOf[K]) May(key K, now time.Time) bool {
	return r.rate.PerSecond <= 0 || r.Bucket(key).TokensAt(now) >= 1
}

// Charge counts something that was done, also when it was too much: that is owed, and paid off at the key's rate before it
// may do anything again. It is for what is known to count only once it is over: many may have begun while one might.
func (r *RatesOf[K]) Charge(key K, now time.Time) { r.Bucket(key).ReserveN(now, 1) }

// Bucket is a key's own, for those who would rather wait for their turn than be refused. It is not to be kept: it is of
// no consequence once the key is forgotten.
func (r *RatesOf[K]) Bucket(key K) *rate.Limiter {
	r.mu.Lock()
	defer r.mu.Unlock()
	one := r.known[key]
	if one == nil {
		one = r.learn(key)
	} else {
		one.leave()
	}
	one.enter(&r.ends)
	return one.bucket
}

// learn makes a key known. The caller holds mu, and puts it into the ring.
func (r *RatesOf[K]) learn(key K) *pace[K] {
	if len(r.known) >= r.most {
		oldest := r.ends.prev
		oldest.leave()
		delete(r.known, oldest.key)
	}
	limit := rate.Limit(r.rate.PerSecond)
	if r.rate.PerSecond <= 0 {
		limit = rate.Inf
	}
	one := &pace[K]{key: key, bucket: rate.NewLimiter(limit, r.rate.Burst)}
	r.known[key] = one
	return one
}

// Known is how many keys are known.
func (r *RatesOf[K]) Known() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.known)
}

func (p *pace[K]) leave() { p.prev.next, p.next.prev = p.next, p.prev }

// enter puts it behind ends, where the one is that was heard of last.
func (p *pace[K]) enter(ends *pace[K]) {
	p.prev, p.next = ends, ends.next
	p.prev.next, p.next.prev = p, p
}
