package atomicfile

import (
	"os"

	"golang.org/x/sys/windows"
)

// take waits for the lock of a file, which is given back when that is closed.
func take(lock *os.File) error {
	return windows.LockFileEx(windows.Handle(lock.Fd()), windows.LOCKFILE_EXCLUSIVE_LOCK, 0, 1, 0, new(windows.Overlapped))
}
