package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"

	"github.com/quicstep/quicstep/server"
	"github.com/quicstep/quicstep/server/admin"
)

// banFile keeps the bans where the admin door has its files, once there is such a folder.
func (c *serveCmd) banFile() string {
	folder, err := doorFolder(c.AdminDir)
	if err != nil {
		return ""
	}
	if info, err := os.Stat(string(folder)); err != nil || !info.IsDir() {
		return ""
	}
	return folder.BanFile()
}

// door opens the admin door, if it was asked for.
func (c *serveCmd) door(a *app, s *server.Server, cfg server.Config) (*admin.Door, error) {
	if c.AdminAddr == "" {
		return nil, nil
	}
	folder, err := doorFolder(c.AdminDir)
	if err != nil {
		return nil, err
	}
	door, err := admin.Listen(admin.Config{Server: s, Folder: folder, Addr: c.AdminAddr, TickRate: cfg.TickRate, Level: &a.level, Log: cfg.Log})
	if errors.Is(err, admin.ErrNoFolder) {
		return nil, usagef("--admin-addr: %w", err)
	}
	if err != nil {
		return nil, fmt.Errorf("--admin-addr: %w", err)
	}
	return door, nil
}

// operate runs the door until ctx ends, and tells when it ends before that.
func operate(ctx context.Context, door *admin.Door, log *slog.Logger) {
	if err := door.Run(ctx); err != nil {
		log.Error("the admin door ended", "error", err)
	}
}

// web opens the address for metrics, if it was asked for.
func (c *serveCmd) web(s *server.Server, cfg server.Config, door *admin.Door) (*admin.Web, error) {
	if c.MetricsAddr == "" {
		return nil, nil
	}
	web, err := admin.ListenWeb(admin.WebConfig{Server: s, Addr: c.MetricsAddr, Door: door, TickRate: cfg.TickRate, Log: cfg.Log})
	if err != nil {
		return nil, fmt.Errorf("--metrics-addr: %w", err)
	}
	return web, nil
}
