package atomicfile_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/quicstep/quicstep/server/atomicfile"
)

func TestAFileIsReplacedWhole(t *testing.T) {
	path := filepath.Join(t.TempDir(), "bans.json")
	for _, text := range []string{"the first", "", "a longer one than the first"} {
		if err := atomicfile.Write(path, []byte(text)); err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(path); err != nil || string(got) != text {
			t.Errorf("the file holds %q, %v; want %q", got, err, text)
		}
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file is of mode %v, %v; want 0600", info.Mode(), err)
	}
	wantAlone(t, path)
}

// TestAReaderNeverFindsHalf, while several write.
func TestAReaderNeverFindsHalf(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	texts := make([][]byte, 4)
	for i := range texts {
		texts[i] = bytes.Repeat(fmt.Appendf(nil, "%d", i), 50_000)
	}
	if err := atomicfile.Write(path, texts[0]); err != nil {
		t.Fatal(err)
	}
	var work sync.WaitGroup
	defer work.Wait()
	for _, text := range texts {
		work.Go(func() {
			for range 5 {
				if err := atomicfile.Write(path, text); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for range 200 {
		got, err := os.ReadFile(path)
		if err != nil || len(got) != 50_000 || len(bytes.Trim(got, string(got[:1]))) != 0 {
			t.Fatalf("a reader finds %d bytes, %v; want one of the texts whole", len(got), err)
		}
	}
}

// TestWhatFailsLeavesTheFormer file, and nothing beside it.
func TestWhatFailsLeavesTheFormer(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "folder")
	if err := os.MkdirAll(filepath.Join(path, "full"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := atomicfile.Write(path, []byte("new")); err == nil {
		t.Error("a folder was replaced by a file")
	}
	wantAlone(t, path)
	if err := atomicfile.Write(filepath.Join(folder, "gone", "file"), nil); err == nil {
		t.Error("a file was made in a folder that is not there")
	}
}

// TestALockIsOnes until it gives it back, and whoever comes meanwhile does not wait.
func TestALockIsOnes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "bans.json")
	for range 2 {
		release, err := atomicfile.TryLock(path)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := atomicfile.TryLock(path); !errors.Is(err, atomicfile.ErrLocked) {
			t.Errorf("a second one is answered by %v, want ErrLocked", err)
		}
		if err := release(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := atomicfile.TryLock(filepath.Join(path, "gone", "file")); err == nil || errors.Is(err, atomicfile.ErrLocked) {
		t.Errorf("a lock in a folder that is not there is answered by %v", err)
	}
}

func wantAlone(t *testing.T, path string) {
	t.Helper()
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(entries) != 1 {
		t.Errorf("beside the file there are %v, %v", entries, err)
	}
}
