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

// Rates pace what is done, by key: each has a token bucket of its own. Its methods may be called from anywhere.
//
// No more than a given number of keys is known. One more takes the place of that which was unheard of for longest, whose
// next act is its first again: who has more keys than are known is bound by what is bound in all, not here.
type Rates struct {
	rate  Rate
	most  int
	mu    sync.Mutex // guards what follows
	known map[netip.Prefix]*pace
	ends  pace // of a ring: next is the one heard of last, prev the one unheard of for longest
}

// pace is one key's, in the ring of those that are known.
type pace struct {
	key        netip.Prefix
	bucket     *rate.Limiter
	prev, next *pace
}

// NewRates knows most keys at once, at least one, each with the same rate. A key takes some 250 bytes.
func NewRates(r Rate, most int) *Rates {
	r.Burst = max(1, r.Burst)
	rs := &Rates{rate: r, most: max(1, most), known: make(map[netip.Prefix]*pace)}
	rs.ends.prev, rs.ends.next = &rs.ends, &rs.ends
	return rs
}

// Allow tells whether something may be done now, and counts it as done. Of a key, now must not go backwards for long: it
// gains nothing by it.
func (r *Rates) Allow(key netip.Prefix, now time.Time) bool {
	return r.rate.PerSecond <= 0 || r.Bucket(key).AllowN(now, 1)
}

// May tells whether something might be done now, and counts nothing.
func (r *Rates) May(key netip.Prefix, now time.Time) bool {
	return r.rate.PerSecond <= 0 || r.Bucket(key).TokensAt(now) >= 1
}

// Charge counts something that was done, also when it was too much: that is owed, and paid off at the key's rate before it
// may do anything again. It is for what is known to count only once it is over: many may have begun while one might.
func (r *Rates) Charge(key netip.Prefix, now time.Time) { r.Bucket(key).ReserveN(now, 1) }

// Bucket is a key's own, for those who would rather wait for their turn than be refused. It is not to be kept: it is of
// no consequence once the key is forgotten.
func (r *Rates) Bucket(key netip.Prefix) *rate.Limiter {
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
func (r *Rates) learn(key netip.Prefix) *pace {
	if len(r.known) >= r.most {
		oldest := r.ends.prev
		oldest.leave()
		delete(r.known, oldest.key)
	}
	limit := rate.Limit(r.rate.PerSecond)
	if r.rate.PerSecond <= 0 {
		limit = rate.Inf
	}
	one := &pace{key: key, bucket: rate.NewLimiter(limit, r.rate.Burst)}
	r.known[key] = one
	return one
}

// Known is how many keys are known.
func (r *Rates) Known() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.known)
}

func (p *pace) leave() { p.prev.next, p.next.prev = p.next, p.prev }

// enter puts it behind ends, where the one is that was heard of last.
func (p *pace) enter(ends *pace) {
	p.prev, p.next = ends, ends.next
	p.prev.next, p.next.prev = p, p
}
