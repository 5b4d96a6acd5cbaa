package transport

import "github.com/quicstep/quicstep/protocol/ride"

// Fetch has the processor load what SendDatagram will read of some connections, as replicate.Fetch does with clients. Whoever calls
// it is the one who sends, on all of them. The sum that it returns means nothing: without it, nothing would be loaded.
func Fetch(conns []*Conn) (sum uint64) {
	for _, c := range conns {
		sum += uint64(c.moves.until)
	}
	for _, c := range conns {
		if r, ok := c.datagrams.(*ride.Conn); ok {
			sum += r.Fetch()
		}
	}
	for _, c := range conns {
		if r, ok := c.datagrams.(*ride.Conn); ok {
			sum += r.FetchStream()
		}
	}
	return sum
}
