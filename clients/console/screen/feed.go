package screen

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/quicstep/quicstep/clients/console"
	"github.com/quicstep/quicstep/protocol/admin"
)

// Bounds of what the feed does at a time. The door takes 16 requests of a connection, most of which a page may need.
const (
	actsAtOnce  = 4 // acts that are under way; the others wait
	waitingActs = 8 // acts that wait; one more is refused
)

// tooMuch is what becomes of that.
var tooMuch = acted{fmt.Sprintf("%d acts are under way and %d wait: this one was not done, try again in a moment", actsAtOnce, waitingActs), true}

// How long the feed waits before it tries again: when nobody answered, and when it was refused.
const (
	retryAfter   = time.Second
	refusedAfter = 10 * time.Second
)

// How long a subscription waits that was refused for now, such as what a held player was sent: at first, doubled each time up
// to the other.
const (
	askAgainAfter  = time.Second
	askAgainAtMost = 8 * time.Second
)

// asker is what asks at the door: a *console.Client.
type asker interface {
	Do(ctx context.Context, r admin.Request) (admin.Answer, error)
	Watch(ctx context.Context, r admin.Request, take func(admin.Answer) error) error
}

// feed keeps the connection to the door: it subscribes to what the model wants, sends its acts, and tells it what comes.
type feed struct {
	cfg    console.Config
	client *console.Client // nil: not in
	acts   chan effect
	tell   func(any)        // called by any of the feed's goroutines
	clock  <-chan time.Time // once a second

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
	clock := time.NewTicker(time.Second)
	defer clock.Stop()
	f.clock = clock.C
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
		err := f.serve(ctx, f.client)
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
		case now := <-f.clock:
			f.tell(ticked{now})
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
func (f *feed) serve(ctx context.Context, door asker) error {
	ctx, cancel := context.WithCancelCause(ctx)
	var work sync.WaitGroup
	defer work.Wait()
	defer cancel(nil)
	s := subscriptions{door: door, tell: f.tell, ctx: ctx, fail: cancel, work: &work, running: map[string]context.CancelFunc{}}
	s.follow(f.wanted())
	under, over := 0, make(chan struct{}, actsAtOnce)
	for {
		acts := f.acts
		if under == actsAtOnce {
			acts = nil
		}
		select {
		case <-f.change:
			s.follow(f.wanted())
		case e := <-acts:
			under++
			work.Go(func() {
				f.act(ctx, door, e)
				over <- struct{}{}
			})
		case <-over:
			under--
		case now := <-f.clock:
			f.tell(ticked{now})
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// subscriptions are those of one connection. Its goroutine alone touches them.
type subscriptions struct {
	door    asker
	tell    func(any)
	ctx     context.Context
	fail    context.CancelCauseFunc
	work    *sync.WaitGroup
	running map[string]context.CancelFunc
}

// follow starts what is new among the wants, and ends what is not wanted any more. One that was refused for good is not asked
// for again as long as it is wanted.
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

// watch subscribes, again and again while the answer may be another one soon.
func (s *subscriptions) watch(ctx context.Context, r admin.Request) {
	for pause := askAgainAfter; ; pause = min(2*pause, askAgainAtMost) {
		err := s.door.Watch(ctx, r, func(a admin.Answer) error {
			pause = askAgainAfter
			s.tell(answered{keyOf(r), a, time.Now()})
			return nil
		})
		var no *console.RefusedError
		switch {
		case ctx.Err() != nil:
			return
		case !errors.As(err, &no):
			s.fail(err)
			return
		}
		s.tell(refused{keyOf(r), no.Text})
		if no.Code != admin.CodeBusy && no.Code != admin.CodeFailed && no.Code != admin.CodeState {
			return
		}
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return
		}
	}
}

// act does one act, and tells what became of it. A file is made before the server is asked.
func (f *feed) act(ctx context.Context, door asker, e effect) {
	var a admin.Answer
	fetch := func(into io.Writer) (err error) {
		if a, err = door.Do(ctx, e.ask); err == nil {
			err = save(into, &a)
		}
		return err
	}
	var err error
	if e.file == "" {
		err = fetch(io.Discard)
	} else if err = console.Keep(e.file, fetch); err == nil {
		a.Text = fmt.Sprintf("%s: %s", e.file, a.Text)
	}
	switch {
	case errors.Is(err, console.ErrUnknown):
		f.tell(acted{console.ErrUnknown.Error(), true}) // the connection's end is told beside it
	case errors.Is(err, console.ErrFile):
		f.tell(acted{err.Error() + "; nothing was done", true})
	case err != nil:
		f.tell(acted{err.Error(), true})
	case e.ask.Act == admin.ActAudit:
		f.tell(answered{keyOf(e.ask), a, time.Now()})
	default:
		f.tell(acted{a.Text, false})
	}
}
