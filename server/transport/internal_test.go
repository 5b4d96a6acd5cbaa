package transport

import (
	"bytes"
	"context"
	"os"
	"testing"
	"testing/synctest"
	"time"
)

func TestLoserUsesTheWinnersCertificate(t *testing.T) {
	dir := t.TempDir()
	winner, err := makeDevFolder(dir, 1, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	// The loser saw no folder either, and comes a moment later.
	loser, err := makeDevFolder(dir, 1, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(winner.Certificate[0], loser.Certificate[0]) {
		t.Error("the loser has a certificate of its own")
	}
	if files, _ := os.ReadDir(dir); len(files) != 1 {
		t.Errorf("the loser left %v", files)
	}
}

func TestHandshakesAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &handshakes{max: 2}
		failing, fail := context.WithCancel(context.Background())
		if _, err := h.begin(failing, nil); err != nil {
			t.Fatal(err)
		}
		conn, end := context.WithCancel(context.Background())
		accepted, err := h.begin(conn, nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := h.begin(context.Background(), nil); err == nil || h.refused.Load() != 1 {
			t.Errorf("a third handshake got %v with %d refused", err, h.refused.Load())
		}

		fail()
		synctest.Wait()
		if n := h.open.Load(); n != 1 {
			t.Errorf("%d places are taken after a handshake failed, want 1", n)
		}
		endHandshake(accepted)
		end()
		synctest.Wait()
		if n := h.open.Load(); n != 0 {
			t.Errorf("%d places are taken after the other was accepted and ended, want 0", n)
		}
	})
}

func TestACrowdMustProveItsAddresses(t *testing.T) {
	h := &handshakes{max: 8}
	for i := range 3 {
		if h.crowded(nil) {
			t.Errorf("with %d of 8 places taken newcomers must prove their address", i)
		}
		if _, err := h.begin(context.Background(), nil); err != nil {
			t.Fatal(err)
		}
	}
	if !h.crowded(nil) {
		t.Error("with 3 of 8 places taken nobody has to prove an address")
	}
}
