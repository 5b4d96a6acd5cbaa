package server

import (
	"time"

	"github.com/quicstep/quicstep/server/replicate"
)

// pathEvery is how often a connection is asked about its path.
const pathEvery = 250 * time.Millisecond

// path is what the connection knows of the way to the client, a few times a second, and no news otherwise.
func (s *session) path(now time.Time) replicate.Path {
	if now.Sub(s.pathAsked) < pathEvery {
		return replicate.Path{}
	}
	s.pathAsked = now
	known := s.conn.Stats()
	return replicate.Path{
		WindowBytes: known.CongestionWindowBytes, RTT: known.SmoothedRTT,
		SentPackets: known.SentPackets, LostPackets: known.LostPackets,
	}
}
