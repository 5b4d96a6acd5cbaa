package console

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// ErrFile: a file could not be made, and nothing was asked for.
var ErrFile = errors.New("the file can't be made")

// Keep has fetch write into a file that is not there yet, for this user's eyes alone. The file is made before fetch is
// called, so that a bad path costs nothing, and is gone again when fetch fails. The error wraps ErrFile when fetch was not
// called, or is fetch's, or says what went wrong with the file.
func Keep(path string, fetch func(io.Writer) error) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600) // which follows no link either
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%w: %s is there already: name another, or remove it", ErrFile, path)
	}
	if err != nil {
		return fmt.Errorf("%w: %w", ErrFile, err)
	}
	err = fetch(file)
	if closed := file.Close(); err == nil && closed != nil {
		err = closed
	}
	if err == nil {
		return nil
	}
	if left := os.Remove(path); left != nil {
		return errors.Join(err, left)
	}
	return err
}
