package bots

import (
	"container/heap"
	"math/rand/v2"
	"net"
	"sync"
	"time"
)

const (
	// laneMax is how many packets may be under way in one direction; those that find it full are dropped.
	laneMax = 4096
	// packetBytesMax is the longest packet that is read whole.
	packetBytesMax = 2048
)

// lane is one direction of an impaired network: its chances, and the packets that wait. The conn's mutex guards it.
type lane struct {
	loss, duplicate, reorder float64
	delay, jitter            time.Duration // one way
	chances                  *rand.Rand
	waiting                  packetHeap
	queued                   int // waiting, or due and not yet taken
	seq                      uint64
}

func newLane(i Impairment, delay time.Duration, chances rand.Source) lane {
	return lane{
		loss:      i.Loss,
		duplicate: i.Duplicate,
		reorder:   i.Reorder,
		delay:     delay,
		jitter:    i.Jitter / 2,
		chances:   rand.New(chances),
	}
}

// chance draws; a share of zero costs nothing.
func (l *lane) chance(share float64) bool {
	return share > 0 && l.chances.Float64() < share
}

// copies draws how often a packet comes: never, once or twice.
func (l *lane) copies(stats *ImpairedStats) int {
	stats.Packets++
	if l.chance(l.loss) {
		stats.Lost++
		return 0
	}
	if l.chance(l.duplicate) {
		stats.Duplicated++
		return 2
	}
	return 1
}

// wait draws how long a packet takes, zero or more.
func (l *lane) wait(stats *ImpairedStats) time.Duration {
	d := l.delay
	if l.jitter > 0 {
		d = max(0, d-l.jitter+time.Duration(l.chances.Int64N(int64(2*l.jitter+1))))
	}
	if l.chance(l.reorder) {
		stats.Reordered++
		d += reorderHold
	}
	return d
}

// reserve takes a place for a packet, if there is one.
func (l *lane) reserve(stats *ImpairedStats) bool {
	if l.queued >= laneMax {
		stats.Overflowed++
		return false
	}
	l.queued++
	return true
}

// put lets a packet wait, and tells whether it is now the next one.
func (l *lane) put(p *packet, due time.Time) bool {
	l.seq++
	p.due, p.seq = due, l.seq
	heap.Push(&l.waiting, p)
	return l.waiting[0] == p
}

// due takes the next packet that has waited long enough, or just the next one for all; nil when there is none.
func (l *lane) due(now time.Time, all bool) *packet {
	if len(l.waiting) == 0 || !all && l.waiting[0].due.After(now) {
		return nil
	}
	return heap.Pop(&l.waiting).(*packet)
}

// next is when the next packet is due; zero when none waits.
func (l *lane) next() time.Time {
	if len(l.waiting) == 0 {
		return time.Time{}
	}
	return l.waiting[0].due
}

// packet is one on its way.
type packet struct {
	bytes []byte
	addr  net.Addr
	due   time.Time
	seq   uint64  // tells apart those that are due at the same moment
	after *packet // in a fifo
}

var packets = sync.Pool{New: func() any { return &packet{bytes: make([]byte, 0, packetBytesMax)} }}

// newPacket gives an empty packet with space for packetBytesMax; its holder frees it.
func newPacket() *packet { return packets.Get().(*packet) }

func (p *packet) free() {
	*p = packet{bytes: p.bytes[:0]}
	packets.Put(p)
}

// packetHeap has the packet that is due first at the top.
type packetHeap []*packet

func (h packetHeap) Len() int { return len(h) }

func (h packetHeap) Less(i, j int) bool {
	if h[i].due.Equal(h[j].due) {
		return h[i].seq < h[j].seq
	}
	return h[i].due.Before(h[j].due)
}

func (h packetHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }

func (h *packetHeap) Push(x any) { *h = append(*h, x.(*packet)) }

func (h *packetHeap) Pop() any {
	last := len(*h) - 1
	p := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	return p
}

// fifo is packets in order; the zero value is empty.
type fifo struct {
	first, last *packet
}

func (f *fifo) push(p *packet) {
	p.after = nil
	if f.first == nil {
		f.first = p
	} else {
		f.last.after = p
	}
	f.last = p
}

// pop takes the first packet; nil when there is none.
func (f *fifo) pop() *packet {
	p := f.first
	if p != nil {
		f.first, p.after = p.after, nil
	}
	return p
}
