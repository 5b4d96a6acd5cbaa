package protocol

import "fmt"

// Resync is a client's request for a new epoch (docs/protocol.md §4, §7): it was sent a part of an entity that
// it does not have, which can't happen, so its replica is not to be trusted. The server forgets what the client
// knows and sends everything anew, in the next epoch.
type Resync struct {
	// Epoch is the epoch that the client gives up, 0 to MaxEpoch. A server that is past it has done what is
	// asked and ignores the message.
	Epoch uint8
}

// AppendResync appends the message, not yet framed, to dst. It refuses an epoch above MaxEpoch with a
// RejectError and returns dst as it was.
func AppendResync(dst []byte, m Resync) ([]byte, error) {
	start := len(dst)
	dst = appendUint(appendHead(dst, KindResync, 2), uint64(m.Epoch))
	if _, err := ParseResync(dst[start:]); err != nil {
		return dst[:start], fmt.Errorf("append resync: %w", err)
	}
	return dst, nil
}

// ParseResync reads a client's resync from a frame's content. The errors are RejectErrors.
func ParseResync(b []byte) (Resync, error) {
	r := openMessage(b, KindResync)
	r.checkForm(MaxHelloFrame)
	m := Resync{Epoch: uint8(r.uint("epoch", MaxEpoch))}
	if r.err != nil {
		return Resync{}, r.err
	}
	return m, nil
}
