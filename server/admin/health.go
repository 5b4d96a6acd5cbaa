package admin

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"golang.org/x/net/netutil"
)

// Bounds of the HTTP address.
const (
	webTimeout     = 10 * time.Second
	webIdleTimeout = time.Minute
	webHeaderBytes = 16 << 10
	webScrapes     = 4  // at a time; one more is told to come back
	webConns       = 64 // at a time; one more waits until another is closed, by webIdleTimeout at the latest when it is idle
)

// WebConfig is all that the HTTP address for metrics and health can be told. Server and Addr are needed.
type WebConfig struct {
	// Server is whose figures are told: a *server.Server.
	Server Watched
	// Addr is the TCP address; without a host it is loopback's. Whoever reaches it reads it: it asks nobody who they are.
	Addr string
	// Door's figures are told, too, unless it is nil.
	Door *Door
	// TickRate is the server's, in Hz, up to protocol.MaxTickRate; zero means 30.
	TickRate int
	// Log gets what goes wrong; nil drops it.
	Log *slog.Logger
}

// Web serves /metrics for Prometheus; /healthz, which answers 200 while the process does; and /readyz, which answers 503
// while the server lets nobody new in, or a room is stuck.
type Web struct {
	http     http.Server
	listener net.Listener
	cfg      WebConfig
}

// ListenWeb opens the address. The errors name what is wrong. A Web that is not run must be closed.
func ListenWeb(cfg WebConfig) (*Web, error) {
	if cfg.Server == nil {
		return nil, errors.New("admin: WebConfig needs a Server")
	}
	var err error
	if cfg.TickRate, err = tickRate(cfg.TickRate); err != nil {
		return nil, fmt.Errorf("admin: WebConfig.%w", err)
	}
	host, port, err := net.SplitHostPort(cfg.Addr)
	if err != nil {
		return nil, fmt.Errorf("address for metrics: %w; write it as in 127.0.0.1:9464", err)
	}
	if host == "" {
		host = "127.0.0.1"
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.NewTextHandler(io.Discard, nil))
	}
	registry := prometheus.NewPedanticRegistry()
	for _, c := range []prometheus.Collector{
		collector{cfg.Server, cfg.Door, cfg.TickRate}, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	} {
		if err := registry.Register(c); err != nil {
			return nil, fmt.Errorf("metrics: %w", err)
		}
	}
	w := &Web{cfg: cfg}
	if w.listener, err = net.Listen("tcp", net.JoinHostPort(host, port)); err != nil {
		return nil, fmt.Errorf("address for metrics: %w", err)
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{MaxRequestsInFlight: webScrapes, Timeout: webTimeout}))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET /readyz", w.ready)
	w.http = http.Server{
		Handler: mux, ReadTimeout: webTimeout, WriteTimeout: 2 * webTimeout, IdleTimeout: webIdleTimeout, MaxHeaderBytes: webHeaderBytes,
	}
	return w, nil
}

func (w *Web) ready(out http.ResponseWriter, _ *http.Request) {
	if w.cfg.Server.Draining() {
		http.Error(out, "draining: nobody new is let in", http.StatusServiceUnavailable)
		return
	}
	if n := w.cfg.Server.Stats().StuckRooms; n > 0 {
		http.Error(out, fmt.Sprintf("stuck rooms: %d; drain this server and restart it", n), http.StatusServiceUnavailable)
		return
	}
	fmt.Fprintln(out, "ready")
}

// Addr is where it listens.
func (w *Web) Addr() net.Addr { return w.listener.Addr() }

// Close closes an address that was not run.
func (w *Web) Close() error { return w.listener.Close() }

// Run serves until ctx ends. What is under way then is cut off soon after.
func (w *Web) Run(ctx context.Context) {
	served := make(chan error, 1)
	go func() { served <- w.http.Serve(netutil.LimitListener(w.listener, webConns)) }()
	select {
	case err := <-served:
		w.cfg.Log.Error("the address for metrics ended", "error", err)
		return
	case <-ctx.Done():
	}
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	if errors.Is(w.http.Shutdown(closing), context.DeadlineExceeded) {
		w.http.Close()
	}
	<-served
}
