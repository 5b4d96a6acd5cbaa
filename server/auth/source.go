package auth

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// source is where keys come from. Only New and then Run read; whoever needs keys takes those that are there.
type source struct {
	cfg     Config
	name    string // of the file or address, for people
	client  *http.Client
	last    []byte // what was read last; touched by who reads
	failing bool   // the last reading failed, which is logged once; likewise

	wake            chan struct{} // holds one: anyone asks for a reading, run takes
	reads, failures atomic.Uint64

	mu    sync.Mutex // guards what follows
	keys  []key
	fresh time.Time     // when they were read
	tried time.Time     // when the latest reading ended
	done  chan struct{} // closed at the end of the next one
}

// isAddress tells an address from a file.
func isAddress(keys string) bool {
	return strings.HasPrefix(keys, "https://") || strings.HasPrefix(keys, "http://")
}

func newSource(cfg Config) (*source, error) {
	s := &source{cfg: cfg, name: cfg.Keys, wake: make(chan struct{}, 1), done: make(chan struct{})}
	if !isAddress(cfg.Keys) {
		return s, nil
	}
	at, err := url.Parse(cfg.Keys)
	if err != nil || at.Host == "" {
		return nil, errors.New("auth: the keys' address can't be read: write it as https://auth.example.com/keys.json")
	}
	s.name = at.Redacted()
	if at.Scheme == "http" && !isLoopback(at.Hostname()) {
		return nil, fmt.Errorf("auth: %s is not safe: whoever is on the way could put keys of their own in; use https, http is for this machine alone", s.name)
	}
	s.client = &http.Client{
		Transport: cfg.Transport, Timeout: cfg.FetchTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return s, nil
}

func isLoopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.IsLoopback()
}

// run reads now and then, and when it is asked to.
func (s *source) run(ctx context.Context) {
	ticker := time.NewTicker(s.cfg.Refresh)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		case <-s.wake:
			if _, due := s.due(time.Now()); !due {
				continue // it has been read since
			}
		}
		s.read(ctx) // which logs why it fails
	}
}

// due tells whether enough time has passed for another reading, and gives what is closed at its end.
func (s *source) due(now time.Time) (done <-chan struct{}, due bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.done, now.Sub(s.tried) >= s.cfg.Again
}

// current is the keys to trust.
func (s *source) current(now time.Time) ([]key, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if age := now.Sub(s.fresh); age > s.cfg.MaxAge {
		return nil, fmt.Errorf("the keys of %s were last read %v ago: they are not trusted any more", s.name, age.Round(time.Second))
	}
	return s.keys, nil
}

// again waits for one more reading; it returns false when there was one just now, or ctx ends first.
func (s *source) again(ctx context.Context) bool {
	done, due := s.due(time.Now())
	if !due {
		return false
	}
	select {
	case s.wake <- struct{}{}:
	default:
	}
	select {
	case <-done:
		return true
	case <-ctx.Done():
		return false
	}
}

// read reads the keys; when that fails the former ones stay.
func (s *source) read(ctx context.Context) error {
	b, err := s.fetch(ctx)
	var keys []key
	if err == nil && (s.last == nil || !bytes.Equal(b, s.last)) {
		if keys, err = parseKeys(b); err == nil {
			s.last = b
		}
	}
	now := time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.done)
	s.tried, s.done = now, make(chan struct{})
	if err != nil {
		s.failures.Add(1)
		err = fmt.Errorf("read the keys of %s: %w", s.name, err)
		if !s.failing && ctx.Err() == nil {
			s.failing = true
			s.cfg.Log.Warn("keys not read; the former ones stay", "error", err, "for", s.cfg.MaxAge.String())
		}
		return err
	}
	s.reads.Add(1)
	s.fresh, s.failing = now, false
	if keys != nil {
		s.keys = keys
		s.cfg.Log.Info("keys read", "from", s.name, "keys", len(keys))
	}
	return nil
}

// fetch returns what the file holds, or the address answers.
func (s *source) fetch(ctx context.Context) ([]byte, error) {
	if s.client == nil {
		f, err := os.Open(s.cfg.Keys)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		return readAll(f)
	}
	ask, err := http.NewRequestWithContext(ctx, http.MethodGet, s.cfg.Keys, nil)
	if err != nil {
		return nil, err
	}
	ask.Header.Set("Accept", "application/json, application/jwk-set+json")
	answer, err := s.client.Do(ask)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if answer.StatusCode >= 300 && answer.StatusCode < 400 {
		return nil, fmt.Errorf("it answers %d and sends on elsewhere, where nobody is followed: give the address that it leads to", answer.StatusCode)
	}
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("it answers %d", answer.StatusCode)
	}
	return readAll(answer.Body)
}

func readAll(r io.Reader) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(r, maxKeysBytes+1))
	if err == nil && len(b) > maxKeysBytes {
		err = fmt.Errorf("it has more than %d bytes", maxKeysBytes)
	}
	return b, err
}
