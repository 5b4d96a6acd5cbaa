package replay

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/vmihailenco/msgpack/v5"

	"github.com/quicstep/quicstep/world"
	"github.com/quicstep/quicstep/world/snapshot"
)

// Recorder writes a log. It belongs to one goroutine, and it buffers: what is to survive a crash has to be
// flushed.
type Recorder struct {
	w     *bufio.Writer
	every uint64
	tick  uint64 // the last one written
	err   error  // that all further calls return

	// Reused from tick to tick.
	frame    bytes.Buffer
	enc      *msgpack.Encoder
	commands []byte
	out      []byte
	head     [frameHead]byte
}

// errClosed is what a closed Recorder answers.
var errClosed = errors.New("the recorder is closed")

// NewRecorder begins a log at a snapshot, which snapshot.Save has made. Every tick whose number is a multiple
// of every has its hash in the log; zero means 1, every tick. A game that uses Tx.Seen needs World.ForgetHistory to be called
// when the snapshot is taken. It returns the error of snapshot.Peek when
// start is no snapshot, or w's.
func NewRecorder(w io.Writer, start []byte, every int) (*Recorder, error) {
	info, err := snapshot.Peek(start)
	if err != nil {
		return nil, fmt.Errorf("begin a replay: %w", err)
	}
	if every < 0 || len(start) > MaxSnapshotBytes {
		return nil, fmt.Errorf("begin a replay: a hash every %d ticks and a snapshot of %d bytes; at least 0 and at most %d are possible", every, len(start), MaxSnapshotBytes)
	}
	r := &Recorder{w: bufio.NewWriter(w), every: uint64(max(every, 1)), tick: info.Tick}
	r.enc = msgpack.NewEncoder(&r.frame)
	r.must(r.enc.EncodeArrayLen(4))
	r.must(r.enc.EncodeString(magic))
	r.must(r.enc.EncodeUint(Version))
	r.must(r.enc.EncodeUint(r.every))
	r.write(appendChecksum(r.frame.Bytes()))
	r.write(start)
	return r, r.err
}

// Wants tells whether the log takes the hash of a tick. Of other ticks any hash may be given, and none need
// be computed.
func (r *Recorder) Wants(tick uint64) bool { return tick%r.every == 0 }

// Tick appends one tick: the commands that Step was given, in whatever order, with the ChangeSet's Sights as theirs, the hash of the View after it
// when the log Wants it, and whether Step returned a *world.PanicError, so that the tick was undone. Ticks
// follow each other without a gap. After an error the log ends where it was, and every call returns it.
func (r *Recorder) Tick(tick uint64, c world.Commands, hash uint64, undone bool) error {
	if r.err != nil {
		return r.err
	}
	if tick != r.tick+1 {
		return r.fail(fmt.Errorf("record tick %d: tick %d was the last one, and none may be left out", tick, r.tick))
	}
	var flags uint64
	if r.Wants(tick) {
		flags |= hasHash
	} else {
		hash = 0
	}
	if undone {
		flags |= wasUndone
	}
	r.commands = c.Append(r.commands[:0])
	r.frame.Reset()
	r.must(r.enc.EncodeArrayLen(5))
	r.must(r.enc.EncodeUint(tick))
	r.must(r.enc.EncodeUint(flags))
	r.must(r.enc.EncodeBytes(r.commands))
	r.must(r.enc.EncodeUint(hash))
	r.out = appendChecksum(append(r.out[:0], r.frame.Bytes()...))
	if len(r.out) > MaxRecordBytes {
		return r.fail(fmt.Errorf("record tick %d: it has %d bytes, at most %d are possible", tick, len(r.out), MaxRecordBytes))
	}
	r.tick = tick
	r.write(r.out)
	return r.err
}

// Flush hands on to the writer what is still buffered.
func (r *Recorder) Flush() error {
	if r.err != nil {
		return r.err
	}
	if err := r.w.Flush(); err != nil {
		return r.fail(fmt.Errorf("record tick %d: %w", r.tick, err))
	}
	return nil
}

// Close flushes and ends the recording. The writer that NewRecorder was given stays open.
func (r *Recorder) Close() error {
	if err := r.Flush(); err != nil {
		return err
	}
	r.err = errClosed
	return nil
}

// write appends a frame.
func (r *Recorder) write(frame []byte) {
	if _, err := r.w.Write(appendFrameHead(r.head[:0], len(frame))); err != nil {
		r.fail(fmt.Errorf("record tick %d: %w", r.tick, err))
		return
	}
	if _, err := r.w.Write(frame); err != nil {
		r.fail(fmt.Errorf("record tick %d: %w", r.tick, err))
	}
}

// fail keeps the first error: a log with a hole is worth nothing after it.
func (r *Recorder) fail(err error) error {
	if r.err == nil {
		r.err = err
	}
	return r.err
}

// must is for writing into memory, which can't fail; any error is one of our own making.
func (r *Recorder) must(err error) {
	if err != nil {
		panic(fmt.Sprintf("replay: tick %d: encode into memory: %v", r.tick, err))
	}
}
