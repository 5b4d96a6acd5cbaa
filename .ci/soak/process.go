package main

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/quicstep/quicstep/.ci/measure"
	"github.com/quicstep/quicstep/protocol"
	"github.com/quicstep/quicstep/protocol/admin"
)

// Bounds of what the server is asked.
const (
	askTimeout = 10 * time.Second
	answerMax  = 4 << 20
)

// process is the server that is soaked.
type process struct {
	*measure.Process
	http    http.Client
	figures string // where /stats is
	metrics string
	addr    string
	pin     [sha256.Size]byte
	profile admin.Profile
}

// startServer makes an operator's credentials, starts the server, and returns when it says where it listens. The server
// outlives ctx, until stop.
func startServer(ctx context.Context, s settings) (*process, error) {
	door := filepath.Join(s.Folder, "admin")
	if err := os.RemoveAll(door); err != nil { // an earlier run's
		return nil, err
	}
	at := measure.Place{Env: append(append(measure.Environment(os.Environ(), s.Folder), "GOGC=100"), s.Env...)}
	init, err := at.Start(ctx, 0, s.Program, "admin", "--admin-dir", door, "init")
	if err == nil {
		_, err = init.Wait(ctx, askTimeout)
	}
	if err != nil {
		return nil, fmt.Errorf("%w; make soak builds it", err)
	}
	p := &process{http: http.Client{Timeout: askTimeout}}
	p.Process, err = at.Start(context.WithoutCancel(ctx), 0, s.Program, "serve", "--game", "arena", "--addr", "127.0.0.1:0",
		"--debug-addr", "127.0.0.1:0", "--metrics-addr", "127.0.0.1:0", "--admin-addr", "127.0.0.1:0", "--admin-dir", door, "--log-format", "json",
		"--max-rooms", "1000", "--idle-timeout", s.Idle.String(), "--empty-room-lifetime", s.Empty.String())
	if err != nil {
		return nil, err
	}
	if err := p.find(ctx, filepath.Join(door, "console.json")); err != nil {
		return nil, errors.Join(err, p.stop())
	}
	return p, nil
}

// find reads where the server listens, and the operator's credentials.
func (p *process) find(ctx context.Context, profile string) (err error) {
	var pin, operators string
	for _, what := range []struct {
		is *string
		by string
	}{
		{&p.addr, `on (127\.0\.0\.1:\d+) at`}, {&pin, `certificate ([0-9a-f:]+);`}, {&p.figures, `figures on (http://127\.0\.0\.1:\d+)/stats`},
		{&p.metrics, `metrics on (http://127\.0\.0\.1:\d+/metrics)`}, {&operators, `operators at (127\.0\.0\.1:\d+);`},
	} {
		if *what.is, err = p.Expect(ctx, what.by); err != nil {
			return err
		}
	}
	if p.pin, err = protocol.ParsePin(pin); err != nil {
		return err
	}
	text, err := os.ReadFile(profile)
	if err != nil {
		return err
	}
	p.profile, err = admin.ParseProfile(text)
	p.profile.Addr = operators
	return err
}

// stop ends the server as an operator does; the error says that it did not end well.
func (p *process) stop() error {
	p.http.CloseIdleConnections()
	p.Stop()
	return p.Err()
}

// stats asks the server for its figures.
func (p *process) stats(ctx context.Context) (f figures, err error) {
	body, err := p.ask(ctx, http.MethodGet, p.figures+"/stats")
	if err == nil {
		err = json.Unmarshal(body, &f)
	}
	return f, err
}

// collect has the server free what it does not need; once for what pools keep, and once more for what hung on that.
func (p *process) collect(ctx context.Context) error {
	for range 2 {
		if _, err := p.ask(ctx, http.MethodPost, p.figures+"/gc"); err != nil {
			return err
		}
	}
	return nil
}

func (p *process) ask(ctx context.Context, method, url string) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, method, url, nil)
	if err != nil {
		return nil, err
	}
	answer, err := p.http.Do(r)
	if err != nil {
		return nil, fmt.Errorf("ask the server: %w", err)
	}
	defer answer.Body.Close()
	if answer.StatusCode/100 != 2 {
		return nil, fmt.Errorf("%s is answered with %s", url, answer.Status)
	}
	return io.ReadAll(io.LimitReader(answer.Body, answerMax))
}

// troubles are the lines of a log that say that something went wrong, the first ones.
func troubles(log string) (lines []string) {
	const most = 5
	for line := range strings.Lines(log) {
		isError := strings.Contains(line, `"level":"ERROR"`) || !strings.HasPrefix(line, "{") // such as the runtime's own words
		if isError && len(lines) < most {
			lines = append(lines, strings.TrimSpace(line))
		}
	}
	return lines
}
