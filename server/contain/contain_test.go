package contain_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/quicstep/quicstep/server/contain"
)

// fragile panics, and when it is written, too.
type fragile struct{}

// Error panics.
func (fragile) Error() string { panic("twice") }

func TestAPanicIsCountedAndToldOnceASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		p := contain.NewPanics(slog.New(slog.NewTextHandler(&log, nil)))
		ended := 0
		fall := func(where string, v any) {
			defer p.Catch(where, func() { ended++ })
			if v != nil {
				panic(v)
			}
		}
		fall("pass", nil)
		if len(p.Counts()) != 0 || ended != 0 {
			t.Errorf("without a panic %v are counted, and %d things ended", p.Counts(), ended)
		}
		for range 5 {
			fall("pass", "no such row")
		}
		fall("chat", errors.New("no such word"))
		fall("http", fragile{})
		time.Sleep(time.Second)
		fall("pass", "again")
		if c := p.Counts(); c["pass"] != 6 || c["chat"] != 1 || c["http"] != 1 || ended != 8 {
			t.Errorf("%v are counted, and %d things ended", c, ended)
		}
		for what, want := range map[string]int{"no such row": 1, "again": 1, "no such word": 1, "PANIC=Error method: twice": 1, "contain_test.go": 4} {
			if n := strings.Count(log.String(), what); what != "contain_test.go" && n != want || n < want {
				t.Errorf("the log says %q %d times, want %d:\n%s", what, n, want, &log)
			}
		}
	})
}

// slowLog writes a line when it is let.
type slowLog struct {
	slog.Handler
	let chan struct{}
}

func (h *slowLog) Handle(ctx context.Context, r slog.Record) error {
	<-h.let
	if r.Message == "panic" {
		panic("the log has failed")
	}
	return h.Handler.Handle(ctx, r)
}

// WithAttrs keeps it slow.
func (h *slowLog) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &slowLog{h.Handler.WithAttrs(attrs), h.let}
}

func TestWhoLogsDoesNotWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		slow := &slowLog{slog.NewTextHandler(&out, nil), make(chan struct{})}
		s := contain.NewSpool(slow, 4)
		log := slog.New(s.Handler())
		s.Start()
		log.Debug("not asked for")
		log.Info("line", "n", 0)
		synctest.Wait() // the handler has it
		room := log.With("room", "lobby")
		for n := range 6 {
			room.Info("line", "n", n+1)
		}
		if n := s.Dropped(); n != 2 {
			t.Errorf("%d lines were dropped of those that wait, want 2", n)
		}
		if s.Stop(time.Second) {
			t.Error("it has ended, and four lines wait")
		}
		log.Info("too late")
		close(slow.let)
		if !s.Stop(time.Second) {
			t.Error("it has not ended, though its handler takes all")
		}
		var want []string
		for n := range 5 {
			want = append(want, fmt.Sprintf("n=%d", n))
		}
		lines := strings.Split(strings.TrimSpace(out.String()), "\n")
		for i, line := range lines {
			if i >= len(want) || !strings.HasSuffix(line, want[i]) || i > 0 != strings.Contains(line, "room=lobby") {
				t.Errorf("line %d is %s", i, line)
			}
		}
		if len(lines) != len(want) || s.Dropped() != 3 {
			t.Errorf("%d lines were written, %d dropped; want %d and 3", len(lines), s.Dropped(), len(want))
		}
	})
}

func TestALogThatPanicsGoesOn(t *testing.T) {
	var out bytes.Buffer
	h := &slowLog{slog.NewTextHandler(&out, nil), make(chan struct{})}
	close(h.let)
	s := contain.NewSpool(h, 8)
	s.Start()
	log := slog.New(s.Handler())
	log.Info("panic")
	log.Info("after it")
	if !s.Stop(time.Minute) || s.Panicked() != 1 || !strings.Contains(out.String(), "after it") {
		t.Errorf("%d panics, and the log says %q", s.Panicked(), &out)
	}
}

// TestManyLogAtOnce, and stop meanwhile: each line is written once or counted.
func TestManyLogAtOnce(t *testing.T) {
	var out bytes.Buffer
	s := contain.NewSpool(slog.NewTextHandler(&out, nil), 16)
	s.Start()
	log := slog.New(s.Handler())
	var work sync.WaitGroup
	for range 8 {
		work.Go(func() {
			for range 100 {
				log.Info("line")
			}
		})
	}
	work.Wait()
	if !s.Stop(time.Minute) {
		t.Fatal("it has not ended")
	}
	if n := uint64(strings.Count(out.String(), "\n")) + s.Dropped(); n != 800 {
		t.Errorf("%d lines were written or dropped, want 800", n)
	}
}
