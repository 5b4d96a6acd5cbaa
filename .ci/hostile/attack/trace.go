package attack

import (
	"bufio"
	"context"
	"encoding/gob"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"time"
)

// Trace is what an attack sent, and when: sizes only, for whoever discards packets does not look at them. A control run
// sends the same at the same times.
type Trace struct {
	begun time.Time

	mu     sync.Mutex // guards what follows
	events []event
	full   bool
}

// event is something that was done to a socket.
type event struct {
	At    uint32 // in microseconds from the attack's begin
	Conn  uint32 // the socket
	Kind  kind
	Size  uint32 // of each packet, or of what was written
	Count uint32 // of packets that were sent with one system call
}

type kind uint8

const (
	udpSent kind = iota
	tcpOpened
	tcpSent
	tcpClosed
)

// eventsMost bounds a trace: some 100 MB.
const eventsMost = 5_000_000

func (t *Trace) add(e event) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.full = len(t.events) >= eventsMost; t.full {
		return
	}
	e.At = uint32(time.Since(t.begun).Microseconds())
	t.events = append(t.events, e)
}

// Write writes the trace to a file.
func (t *Trace) Write(path string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.full {
		return fmt.Errorf("the trace has more than %d events: attack for a shorter time", eventsMost)
	}
	f, err := os.Create(path)
	if err != nil {
		return fmt.Errorf("write the trace: %w", err)
	}
	defer f.Close()
	w := bufio.NewWriter(f)
	if err := gob.NewEncoder(w).Encode(t.events); err != nil {
		return fmt.Errorf("write the trace: %w", err)
	}
	return w.Flush()
}

// ReadTrace reads a trace.
func ReadTrace(path string) (*Trace, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read the trace: %w", err)
	}
	defer f.Close()
	t := &Trace{}
	if err := gob.NewDecoder(bufio.NewReader(f)).Decode(&t.events); err != nil {
		return nil, fmt.Errorf("read the trace: %w", err)
	}
	return t, nil
}

// replay is a control run under way.
type replay struct {
	network Network
	udp     net.Addr // where packets are discarded
	tcp     string
	sockets map[uint32]*Socket
	conns   map[uint32]net.Conn
	many    map[uint32]*many
	bytes   []byte
}

// Replay sends what a trace has to sockets that discard it, at the same times, until ctx ends or all is sent.
func Replay(ctx context.Context, t *Trace) (Report, error) {
	udp, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		return Report{}, fmt.Errorf("open what discards: %w", err)
	}
	defer udp.Close() // nobody reads it: the kernel drops what comes
	tcp, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return Report{}, fmt.Errorf("open what discards: %w", err)
	}
	var work sync.WaitGroup
	work.Go(func() { discard(tcp) })
	defer work.Wait()
	defer tcp.Close()
	r := &replay{udp: udp.LocalAddr(), tcp: tcp.Addr().String(), sockets: map[uint32]*Socket{}, conns: map[uint32]net.Conn{}, many: map[uint32]*many{}}
	defer r.close()
	begun := time.Now()
	for _, e := range t.events {
		if early := time.Duration(e.At)*time.Microsecond - time.Since(begun); early > paceEvery && !wait(ctx, early) {
			break
		}
		if ctx.Err() != nil {
			break
		}
		if err := r.do(ctx, e); err != nil && ctx.Err() == nil {
			return Report{}, fmt.Errorf("send the same: %w", err)
		}
	}
	return Report{Did: r.network.packets.Load(), Seconds: time.Since(begun).Seconds(), Packets: r.network.packets.Load(), Bytes: r.network.bytes.Load()}, nil
}

// discard takes connections, and what comes over them.
func discard(l net.Listener) {
	var work sync.WaitGroup
	for {
		conn, err := l.Accept()
		if err != nil {
			break
		}
		work.Go(func() {
			io.Copy(io.Discard, conn)
			conn.Close()
		})
	}
	work.Wait()
}

func (r *replay) do(ctx context.Context, e event) error {
	if int(e.Size*max(1, e.Count)) > len(r.bytes) {
		r.bytes = make([]byte, e.Size*max(1, e.Count))
	}
	switch e.Kind {
	case tcpOpened:
		conn, err := r.network.Dial(ctx, r.tcp)
		if err == nil {
			r.conns[e.Conn] = conn
		}
		return err
	case tcpSent:
		if conn := r.conns[e.Conn]; conn != nil {
			conn.Write(r.bytes[:e.Size])
		}
		return nil
	case tcpClosed:
		if conn := r.conns[e.Conn]; conn != nil {
			conn.Close()
			delete(r.conns, e.Conn)
		}
		return nil
	}
	return r.send(e)
}

func (r *replay) send(e event) error {
	socket := r.sockets[e.Conn]
	if socket == nil {
		var err error
		if socket, err = r.network.Listen(); err != nil {
			return err
		}
		r.sockets[e.Conn] = socket
	}
	if e.Count <= 1 {
		socket.WriteTo(r.bytes[:e.Size], r.udp) // a full queue is no error of ours
		return nil
	}
	if r.many[e.Conn] == nil {
		var err error
		if r.many[e.Conn], err = newMany(socket, r.udp, int(e.Size)); err != nil {
			return err
		}
	}
	r.many[e.Conn].send(r.bytes[:e.Size*e.Count])
	return nil
}

func (r *replay) close() {
	for _, s := range r.sockets {
		s.Close()
	}
	for _, c := range r.conns {
		c.Close()
	}
}
