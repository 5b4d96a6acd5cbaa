package protocol

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/vmihailenco/msgpack/v5/msgpcode"
)

// ErrNeedMore is returned while a frame has not arrived in full. It is no rejection: read on and ask again.
var ErrNeedMore = errors.New("protocol: the frame has not arrived in full")

// AppendFrame appends message, as one stream frame, to dst: a msgpack bin in its shortest form
// (docs/protocol.md §3). It panics when message is longer than MaxFrame, which no message of this package is.
func AppendFrame(dst, message []byte) []byte {
	if len(message) > MaxFrame {
		panic(fmt.Sprintf("protocol: frame of %d bytes, at most %d", len(message), MaxFrame))
	}
	return appendBin(dst, message)
}

// ParseFrameHeader reads the header of the frame that b starts with: its length in bytes (2, 3 or 5) and the
// size of the message that follows it, 0 to MaxFrame.
//
// It can be called with the first byte alone and with each byte that comes. While there are too few it returns
// ErrNeedMore, and headerLen is how many the header will have at least. A first byte that is no bin is
// WrongType, a size above MaxFrame is Oversized.
func ParseFrameHeader(b []byte) (headerLen, size int, err error) {
	if len(b) == 0 {
		return 2, 0, ErrNeedMore
	}
	var announced uint32
	switch b[0] {
	case msgpcode.Bin8:
		headerLen = 2
	case msgpcode.Bin16:
		headerLen = 3
	case msgpcode.Bin32:
		headerLen = MaxFrameHeader
	default:
		return 0, 0, rejectf(WrongType, "a frame starts with byte %02x: wrap each message in a msgpack bin (c4, c5 or c6)", b[0])
	}
	if len(b) < headerLen {
		return headerLen, 0, ErrNeedMore
	}
	switch headerLen {
	case 2:
		announced = uint32(b[1])
	case 3:
		announced = uint32(binary.BigEndian.Uint16(b[1:]))
	default:
		announced = binary.BigEndian.Uint32(b[1:])
	}
	if announced > MaxFrame {
		return 0, 0, oversizedFrame(announced, MaxFrame)
	}
	return headerLen, int(announced), nil
}

// SplitFrame cuts the first frame from b and returns the message in it and what follows; both share b's
// memory. max is the most bytes that a message may have from this peer: MaxHelloFrame from a client, MaxFrame
// from a server.
//
// It returns ErrNeedMore, with b as the rest, while the frame has not arrived in full. A frame that is too
// large is refused as Oversized as soon as its header is here, so that nobody waits or allocates for it; a
// first byte that is no bin is WrongType.
func SplitFrame(b []byte, max int) (message, rest []byte, err error) {
	headerLen, size, err := ParseFrameHeader(b)
	if err != nil {
		return nil, b, err
	}
	if size > max {
		return nil, b, oversizedFrame(uint32(size), max)
	}
	end := headerLen + size
	if len(b) < end {
		return nil, b, ErrNeedMore
	}
	return b[headerLen:end:end], b[end:], nil
}

func oversizedFrame(size uint32, max int) error {
	return rejectf(Oversized, "a frame of %d bytes, at most %d are taken: send less in one message", size, max)
}
