package admin

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// auditTailBytes is how far back, at most, the log is read when somebody asks for it.
const auditTailBytes = 1 << 20

// entry is a line of the audit log. An act has two, of the same ID: one before it is done, one with what became of it.
type entry struct {
	At     time.Time         `json:"at"`
	ID     string            `json:"id"`
	Who    string            `json:"who"`
	Role   string            `json:"role"`
	From   string            `json:"from"`
	Act    string            `json:"act"`
	On     map[string]string `json:"on,omitempty"`
	State  string            `json:"state"` // asked, done, failed, or refused
	Result string            `json:"result,omitempty"`
}

// audit is the log: a file that is only ever appended to. A line is on the disk, fsync included, before append returns;
// whoever can't write the first line of an act must not do it. A file that was renamed is made anew.
type audit struct {
	path   string
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
	a := &audit{path: path, boot: hex.EncodeToString(boot[:])}
	return a, a.open()
}

func (a *audit) open() (err error) {
	a.file, err = os.OpenFile(a.path, os.O_APPEND|os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return fmt.Errorf("open the audit log: %w", err)
	}
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
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	former := a.file
	if err := a.open(); err != nil {
		a.file = former
		return err
	}
	return former.Close()
}

// tail returns the latest lines, oldest first.
func (a *audit) tail(most int) ([]string, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	info, err := a.file.Stat()
	if err != nil {
		return nil, fmt.Errorf("read the audit log: %w", err)
	}
	from := max(0, info.Size()-auditTailBytes)
	data := make([]byte, info.Size()-from)
	if n, err := a.file.ReadAt(data, from); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("read the audit log: %w", err)
	} else {
		data = data[:n]
	}
	lines := bytes.Split(bytes.TrimRight(data, "\n"), []byte("\n"))
	if from > 0 {
		lines = lines[1:] // which has lost its beginning
	}
	var out []string
	for _, line := range lines[max(0, len(lines)-most):] {
		if json.Valid(line) {
			out = append(out, string(line))
		}
	}
	return out, nil
}

func (a *audit) close() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.file.Close()
}
