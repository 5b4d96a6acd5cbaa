package screen

import (
	"context"
	"errors"
	"os"
	"sync"
	"time"

	"github.com/quicstep/quicstep/clients/console"
	"github.com/quicstep/quicstep/protocol/admin"
)

// waitingActs bounds the acts that wait to be sent; one more is refused.
const waitingActs = 8

// How long the feed waits before it tries again: when nobody answered, and when it was refused.
const (
	retryAfter   = time.Second
	refusedAfter = 10 * time.Second
)

// feed keeps the connection to the door: it subscribes to what the model wants, sends its acts, and tells it what comes.
type feed struct {
	cfg    console.Config
	client *console.Client // nil: not in
	acts   chan effect
	tell   func(any) // called by any of the feed's goroutines

	mu     sync.Mutex // guards wants
	wants  []admin.Request
	change chan struct{} // holds one: wants are others
}

func newFeed(cfg console.Config, client *console.Client) *feed {
	return &feed{cfg: cfg, client: client, acts: make(chan effect, waitingActs), change: make(chan struct{}, 1)}
}

// want says what to be subscribed to from now on. It does not wait.
func (f *feed) want(requests []admin.Request) {
	f.mu.Lock()
	f.wants = requests
	f.mu.Unlock()
	select {
	case f.change <- struct{}{}:
	default:
	}
}

func (f *feed) wanted() []admin.Request {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.wants
}

// do sends an act, unless too many wait. It does not wait.
func (f *feed) do(e effect) bool {
	select {
	case f.acts <- e:
		return true
	default:
		return false
	}
}

// run goes on until ctx ends, and waits for all that it has started.
func (f *feed) run(ctx context.Context) {
	for ctx.Err() == nil {
		if f.client == nil {
			client, err := console.Open(ctx, f.cfg)
			if err != nil {
				f.tell(lost{err.Error()})
				f.pause(ctx, err)
				continue
			}
			f.client = client
			f.refuse()
		}
		f.tell(linked{f.client.Welcome()})
		err := f.serve(ctx)
		f.client.Close()
		f.client = nil
		if ctx.Err() == nil {
			f.tell(lost{err.Error()})
			f.pause(ctx, err)
		}
	}
}

// pause waits before the next try. Acts that come meanwhile are refused, for nobody knows what the server is then.
func (f *feed) pause(ctx context.Context, why error) {
	pause := retryAfter
	if errors.Is(why, console.ErrRefused) || errors.Is(why, console.ErrCertificate) {
		pause = refusedAfter // it will hardly be otherwise soon, and the server slows who asks too often
	}
	timer := time.NewTimer(pause)
	defer timer.Stop()
	for {
		select {
		case <-timer.C:
			return
		case <-ctx.Done():
			return
		case <-f.acts:
			f.tell(notConnected)
		}
	}
}

// refuse refuses the acts that came while the feed was on its way in.
func (f *feed) refuse() {
	for {
		select {
		case <-f.acts:
			f.tell(notConnected)
		default:
			return
		}
	}
}

// notConnected is what becomes of an act meanwhile.
var notConnected = acted{"not connected: nothing was done", true}

// serve subscribes and acts until the connection is lost, and says why.
func (f *feed) serve(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	var work sync.WaitGroup
	defer work.Wait()
	defer cancel(nil)
	s := subscriptions{feed: f, ctx: ctx, fail: cancel, work: &work, running: map[string]context.CancelFunc{}}
	s.follow(f.wanted())
	for {
		select {
		case <-f.change:
			s.follow(f.wanted())
		case e := <-f.acts:
			work.Go(func() { f.act(ctx, e) })
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// subscriptions are those of one connection. Its goroutine alone touches them.
type subscriptions struct {
	*feed
	ctx     context.Context
	fail    context.CancelCauseFunc
	work    *sync.WaitGroup
	running map[string]context.CancelFunc
}

// follow starts what is new among the wants, and ends what is not wanted any more. One that was refused is not asked for
// again as long as it is wanted.
func (s *subscriptions) follow(wants []admin.Request) {
	wanted := map[string]bool{}
	for _, r := range wants {
		key := keyOf(r)
		if wanted[key] = true; s.running[key] == nil {
			ctx, stop := context.WithCancel(s.ctx)
			s.running[key] = stop
			s.work.Go(func() { s.watch(ctx, r) })
		}
	}
	for key, stop := range s.running {
		if !wanted[key] {
			stop()
			delete(s.running, key)
		}
	}
}

func (s *subscriptions) watch(ctx context.Context, r admin.Request) {
	err := s.client.Watch(ctx, r, func(a admin.Answer) error {
		s.tell(answered{keyOf(r), a, time.Now()})
		return nil
	})
	var no *console.RefusedError
	switch {
	case errors.As(err, &no):
		s.tell(refused{keyOf(r), no.Text})
	case ctx.Err() == nil:
		s.fail(err)
	}
}

// act does one act, and tells what became of it.
func (f *feed) act(ctx context.Context, e effect) {
	if e.file != "" {
		if _, err := os.Lstat(e.file); err == nil {
			f.tell(acted{e.file + " is there already: nothing was done", true})
			return
		}
	}
	a, err := f.client.Do(ctx, e.ask)
	if err == nil && e.file != "" {
		err = save(e.file, &a)
	}
	switch {
	case err != nil:
		f.tell(acted{err.Error(), true})
	case e.ask.Act == admin.ActAudit:
		f.tell(answered{keyOf(e.ask), a, time.Now()})
	default:
		f.tell(acted{a.Text, false})
	}
}

// writeNew writes a file that is not there yet: somebody may have made it while the server took the profile.
func writeNew(path string, data []byte) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(data)
	return errors.Join(err, file.Close())
}
