package replay

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"slices"

	"github.com/vmihailenco/msgpack/v5"
	"github.com/vmihailenco/msgpack/v5/msgpcode"

	"github.com/quicstep/quicstep/world"
)

// Version is the version of the format. A log of another one is refused with both versions named.
const Version = 4

// What a log may hold. A frame that announces more is damaged, and is not read.
const (
	// MaxSnapshotBytes bounds the snapshot that a log begins with.
	MaxSnapshotBytes = 1 << 30
	// MaxRecordBytes bounds one tick's record.
	MaxRecordBytes = 4 << 20
	// headBytesMax bounds the first frame.
	headBytesMax = 64
)

// What callers of Open, Next and Verify branch on, beside *CutError and the errors of package snapshot. The
// errors wrap one of these and say what was found.
var (
	// ErrNotReplay means that the bytes are something else.
	ErrNotReplay = errors.New("this is no quicstep replay")
	// ErrVersion means that another version of this package wrote the log.
	ErrVersion = errors.New("the replay has another version")
	// ErrDamaged means that a part of the log is not as it was written.
	ErrDamaged = errors.New("the replay is damaged")
)

// CutError tells that a log ends in the middle of a frame, as it does after a crash.
type CutError struct {
	// Offset is where the cut frame begins: the log is whole up to there.
	Offset int64
	// Tick is the last tick whose record is whole; the snapshot's when none is.
	Tick uint64
	// Present is how many bytes of the cut frame are there.
	Present int64
}

// Error says where the log is cut.
func (e *CutError) Error() string {
	return fmt.Sprintf("the replay is cut short after tick %d: it is whole up to byte %d, %d bytes of the next record are there", e.Tick, e.Offset, e.Present)
}

// Unwrap makes a CutError an io.ErrUnexpectedEOF.
func (e *CutError) Unwrap() error { return io.ErrUnexpectedEOF }

const (
	magic        = "quicstep-replay"
	frameHead    = 5 // a code and four bytes of length
	checksumSize = 5
	growBytes    = 64 << 10 // how much is read before memory for more is taken
)

// The flags of a record.
const (
	hasHash = 1 << iota
	wasUndone
	knownFlags = 1<<iota - 1
)

// record is one tick of the log.
type record struct {
	tick     uint64
	flags    uint64
	commands world.Commands
	hash     uint64
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// appendFrameHead appends the head of a frame of so many bytes.
func appendFrameHead(dst []byte, size int) []byte {
	return binary.BigEndian.AppendUint32(append(dst, msgpcode.Bin32), uint32(size))
}

// appendChecksum appends the checksum of what dst holds.
func appendChecksum(dst []byte) []byte {
	return binary.BigEndian.AppendUint32(append(dst, msgpcode.Uint32), crc32.Checksum(dst, castagnoli))
}

// checked returns what stands before a frame's checksum.
func checked(frame []byte) ([]byte, error) {
	end := len(frame) - checksumSize
	if end < 0 || frame[end] != msgpcode.Uint32 {
		return nil, errors.New("it has no checksum")
	}
	if got, want := binary.BigEndian.Uint32(frame[end+1:]), crc32.Checksum(frame[:end], castagnoli); got != want {
		return nil, fmt.Errorf("its checksum is %08x, that of its bytes is %08x", got, want)
	}
	return frame[:end], nil
}

// frames reads frame after frame and knows where it is.
type frames struct {
	r   *bufio.Reader
	at  int64  // where the latest frame begins, or the next one once that is read
	buf []byte // the latest frame
}

// next returns the next frame, good until the next call. The error is io.EOF at the log's end, a *CutError
// without its tick, or what the reader says.
func (f *frames) next(bytesMax int) ([]byte, error) {
	head, err := f.read(frameHead, 0)
	if err != nil {
		return nil, err
	}
	size := binary.BigEndian.Uint32(head[1:])
	if head[0] != msgpcode.Bin32 {
		return nil, fmt.Errorf("%w: no frame begins at byte %d (code %#02x)", ErrDamaged, f.at, head[0])
	}
	if uint64(size) > uint64(bytesMax) {
		return nil, fmt.Errorf("%w: the frame at byte %d has %d bytes, at most %d are possible", ErrDamaged, f.at, size, bytesMax)
	}
	frame, err := f.read(int(size), frameHead)
	if err != nil {
		return nil, err
	}
	f.at += frameHead + int64(size)
	return frame, nil
}

// read reads n bytes of a frame of which so many were read before. Memory grows with what arrives.
func (f *frames) read(n int, before int64) ([]byte, error) {
	f.buf = f.buf[:0]
	for len(f.buf) < n {
		part := min(n-len(f.buf), growBytes)
		f.buf = slices.Grow(f.buf, part)
		got, err := io.ReadFull(f.r, f.buf[len(f.buf):len(f.buf)+part])
		f.buf = f.buf[:len(f.buf)+got]
		present := before + int64(len(f.buf))
		switch {
		case err == io.EOF && present == 0:
			return nil, io.EOF
		case err == io.EOF || err == io.ErrUnexpectedEOF:
			return nil, &CutError{Offset: f.at, Present: present}
		case err != nil:
			return nil, fmt.Errorf("read the replay at byte %d: %w", f.at+present, err)
		}
	}
	return f.buf, nil
}

// fields reads the values of a frame. It keeps the first error and returns zeros from then on.
type fields struct {
	from *bytes.Reader
	dec  *msgpack.Decoder
	err  error
}

func newFields(b []byte, elements int) *fields {
	f := &fields{from: bytes.NewReader(b)}
	f.dec = msgpack.NewDecoder(f.from)
	n, err := f.dec.DecodeArrayLen()
	f.keep(err)
	if err == nil && n != elements {
		f.keep(fmt.Errorf("it has %d elements, want %d", n, elements))
	}
	return f
}

func (f *fields) keep(err error) {
	if f.err == nil && err != nil {
		f.err = err
	}
}

func (f *fields) uint() uint64 {
	if f.err != nil {
		return 0
	}
	v, err := f.dec.DecodeUint64()
	f.keep(err)
	return v
}

// bytes reads a string or bytes, whose length it compares with what remains.
func (f *fields) bytes() []byte {
	if f.err != nil {
		return nil
	}
	n, err := f.dec.DecodeBytesLen()
	f.keep(err)
	if err == nil && (n < 0 || n > f.from.Len()) {
		f.keep(fmt.Errorf("it announces %d bytes, %d remain", n, f.from.Len()))
	}
	if f.err != nil {
		return nil
	}
	out := make([]byte, n)
	f.keep(f.dec.ReadFull(out))
	return out
}

// end returns the first error, or one when something follows.
func (f *fields) end() error {
	if f.err == nil && f.from.Len() > 0 {
		f.keep(fmt.Errorf("%d bytes follow its last element", f.from.Len()))
	}
	return f.err
}
