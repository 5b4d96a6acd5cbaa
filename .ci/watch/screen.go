package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

const (
	// screenTimeout is how long the screen may take, and screenEvery how often it is looked at.
	screenTimeout = 20 * time.Second
	screenEvery   = 10 * time.Millisecond
)

// firstScreen is how long the terminal program takes until it shows a room, in milliseconds; zero without tmux.
func (w *watching) firstScreen(ctx context.Context, s *served) (ms float64, err error) {
	if _, err := exec.LookPath("tmux"); err != nil {
		return 0, nil
	}
	dir, err := os.MkdirTemp("", "qs") // a socket's path is short
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	tmux := func(args ...string) (string, error) {
		command := exec.CommandContext(ctx, "tmux", append([]string{"-S", filepath.Join(dir, "s"), "-f", os.DevNull}, args...)...)
		command.Env = w.Env
		text, err := command.CombinedOutput()
		if err != nil {
			err = fmt.Errorf("tmux %s: %w: %s", args[0], err, text)
		}
		return string(text), err
	}
	// The shell waits for a line, so that tmux has begun before the clock does.
	line := fmt.Sprintf("read go; exec '%s' console --profile '%s' --door %s", w.program(), s.profile, s.door)
	if _, err := tmux("new-session", "-d", "-x", "80", "-y", "24", line); err != nil {
		return 0, err
	}
	defer tmux("kill-server") // its own, by its socket
	began := time.Now()
	if _, err := tmux("send-keys", "Enter"); err != nil {
		return 0, err
	}
	for time.Since(began) < screenTimeout && ctx.Err() == nil {
		screen, err := tmux("capture-pane", "-p")
		if err != nil {
			return 0, err
		}
		if strings.Contains(screen, "bots-") {
			return float64(time.Since(began).Microseconds()) / 1000, nil
		}
		pause(ctx, screenEvery)
	}
	return 0, fmt.Errorf("the terminal program showed no room within %v", screenTimeout)
}
