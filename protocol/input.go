package protocol

import (
	"math"

	"github.com/quicstep/quicstep/protocol/schema"
)

// Input is each datagram from client to server (docs/protocol.md §6): what was received, and what the player
// asks for.
type Input struct {
	// Epoch is that of the client's replica, 0 to MaxEpoch.
	Epoch uint8
	// HasAck tells whether any datagram of the epoch was received yet.
	HasAck bool
	// Newest is the highest sequence number received. 14 bits travel.
	Newest uint64
	// Missing has bit i set when datagram Newest-1-i was not received, or not read.
	Missing uint64
	// Tick is the tick that the first of Inputs is for; each further one is for the tick before. 14 bits
	// travel. Without inputs it means nothing.
	Tick uint64
	// Count is how many of Inputs there are, at most InputsPerDatagram; zero only acknowledges.
	Count int
	// Inputs are rows of the schema's input as its owner sees it, the newest first.
	Inputs [InputsPerDatagram][]byte
}

const flagHasAck = 1 << 0

// AppendInput writes an input datagram.
func AppendInput(dst []byte, in *Input) []byte {
	var flags byte
	if in.HasAck {
		flags |= flagHasAck
	}
	newest, tick := Short(in.Newest), Short(in.Tick)
	dst = append(dst, byte(DatagramInput), in.Epoch&0x7f, flags, byte(newest>>7), byte(newest&0x7f))
	dst = appendUint(dst, in.Missing)
	dst = append(dst, byte(tick>>7), byte(tick&0x7f), byte(in.Count))
	for _, data := range in.Inputs[:in.Count] {
		dst = append(dst, data...)
	}
	return dst
}

// ParseInput reads an input datagram into in; its Inputs lie within b, each checked against the fields'
// ranges. Newest and Tick are as short as they travel. The error is a *RejectError.
func ParseInput(b []byte, s *schema.Schema, in *Input) error {
	c, err := openDatagram(b, DatagramInput, "input")
	if err != nil {
		return err
	}
	*in = Input{Epoch: uint8(c.limbs(1))}
	in.HasAck = c.limbs(1)&flagHasAck != 0
	in.Newest = c.limbs(2)
	in.Missing = c.uint(math.MaxUint64)
	in.Tick = c.limbs(2)
	count := c.limbs(1)
	if c.reject == 0 && count > InputsPerDatagram {
		return rejectf(TooManyInputs, "a datagram has %d inputs, at most %d are possible: send the newest ones", count, InputsPerDatagram)
	}
	var words [schema.MaxColumns]uint32
	var texts []string
	if s.Input.Texts > 0 {
		texts = make([]string, s.Input.Texts)
	}
	for i := range int(count) {
		if c.reject != 0 {
			break
		}
		n, err := s.Input.ParseRow(b[c.at:], schema.Own, s.Input.FullMask(schema.Own), words[:], texts)
		if err != nil {
			c.fail(rejectOfRow(err))
			break
		}
		if s.Input.CheckRange(schema.Own, words[:]) != nil {
			return rejectf(InputOutOfRange, "input %d of a datagram has a field outside of its range: clamp it before sending", i)
		}
		in.Inputs[i] = b[c.at : c.at+n : c.at+n]
		c.at += n
	}
	if c.reject == 0 && c.at < len(b) {
		c.reject = TrailingBytes
	}
	if c.reject != 0 {
		return rejectf(c.reject, "an input datagram of %d bytes can't be read to its end: client and server must have the same schema", len(b))
	}
	in.Count = int(count)
	return nil
}
