package transport

import "github.com/quicstep/quicstep/protocol/ride"

// Fetch has the processor load what SendDatagram will read of some connections, as replicate.Fetch does with clients. Whoever calls
// it is the one who sends, on all of them. The sum that it returns means nothing: without it, nothing would be loaded.
func Fetch(conns []*Conn) (sum uint64) {
	for _, c := range conns {
		sum += uint64(c.moves.until)
	}
	for _, c := range conns {
		if r := c.ride(); r != nil {
			sum += r.Fetch()
		}
	}
	for _, c := range conns {
		if r := c.ride(); r != nil {
			sum += r.FetchStream()
		}
	}
	return sum
}

// ride is what the connection's sender sends with; nil when that is something else, or somebody else's, see impaired.
func (c *Conn) ride() *ride.Conn {
	r, _ := c.datagrams.(*ride.Conn)
	if c.impaired.Load() != nil {
		return nil
	}
	return r
}
