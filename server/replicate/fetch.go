package replicate

const (
	// entriesPerLine is how many entries a processor loads at a time, 64 bytes.
	entriesPerLine = 4
	// fetchedMost is how many entries of a table are fetched: those after them come by themselves to who reads one after the other,
	// and eight clients' would not stay in the cache.
	fetchedMost = 256
)

// Fetch has the processor load what the next passes of some clients will read. Between two passes of a client so much else is
// done that none of it is in a cache: a pass would wait for one line after the other, while here the processor waits for many at
// once, since none depends on another. Whoever calls it has the turn of all of them. The sum that it returns means nothing: without
// it, nothing would be loaded.
func Fetch(clients []*Client) (sum uint64) {
	for _, c := range clients {
		sum += c.nextSeq + c.lastPass + c.ring.newer + uint64(c.order.tick) + uint64(c.pace.sentTick) + uint64(len(c.events))
	}
	for _, c := range clients {
		r := &c.ring
		sum += c.sectionBytes[0].Load()
		sum += r.slots[r.newer%ringSlots].seq + r.slots[(r.newer-1)%ringSlots].seq
		if len(r.refs) > 0 {
			sum += uint64(r.refs[(r.head-1)&uint64(len(r.refs)-1)])
		}
		for i := range c.tables {
			t := &c.tables[i]
			sum += uint64(len(t.entries)) + uint64(t.ownClean) + uint64(t.leaveR)
		}
	}
	for _, c := range clients {
		for i := range c.tables {
			entries := c.tables[i].entries
			for at := 0; at < min(len(entries), fetchedMost); at += entriesPerLine {
				sum += uint64(entries[at].key)
			}
		}
	}
	return sum
}
