package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/pprof"
	"runtime"
	"runtime/debug"
	"syscall"
	"time"

	"github.com/quicstep/quicstep/server"
)

// Bounds of the debug server.
const (
	debugReadTimeout  = 5 * time.Second
	debugWriteTimeout = 30 * time.Second // on top of what a profile was asked to take
	debugIdleTimeout  = time.Minute
	debugHeaderBytes  = 16 << 10
	debugCloseTimeout = time.Second
)

// loopback resolves an address that no other machine may reach.
func loopback(addr string) (*net.TCPAddr, error) {
	tcp, err := net.ResolveTCPAddr("tcp", addr)
	if err != nil {
		return nil, usagef("--debug-addr %q: %w; write it as in 127.0.0.1:6060", addr, err)
	}
	if tcp.IP == nil || !tcp.IP.IsLoopback() {
		return nil, usagef("--debug-addr %q can be reached from other machines, for which figures and profiles are not meant: "+
			"give a loopback address, as in 127.0.0.1:6060, and reach it from elsewhere through ssh -L", addr)
	}
	return tcp, nil
}

// debugServer tells an operator on this machine about the server and the process.
type debugServer struct {
	http     http.Server
	listener net.Listener
	server   *server.Server
	cfg      server.Config
}

func listenDebug(addr string, s *server.Server, cfg server.Config) (*debugServer, error) {
	tcp, err := loopback(addr)
	if err != nil {
		return nil, err
	}
	l, err := net.ListenTCP("tcp", tcp)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("--debug-addr: %w: another program listens there: choose another port; 0 takes a free one", err)
	}
	if err != nil {
		return nil, fmt.Errorf("--debug-addr: %w", err)
	}
	d := &debugServer{listener: l, server: s, cfg: cfg}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /stats", d.stats)
	mux.HandleFunc("GET /why", d.why)
	mux.Handle("POST /gc", http.NewCrossOriginProtection().Handler(http.HandlerFunc(collect)))
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	d.http = http.Server{
		Handler: onlyLocal(mux), ReadTimeout: debugReadTimeout, WriteTimeout: debugWriteTimeout,
		IdleTimeout: debugIdleTimeout, MaxHeaderBytes: debugHeaderBytes,
	}
	return d, nil
}

func (d *debugServer) addr() net.Addr { return d.listener.Addr() }

// run serves until ctx ends. What is under way then is cut off soon after.
func (d *debugServer) run(ctx context.Context) {
	d.http.BaseContext = func(net.Listener) context.Context { return ctx } // ends profiles
	served := make(chan error, 1)
	go func() { served <- d.http.Serve(d.listener) }()
	select {
	case err := <-served:
		d.cfg.Log.Error("the debug address ended", "error", err)
		return
	case <-ctx.Done():
	}
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), debugCloseTimeout)
	defer cancel()
	if d.http.Shutdown(closing) != nil {
		d.http.Close()
	}
	<-served
}

// onlyLocal refuses requests by another host name: a page in a browser on this machine may have given its own name the
// loopback address, and could read the answers.
func onlyLocal(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host := r.Host
		if name, _, err := net.SplitHostPort(host); err == nil {
			host = name
		}
		if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
			http.Error(w, "ask by a loopback address", http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// collect frees what the process does not need any more and gives it back to the system, so that /stats tells afterwards
// what is in use. The world stops for a moment; it is for measurements.
func collect(w http.ResponseWriter, _ *http.Request) {
	runtime.GC() // moves what pools keep to where the next one frees it
	debug.FreeOSMemory()
	w.WriteHeader(http.StatusNoContent)
}

func (d *debugServer) stats(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.Encode(figuresOf(d.server.Stats(), d.server.Rooms(), d.cfg.TickRate, time.Now())) // fails when the reader has gone
}
