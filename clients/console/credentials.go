package console

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"

	"github.com/quicstep/quicstep/protocol/admin"
)

// profileBytesMax bounds what is read of a profile's file.
const profileBytesMax = 1 << 20

// DefaultProfileFile is where admin init leaves the first credentials.
func DefaultProfileFile() (string, error) {
	dir, err := os.UserConfigDir()
	if err != nil {
		return "", fmt.Errorf("find the configuration folder: %w", err)
	}
	return filepath.Join(dir, filepath.FromSlash(admin.ProfileFile)), nil
}

// profile finds the credentials.
func (c Config) profile() (p admin.Profile, err error) {
	if c.Profile != nil {
		return *c.Profile, nil
	}
	path := c.ProfileFile
	if path == "" {
		if path, err = DefaultProfileFile(); err != nil {
			return p, err
		}
	}
	data, err := readPrivate(path)
	if errors.Is(err, fs.ErrNotExist) {
		return p, fmt.Errorf("%w: there is no %s; admin init makes the first ones on the server's machine, admin add others", ErrNoProfile, path)
	}
	if err != nil {
		return p, fmt.Errorf("read the profile: %w", err)
	}
	if p, err = admin.ParseProfile(data); err != nil {
		return p, fmt.Errorf("profile %s: %w", path, err)
	}
	return p, nil
}

// readPrivate reads a file that nobody else may read or write, where the system has such permissions.
func readPrivate(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	if mode := info.Mode(); runtime.GOOS != "windows" && mode.IsRegular() && mode.Perm()&0o077 != 0 {
		return nil, fmt.Errorf("%w: %s has mode %04o, and whoever reads it can act as you: chmod 600 %s", ErrExposed, path, mode.Perm(), path)
	}
	return io.ReadAll(io.LimitReader(file, profileBytesMax))
}
