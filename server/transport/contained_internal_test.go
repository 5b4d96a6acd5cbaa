package transport

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/quicstep/quicstep/server/contain"
)

// TestAPanicCostsTheSocket in whose goroutine it is: its connection ends, and its goroutines with it.
func TestAPanicCostsTheSocket(t *testing.T) {
	panics := contain.NewPanics(nil)
	l := &Listener{cfg: Config{IdleTimeout: time.Minute, StreamWindowBytes: 64 << 10, Panics: panics}}
	ended := make(chan *Conn, 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ws, err := websocket.Accept(w, r, nil)
		if err != nil {
			t.Error(err)
			return
		}
		below, other := net.Pipe() // for the deadlines alone
		defer other.Close()
		conn, s := l.newWebSocket(ws, below)
		s.dropped = nil // the first datagram that finds the queue full is its end
		s.run(func(func() int64) { <-s.ctx.Done() })
		ended <- conn
	}))
	defer server.Close()
	ws, _, err := websocket.Dial(t.Context(), server.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer ws.CloseNow()
	for ws.Write(t.Context(), websocket.MessageBinary, []byte{1}) == nil {
		if panics.Counts()["websocket"] > 0 {
			break
		}
	}
	conn := <-ended
	if n := panics.Counts()["websocket"]; n != 1 || !errors.Is(context.Cause(conn.ctx), errBroken) {
		t.Errorf("%d panics are counted, and the connection ended with %v; want 1 and errBroken", n, context.Cause(conn.ctx))
	}
}
