package atomicfile

import (
	"errors"
	"fmt"
	"os"
)

// Locked runs change while it has the lock of a file, for whoever reads it and writes what it makes of it: of all processes
// and goroutines that do so, one at a time. It waits for its turn. The lock is a file of its own beside that one, path.lock,
// which stays there, and is free when the process that has it ends. The error is change's, or says why there is no lock.
func Locked(path string, change func() error) error {
	lock, err := os.OpenFile(path+".lock", os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	if err := take(lock); err != nil {
		return errors.Join(fmt.Errorf("lock %s: %w", path, err), lock.Close())
	}
	return errors.Join(change(), lock.Close()) // which gives it back
}

// ErrLocked: somebody else has the lock.
var ErrLocked = errors.New("somebody else has its lock")

// TryLock takes the lock of a file as Locked does, for as long as the process runs or until release is called. It does not
// wait: the error wraps ErrLocked when the lock is taken, by another process or in this one, and otherwise says why there can
// be none.
func TryLock(path string) (release func() error, err error) {
	lock, err := os.OpenFile(path+".lock", os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := tryTake(lock); err != nil {
		return nil, errors.Join(fmt.Errorf("lock %s: %w", path, err), lock.Close())
	}
	return lock.Close, nil
}
