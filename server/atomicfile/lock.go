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
