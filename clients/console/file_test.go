package console_test

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/quicstep/quicstep/clients/console"
	"github.com/quicstep/quicstep/protocol/admin"
)

// TestAFileIsKeptForItsOwnerAlone, is never another one's, and is gone again when nothing came.
func TestAFileIsKeptForItsOwnerAlone(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "cpu.pprof")
	write := func(into io.Writer) error { _, err := io.WriteString(into, "profile"); return err }
	if err := console.Keep(path, write); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Size() != 7 || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("the file is %v, %v", info, err)
	}
	never := func(io.Writer) error { t.Error("it is fetched for a file that can't be made"); return nil }
	link := filepath.Join(dir, "link")
	if err := os.Symlink(filepath.Join(dir, "elsewhere"), link); err != nil {
		link = path // a system without links
	}
	for _, bad := range []string{path, link, filepath.Join(dir, "none", "cpu.pprof")} {
		if err := console.Keep(bad, never); !errors.Is(err, console.ErrFile) || !strings.Contains(err.Error(), bad) {
			t.Errorf("%s: %v", bad, err)
		}
	}
	broken := errors.New("the server is gone")
	other := filepath.Join(dir, "other")
	if err := console.Keep(other, func(into io.Writer) error { return errors.Join(write(into), broken) }); !errors.Is(err, broken) {
		t.Errorf("it ends with %v", err)
	}
	if _, err := os.Lstat(other); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("what has not come whole is left: %v", err)
	}
}

// TestAProfileThatOthersCanReadIsNotUsed: its token is worth as much to them.
func TestAProfileThatOthersCanReadIsNotUsed(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("files have no such permissions")
	}
	path := filepath.Join(t.TempDir(), "console.json")
	profile := admin.Profile{Addr: "not an address", Token: make([]byte, admin.TokenBytes)}
	if err := os.WriteFile(path, profile.Format(), 0o600); err != nil {
		t.Fatal(err)
	}
	open := func() error {
		_, err := console.Open(context.Background(), console.Config{ProfileFile: path})
		return err
	}
	if err := open(); err == nil || errors.Is(err, console.ErrExposed) || !strings.Contains(err.Error(), "not an address") {
		t.Errorf("one for its owner alone is answered by %v", err)
	}
	for _, mode := range []os.FileMode{0o644, 0o640, 0o602, 0o601} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		if err := open(); !errors.Is(err, console.ErrExposed) || !strings.Contains(err.Error(), "chmod 600 "+path) {
			t.Errorf("mode %04o is answered by %v", mode, err)
		}
	}
}
