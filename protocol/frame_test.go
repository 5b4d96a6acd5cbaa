package protocol_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/quicstep/quicstep/protocol"
)

func TestFrameHasTheShortestHeader(t *testing.T) {
	cases := []struct {
		size   int
		header string
	}{
		{0, "c4 00"}, {1, "c4 01"}, {255, "c4 ff"}, {256, "c5 0100"}, {65535, "c5 ffff"}, {65536, "c6 00010000"},
	}
	for _, c := range cases {
		message := bytes.Repeat([]byte{7}, c.size)
		frame := protocol.AppendFrame([]byte{1}, message)
		if want := append(append([]byte{1}, unhex(t, c.header)...), message...); !bytes.Equal(frame, want) {
			t.Errorf("a frame of %d bytes starts with % x, want 01 %s", c.size, frame[:6], c.header)
		}
		got, rest, err := protocol.SplitFrame(append(frame[1:], 0xc4), protocol.MaxFrame)
		if err != nil || !bytes.Equal(got, message) || !bytes.Equal(rest, []byte{0xc4}) {
			t.Errorf("a frame of %d bytes comes back as %d bytes, rest % x, %v", c.size, len(got), rest, err)
		}
	}
}

func TestFrameTakesLongerHeaders(t *testing.T) {
	for _, frame := range []string{"c4 02 9005", "c5 0002 9005", "c6 00000002 9005"} {
		message, rest, err := protocol.SplitFrame(unhex(t, frame), protocol.MaxHelloFrame)
		if err != nil || len(rest) != 0 || !bytes.Equal(message, []byte{0x90, 0x05}) {
			t.Errorf("%s: % x, rest % x, %v", frame, message, rest, err)
		}
	}
}

func TestFrameArrivesByteByByte(t *testing.T) {
	for _, frame := range []string{"c4 03 93 01 02", "c5 0003 93 01 02", "c6 00000003 93 01 02"} {
		b := unhex(t, frame)
		headerLen := len(b) - 3
		for n := range len(b) {
			gotLen, size, err := protocol.ParseFrameHeader(b[:n])
			switch {
			case n < headerLen && (!errors.Is(err, protocol.ErrNeedMore) || gotLen < min(n+1, 2) || gotLen > headerLen):
				t.Errorf("%s, %d bytes here: header of %d, %v; want it to need more", frame, n, gotLen, err)
			case n >= headerLen && (err != nil || gotLen != headerLen || size != 3):
				t.Errorf("%s, %d bytes here: header of %d, size %d, %v", frame, n, gotLen, size, err)
			}
			if _, rest, err := protocol.SplitFrame(b[:n], 3); !errors.Is(err, protocol.ErrNeedMore) || len(rest) != n {
				t.Errorf("%s, %d bytes here: %v, rest %d; want it to need more", frame, n, err, len(rest))
			}
		}
	}
}

func TestFrameRefused(t *testing.T) {
	cases := []struct {
		name   string
		bytes  string
		max    int
		reject protocol.Reject
	}{
		{"one byte above the caller's limit", "c4 05", 4, protocol.Oversized},
		{"a client's frame above 4 KiB", "c5 1001", protocol.MaxHelloFrame, protocol.Oversized},
		{"a server's frame above 64 KiB", "c6 00010001", protocol.MaxFrame, protocol.Oversized},
		{"4 GB", "c6 ffffffff", protocol.MaxFrame, protocol.Oversized},
		{"4 GB, whatever the caller's limit", "c6 ffffffff", 1 << 30, protocol.Oversized},
		{"an array without a bin around it", "92 04 05", protocol.MaxFrame, protocol.WrongType},
		{"a string", "a2 6869", protocol.MaxFrame, protocol.WrongType},
		{"an extension", "c7 01 01 00", protocol.MaxFrame, protocol.WrongType},
		{"HTTP", "47455420", protocol.MaxFrame, protocol.WrongType},
	}
	for _, c := range cases {
		b := unhex(t, c.bytes)
		_, rest, err := protocol.SplitFrame(b, c.max)
		wantReject(t, c.name, err, c.reject)
		if len(rest) != len(b) {
			t.Errorf("%s: %d bytes are left of %d", c.name, len(rest), len(b))
		}
		wantFlatMemory(t, c.name, func() { _, _, _ = protocol.SplitFrame(b, c.max) })
	}
}

func TestFrameMessageDoesNotReachIntoTheNext(t *testing.T) {
	message, rest, err := protocol.SplitFrame([]byte{0xc4, 1, 5, 0xc4, 1, 6}, 8)
	if err != nil {
		t.Fatal(err)
	}
	_ = append(message, 9)
	if !bytes.Equal(rest, []byte{0xc4, 1, 6}) {
		t.Errorf("appending to a message wrote over the next frame: % x", rest)
	}
}

func TestAppendFrameRefusesWhatNoPeerTakes(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("a frame above MaxFrame was appended, want a panic")
		}
	}()
	protocol.AppendFrame(nil, make([]byte, protocol.MaxFrame+1))
}
