// Package atomicfile replaces files in one step.
//
// What a server keeps in files is small and read whole: bans, credentials, the pin of a certificate. server, server/admin
// and server/transport write all of it with Write; Locked is for what several processes change, TryLock for what one
// process has to itself.
package atomicfile

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// Write replaces the file, or makes it, with mode 0600: whoever reads it, also after a crash, finds either what was there
// before or all of data, which is on the disk when Write returns nil. After an error the former file is as it was, unless
// the error is of the folder's own sync, the last step: then the new one is there, and may be gone after a crash.
func Write(path string, data []byte) error {
	temp, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*") // which has mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(temp.Name())
	_, err = temp.Write(data)
	if err == nil {
		err = temp.Sync()
	}
	if err = errors.Join(err, temp.Close()); err != nil {
		return err
	}
	if err := os.Rename(temp.Name(), path); err != nil {
		return err
	}
	if err := syncFolder(filepath.Dir(path)); err != nil {
		return fmt.Errorf("sync the folder of %s: %w", path, err)
	}
	return nil
}
