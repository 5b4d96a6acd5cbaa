package admin

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// Bounds of the log.
const (
	// auditBytesMax bounds one of its files; with a line that does not fit any more the next one is begun.
	auditBytesMax = 64 << 20
	// auditFiles is how many of them are kept, with the one that is being written. The oldest goes.
	auditFiles = 5
	// auditTailBytes is how far back, at most, it is read when somebody asks for it.
	auditTailBytes = 8 << 20
)

// entry is a line of the audit log. An act has two, of the same ID: one before it is done, one with what became of it. One that was
// refused has one.
type entry struct {
	At     time.Time         `json:"at"`
	ID     string            `json:"id"`
	Who    string            `json:"who"`
	Role   string            `json:"role"`
	From   string            `json:"from"`
	Act    string            `json:"act"`
	On     map[string]string `json:"on,omitempty"`
	State  string            `json:"state"` // see stateOf
	Result string            `json:"result,omitempty"`
}

// audit is the log: a file that is only ever appended to, and older ones, which are not touched but for their names: the
// latest of them ends in .1. A line is on the disk, fsync included, before append returns; whoever can't write the first
// line of an act must not do it. A file that was renamed is made anew.
type audit struct {
	path   string
	most   int64  // bytes of a file
	boot   string // tells the IDs of this start from those of others
	last   atomic.Uint64
	mu     sync.Mutex
	file   *os.File
	torn   bool // the latest line may be cut short
	failed atomic.Uint64
}

func openAudit(path string) (*audit, error) {
	var boot [4]byte
	rand.Read(boot[:]) // never fails
	a := &audit{path: path, most: auditBytesMax, boot: hex.EncodeToString(boot[:])}
	return a, a.open()
}

// open opens the file, whose latest line a crash may have cut short.
func (a *audit) open() error {
	file, err := os.OpenFile(a.path, os.O_APPEND|os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return fmt.Errorf("open the audit log: %w", err)
	}
	info, err := file.Stat()
	last := []byte{'\n'}
	if err == nil && info.Size() > 0 {
		_, err = file.ReadAt(last, info.Size()-1)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("open the audit log: %w", err), file.Close())
	}
	a.file, a.torn = file, last[0] != '\n'
	return nil
}

// id names the next act.
func (a *audit) id() string { return fmt.Sprintf("%s-%d", a.boot, a.last.Add(1)) }

// append writes a line.
func (a *audit) append(e entry) error {
	line, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("write to the audit log: %w", err)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if err = a.write(append(line, '\n')); err != nil {
		a.failed.Add(1)
		return fmt.Errorf("write to the audit log: %w", err)
	}
	return nil
}

func (a *audit) write(line []byte) error {
	if err := a.follow(); err != nil {
		return err
	}
	if err := a.rotate(int64(len(line))); err != nil {
		return err
	}
	if a.torn {
		line = append([]byte{'\n'}, line...)
	}
	n, err := a.file.Write(line)
	if err != nil {
		a.torn = a.torn || n > 0
		return err
	}
	a.torn = false
	return a.file.Sync()
}

// follow opens the file anew when it is not the one of that name any more.
func (a *audit) follow() error {
	named, err := os.Stat(a.path)
	if err == nil {
		if here, err := a.file.Stat(); err == nil && os.SameFile(named, here) {
			return nil
		}
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return a.reopen()
}

// reopen opens the file of the log's name, and closes the one before; which is kept when that fails.
func (a *audit) reopen() error {
	former := a.file
	if err := a.open(); err != nil {
		return err
	}
	return former.Close()
}

// older is the name of a former file, from 1, the latest, on.
func (a *audit) older(n int) string { return fmt.Sprintf("%s.%d", a.path, n) }

// rotate begins the next file when so many bytes more do not fit into this one.
func (a *audit) rotate(more int64) error {
	info, err := a.file.Stat()
	if err != nil || info.Size() == 0 || info.Size()+more < a.most {
		return err
	}
	for n := auditFiles - 2; n > 0; n-- {
		if err := os.Rename(a.older(n), a.older(n+1)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	if err := os.Rename(a.path, a.older(1)); err != nil {
		return err
	}
	return a.reopen()
}

// tail returns the latest lines, oldest first, as far as auditTailBytes go back.
func (a *audit) tail(most int) ([]string, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	var out []string
	left := int64(auditTailBytes)
	for n := 0; n < auditFiles && len(out) < most && left > 0; n++ {
		path := a.path
		if n > 0 {
			path = a.older(n)
		}
		lines, bytes, err := lastLines(path, left)
		if errors.Is(err, fs.ErrNotExist) {
			continue // it is to be made, or there are no older ones
		}
		if err != nil {
			return nil, fmt.Errorf("read the audit log: %w", err)
		}
		left -= bytes
		out = append(lines[max(0, len(lines)-(most-len(out))):], out...)
	}
	return out, nil
}

// lastLines reads the lines at the end of a file, and how many bytes it has read.
func lastLines(path string, most int64) (lines []string, read int64, err error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, 0, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, 0, err
	}
	from := max(0, info.Size()-most)
	data, err := io.ReadAll(io.NewSectionReader(file, from, info.Size()-from))
	if err != nil {
		return nil, 0, err
	}
	all := bytes.Split(bytes.TrimRight(data, "\n"), []byte("\n"))
	if from > 0 {
		all = all[1:] // which has lost its beginning
	}
	for _, line := range all {
		if json.Valid(line) {
			lines = append(lines, string(line))
		}
	}
	return lines, int64(len(data)), nil
}

func (a *audit) close() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.file.Close()
}
