package screen

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/quicstep/quicstep/clients/console"
	"github.com/quicstep/quicstep/protocol/admin"
)

// desk is a door without a server.
type desk struct {
	do    func(context.Context, admin.Request) (admin.Answer, error)
	watch func(ctx context.Context, take func(admin.Answer) error) error
}

func (d desk) Do(ctx context.Context, r admin.Request) (admin.Answer, error) { return d.do(ctx, r) }

func (d desk) Watch(ctx context.Context, _ admin.Request, take func(admin.Answer) error) error {
	return d.watch(ctx, take)
}

// TestActsThatCameOnTheWayInAreRefused: the server may be another one by then.
func TestActsThatCameOnTheWayInAreRefused(t *testing.T) {
	f := newFeed(console.Config{}, nil)
	var told []any
	f.tell = func(message any) { told = append(told, message) }
	for range 3 {
		f.do(effect{ask: admin.Request{Act: admin.ActDrain}})
	}
	f.refuse()
	if len(told) != 3 || told[0] != any(notConnected) || len(f.acts) != 0 {
		t.Errorf("it says %v, and %d acts wait", told, len(f.acts))
	}
}

// TestAFileThatIsThereIsNotWrittenOver, and the server is not asked for what would go into it.
func TestAFileThatIsThereIsNotWrittenOver(t *testing.T) {
	path := filepath.Join(t.TempDir(), "quicstep.pprof")
	f := newFeed(console.Config{}, nil)
	var told []acted
	f.tell = func(message any) { told = append(told, message.(acted)) }
	asked := 0
	door := desk{do: func(context.Context, admin.Request) (admin.Answer, error) {
		asked++
		return admin.Answer{Text: "1 s", Data: []byte("profile")}, nil
	}}
	e := effect{ask: admin.Request{Act: admin.ActProfile}, file: path}
	for range 2 {
		f.act(t.Context(), door, e)
	}
	if b, err := os.ReadFile(path); err != nil || string(b) != "profile" || asked != 1 {
		t.Errorf("it holds %q, %v; the server was asked %d times", b, err, asked)
	}
	if len(told) != 2 || told[0].failed || told[0].text != path+": 1 s" || !told[1].failed || !strings.Contains(told[1].text, "nothing was done") {
		t.Errorf("it says %v", told)
	}
}

// TestWhatWasSentAndNotAnsweredIsNotCalledUndone: it may have been done.
func TestWhatWasSentAndNotAnsweredIsNotCalledUndone(t *testing.T) {
	f := newFeed(console.Config{}, nil)
	var told []any
	f.tell = func(message any) { told = append(told, message) }
	f.act(t.Context(), desk{do: func(context.Context, admin.Request) (admin.Answer, error) {
		return admin.Answer{}, fmt.Errorf("%w: %w", console.ErrUnknown, context.Canceled)
	}}, effect{ask: admin.Request{Act: admin.ActKick}})
	if want := (acted{console.ErrUnknown.Error(), true}); len(told) != 1 || told[0] != any(want) || strings.Contains(want.text, "canceled") {
		t.Errorf("it says %v", told)
	}
}

// TestWhatIsRefusedForNowIsAskedAgain, ever more rarely, as what a held player was sent; what is refused for good is not.
func TestWhatIsRefusedForNowIsAskedAgain(t *testing.T) {
	for code, again := range map[string]bool{admin.CodeFailed: true, admin.CodeBusy: true, admin.CodeState: true, admin.CodeRole: false, admin.CodeNone: false, admin.CodeBad: false} {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			tries, came := 0, make(chan struct{})
			door := desk{watch: func(ctx context.Context, take func(admin.Answer) error) error {
				if tries++; tries <= 5 {
					return &console.RefusedError{Code: code, Text: "not now"}
				}
				take(admin.Answer{})
				close(came)
				<-ctx.Done()
				return ctx.Err()
			}}
			var told []any
			var work sync.WaitGroup
			s := subscriptions{
				door: door, tell: func(message any) { told = append(told, message) }, ctx: ctx, fail: func(err error) { t.Errorf("%s ends the connection: %v", code, err) },
				work: &work, running: map[string]context.CancelFunc{},
			}
			began := time.Now()
			s.follow([]admin.Request{{Act: admin.ActSight, EveryMS: everyMS}})
			if again {
				<-came
				if took, want := time.Since(began), 23*time.Second; took != want { // 1, 2, 4, 8 and 8
					t.Errorf("%s: the answer came after %v, want %v", code, took, want)
				}
			}
			synctest.Wait()
			cancel()
			work.Wait()
			if want := map[bool]int{true: 6, false: 1}[again]; len(told) != want || tries != want {
				t.Errorf("%s: in %d tries it was told %v", code, tries, told)
			}
		})
	}
}

// TestActsAreBounded: a few are under way, some wait, and one more is refused.
func TestActsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		f := newFeed(console.Config{}, nil)
		var mu sync.Mutex
		under, most, done := 0, 0, 0
		f.tell = func(any) {
			mu.Lock()
			defer mu.Unlock()
			done++
		}
		hold := make(chan struct{})
		door := desk{do: func(context.Context, admin.Request) (admin.Answer, error) {
			mu.Lock()
			under++
			most = max(most, under)
			mu.Unlock()
			<-hold
			mu.Lock()
			under--
			mu.Unlock()
			return admin.Answer{}, nil
		}}
		ended := make(chan error)
		go func() { ended <- f.serve(ctx, door) }()
		taken := 0
		for range actsAtOnce + waitingActs + 3 {
			if f.do(effect{ask: admin.Request{Act: admin.ActSay}}) {
				taken++
			}
			synctest.Wait()
		}
		if taken != actsAtOnce+waitingActs || most != actsAtOnce {
			t.Errorf("%d acts were taken, %d of them at once; want %d and %d", taken, most, actsAtOnce+waitingActs, actsAtOnce)
		}
		close(hold)
		synctest.Wait()
		if done != taken || most != actsAtOnce {
			t.Errorf("of %d acts %d were done, up to %d at once", taken, done, most)
		}
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("it ended with %v", err)
		}
	})
}
