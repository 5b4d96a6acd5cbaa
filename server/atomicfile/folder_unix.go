//go:build unix

package atomicfile

import (
	"errors"
	"os"
)

// syncFolder has the names in a folder be on the disk.
func syncFolder(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
