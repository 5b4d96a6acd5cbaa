package snapshot

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"

	"github.com/vmihailenco/msgpack/v5/msgpcode"

	"github.com/quicstep/quicstep/world"
)

// Version is the version of the format. A snapshot of another one is refused with both versions named.
const Version = 4

// What callers of Decode, Peek and Load branch on. The errors wrap one of these and say what was found.
var (
	// ErrNotSnapshot means that the bytes are something else.
	ErrNotSnapshot = errors.New("these bytes are no quicstep snapshot")
	// ErrVersion means that another version of this package wrote the snapshot.
	ErrVersion = errors.New("the snapshot has another version")
	// ErrDamaged means that the snapshot is cut short, or not as it was written.
	ErrDamaged = errors.New("the snapshot is damaged")
	// ErrGame means that the snapshot is of another game, or of another version of the same one.
	ErrGame = errors.New("the snapshot is of another game")
)

// The fixed parts of the format.
const (
	magic        = "quicstep-snapshot"
	elements     = 6                      // of the outermost array
	lengthAt     = 1 + 1 + len(magic) + 1 // where the length's nine bytes begin in this version
	layoutAt     = lengthAt + 9
	stateAt      = layoutAt + 9
	checksumSize = 5
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Save returns the snapshot of a world's newest committed state. Any goroutine may call it at any time; the
// tick does not wait.
func Save(w *world.World) []byte { return Encode(w.Export()) }

// Load starts a world of game g from a snapshot, to go on exactly as the saved one would have. The seed in
// cfg is not used. The error wraps ErrGame when the snapshot is not of this game.
func Load(g world.Game, b []byte, cfg world.Config) (*world.World, error) {
	info, err := Peek(b)
	if err != nil {
		return nil, err
	}
	s, err := world.SchemaOf(g)
	if err != nil {
		return nil, fmt.Errorf("load snapshot: %w", err)
	}
	layout, err := world.LayoutOf(g)
	if err != nil {
		return nil, fmt.Errorf("load snapshot: %w", err)
	}
	if info.Layout != layout {
		return nil, fmt.Errorf("%w: it has the layout %016x, %s has %016x; load it with the program that saved it",
			ErrGame, info.Layout, s.Game, layout)
	}
	st, err := decodeState(b, info)
	if err != nil {
		return nil, err
	}
	w, err := world.Restore(g, st, cfg)
	if err != nil {
		return nil, fmt.Errorf("load snapshot of tick %d: %w", st.Tick, err)
	}
	return w, nil
}

// Encode returns an exported state as bytes.
func Encode(st world.State) []byte { return Append(nil, st) }

// Decode reads what Encode wrote. The error wraps ErrNotSnapshot, ErrVersion or ErrDamaged.
func Decode(b []byte) (world.State, error) {
	info, err := Peek(b)
	if err != nil {
		return world.State{}, err
	}
	return decodeState(b, info)
}

// Info is what a snapshot says of itself.
type Info struct {
	// Layout is the game's; see world.LayoutOf.
	Layout uint64
	// Tick is the tick that the state is of.
	Tick uint64
}

// Peek checks that b is one whole snapshot, unharmed, and tells what it is of. It reads all bytes once, for
// the checksum, and allocates nothing unless it refuses. Its errors are Decode's.
func Peek(b []byte) (Info, error) {
	if err := checkHead(b); err != nil {
		return Info{}, err
	}
	if err := checkWhole(b); err != nil {
		return Info{}, err
	}
	r := reader{b: b[:len(b)-checksumSize], at: stateAt}
	r.array("the state", stateElements)
	info := Info{Layout: binary.BigEndian.Uint64(b[layoutAt+1:]), Tick: r.uint("the tick", 1<<64-1)}
	return info, r.failed()
}

// checkHead looks at the magic and the version, which are the same in all versions of the format.
func checkHead(b []byte) error {
	if len(b) == 0 {
		return fmt.Errorf("%w: there are none", ErrNotSnapshot)
	}
	mark := append([]byte{msgpcode.FixedStrLow | byte(len(magic))}, magic...)
	if !msgpcode.IsFixedArray(b[0]) || !bytes.HasPrefix(b[1:], mark[:min(len(mark), len(b)-1)]) {
		return fmt.Errorf("%w: they don't begin with %q", ErrNotSnapshot, magic)
	}
	r := reader{b: b, at: 1 + len(mark)}
	if len(b) <= r.at {
		return damagedf("it is cut short after %d bytes", len(b))
	}
	version := r.uint("the version", 1<<64-1)
	if err := r.failed(); err != nil {
		return err
	}
	if version != Version {
		return fmt.Errorf("%w: it has version %d, this program reads version %d", ErrVersion, version, Version)
	}
	return nil
}

// checkWhole compares length and checksum.
func checkWhole(b []byte) error {
	if len(b) < stateAt+checksumSize {
		return damagedf("it is cut short after %d bytes", len(b))
	}
	end := len(b) - checksumSize
	length := binary.BigEndian.Uint64(b[lengthAt+1:])
	switch {
	case b[0] != msgpcode.FixedArrayLow|elements || b[lengthAt] != msgpcode.Uint64 || b[layoutAt] != msgpcode.Uint64:
		return damagedf("its head is not as it was written")
	case length > uint64(len(b)):
		return damagedf("it is cut short: %d of %d bytes are there", len(b), length)
	case length < uint64(len(b)):
		return damagedf("%d bytes follow after its end", uint64(len(b))-length)
	}
	want := checksum(b[:end])
	if got := binary.BigEndian.Uint32(b[end+1:]); got != want || b[end] != msgpcode.Uint32 {
		return damagedf("its checksum is %08x, that of its bytes is %08x", got, want)
	}
	return nil
}

func checksum(b []byte) uint32 { return crc32.Checksum(b, castagnoli) }

func damagedf(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrDamaged, fmt.Sprintf(format, args...))
}
