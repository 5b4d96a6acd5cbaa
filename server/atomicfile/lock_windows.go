package atomicfile

import (
	"errors"
	"os"

	"golang.org/x/sys/windows"
)

// take waits for the lock of a file, which is given back when that is closed.
func take(lock *os.File) error {
	return windows.LockFileEx(windows.Handle(lock.Fd()), windows.LOCKFILE_EXCLUSIVE_LOCK, 0, 1, 0, new(windows.Overlapped))
}

// tryTake is take without waiting: ErrLocked when somebody has it.
func tryTake(lock *os.File) error {
	const flags = windows.LOCKFILE_EXCLUSIVE_LOCK | windows.LOCKFILE_FAIL_IMMEDIATELY
	err := windows.LockFileEx(windows.Handle(lock.Fd()), flags, 0, 1, 0, new(windows.Overlapped))
	if errors.Is(err, windows.ERROR_LOCK_VIOLATION) {
		return ErrLocked
	}
	return err
}
