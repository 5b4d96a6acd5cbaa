package replay

import (
	"bufio"
	"errors"
	"fmt"
	"io"

	"github.com/quicstep/quicstep/world"
	"github.com/quicstep/quicstep/world/snapshot"
)

// Player plays a log, tick by tick, in a world of its own. It belongs to one goroutine.
type Player struct {
	log   frames
	world *world.World
	every uint64
	err   error // that all further calls of Next return
}

// Result is what one tick of a log did when it was played.
type Result struct {
	// Tick is the tick that was made.
	Tick uint64
	// Commands are what the tick was given.
	Commands world.Commands
	// Changes and View are what Step returned.
	Changes world.ChangeSet
	View    *world.View
	// Panic is the game's panic, for which the tick was undone; nil without.
	Panic *world.PanicError
	// Undone tells that the tick was undone when it was recorded.
	Undone bool
	// Checked tells that the log has the tick's hash. Recorded and Played are zero otherwise.
	Checked bool
	// Recorded and Played are the hashes of the state after the tick.
	Recorded, Played uint64
}

// Differs tells whether the played tick is not what the recorded one was.
func (r Result) Differs() bool {
	return r.Recorded != r.Played || r.Undone != (r.Panic != nil)
}

// Open reads the beginning of a log and starts a world of game g there. It returns an error that wraps
// ErrNotReplay, ErrVersion or ErrDamaged, one of package snapshot's, or r's. It reads ahead of what it needs.
func Open(r io.Reader, g world.Game) (*Player, error) {
	p := &Player{log: frames{r: bufio.NewReaderSize(r, growBytes)}}
	if err := p.head(); err != nil {
		return nil, fmt.Errorf("open the replay: %w", err)
	}
	start, err := p.log.next(MaxSnapshotBytes)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = fmt.Errorf("%w: it is cut short", ErrDamaged)
	}
	if err != nil {
		return nil, fmt.Errorf("open the replay: read its snapshot: %w", err)
	}
	if p.world, err = snapshot.Load(g, start, world.Config{}); err != nil {
		return nil, fmt.Errorf("open the replay: %w", err)
	}
	p.log.buf = nil // a snapshot is much larger than a record
	return p, nil
}

// head reads the first frame.
func (p *Player) head() error {
	frame, err := p.log.next(headBytesMax)
	switch {
	case errors.Is(err, io.EOF):
		return fmt.Errorf("%w: there are no bytes", ErrNotReplay)
	case errors.Is(err, ErrDamaged):
		return fmt.Errorf("%w: it does not begin as one", ErrNotReplay)
	case errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("%w: its head is cut short", ErrDamaged)
	case err != nil:
		return err
	}
	f := newFields(frame, 4)
	if string(f.bytes()) != magic {
		return fmt.Errorf("%w: it does not begin with %q", ErrNotReplay, magic)
	}
	if version := f.uint(); f.err == nil && version != Version {
		return fmt.Errorf("%w: it has version %d, this program reads version %d", ErrVersion, version, Version)
	}
	if _, err := checked(frame); err != nil {
		return fmt.Errorf("%w: its head: %w", ErrDamaged, err)
	}
	p.every = f.uint()
	f.uint() // the checksum
	if err := f.end(); err != nil || p.every == 0 {
		return fmt.Errorf("%w: its head: a hash every %d ticks, %v", ErrDamaged, p.every, err)
	}
	return nil
}

// View is the state that the Player has come to: the snapshot's before the first tick.
func (p *Player) View() *world.View { return p.world.View() }

// Every tells how often a tick has its hash in the log: when its number is a multiple of it.
func (p *Player) Every() uint64 { return p.every }

// Next plays one tick. A panic of the game's is part of the game, and no error; neither is a difference from
// what was recorded. The error is io.EOF at the log's end, a *CutError where it is cut short, one that wraps
// ErrDamaged, or the reader's; it stays.
func (p *Player) Next() (Result, error) {
	if p.err != nil {
		return Result{}, p.err
	}
	rec, err := p.record()
	if err != nil {
		p.err = err
		return Result{}, err
	}
	res := Result{Tick: rec.tick, Commands: rec.commands, Undone: rec.flags&wasUndone != 0, Checked: rec.flags&hasHash != 0}
	res.Changes, res.View, err = p.world.Step(rec.commands)
	if err != nil && !errors.As(err, &res.Panic) {
		p.err = fmt.Errorf("play tick %d: %w", rec.tick, err)
		return Result{}, p.err
	}
	if res.Checked {
		res.Recorded, res.Played = rec.hash, res.View.Hash()
	}
	return res, nil
}

// record reads the next tick's record.
func (p *Player) record() (record, error) {
	at, tick := p.log.at, p.world.View().Tick
	frame, err := p.log.next(MaxRecordBytes)
	if err != nil {
		var cut *CutError
		if errors.As(err, &cut) {
			cut.Tick = tick
		}
		return record{}, err
	}
	rec, err := parseRecord(frame)
	if err == nil && rec.tick != tick+1 {
		err = fmt.Errorf("it is of tick %d, tick %d was expected", rec.tick, tick+1)
	}
	if err != nil {
		return record{}, fmt.Errorf("%w: the record at byte %d, after tick %d: %w", ErrDamaged, at, tick, err)
	}
	return rec, nil
}

func parseRecord(frame []byte) (rec record, err error) {
	if _, err := checked(frame); err != nil {
		return rec, err
	}
	f := newFields(frame, 5)
	rec.tick = f.uint()
	rec.flags = f.uint()
	commands := f.bytes()
	rec.hash = f.uint()
	f.uint() // the checksum
	if err := f.end(); err != nil {
		return rec, err
	}
	if rec.flags&^knownFlags != 0 || rec.flags&hasHash == 0 && rec.hash != 0 {
		return rec, fmt.Errorf("its flags are %#x and its hash %016x", rec.flags, rec.hash)
	}
	rec.commands, err = world.ParseCommands(commands)
	return rec, err
}
