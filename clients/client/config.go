package client

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/quic-go/quic-go"

	"github.com/quicstep/quicstep/protocol"
	"github.com/quicstep/quicstep/protocol/plain"
)

// Config is where to connect and how. The zero value joins a development server on this machine.
type Config struct {
	// Addr is the server's UDP address, "host:port"; empty means 127.0.0.1:4433.
	Addr string
	// Pins are SHA-256 sums of certificates that are trusted by themselves. Without any, a loopback address is
	// trusted by the development pin that the server left on this machine, and every other address by the
	// system's certificate authorities. There is no way to trust everybody.
	Pins [][sha256.Size]byte
	// CacheDir is where the development pin is looked up; empty means the user's cache folder.
	CacheDir string
	// PacketConn is used instead of a socket of the client's own when it is set; it stays the caller's to close.
	PacketConn net.PacketConn
	// Socket is used instead of a socket of the client's own when it is set; it stays the caller's to close.
	Socket *Socket
	// Room is the public room to join, which is made when it is not there; empty means any that has a place. What may not be
	// in a name is left out, as plain.CleanName does.
	Room string
	// Existing joins Room only when it is there.
	Existing bool
	// Private makes a room that is not listed; Session.Room tells the code by which others join it.
	Private bool
	// Code joins the private room that has this code.
	Code string
	// Reconnect is for how long a lost connection, or one that a server ended to restart, is tried again; zero means not
	// at all. While the server holds the session it goes on: the same player, the same rows. Otherwise the player joins
	// anew, as somebody else; a private room that it has made again by its code, or another when that one has ended.
	Reconnect time.Duration
	// Interpolate has Session.Draw show others smoothly, a moment after they were there, and events that have a position
	// fire when that moment is shown. It costs the space for the latest records of each row.
	Interpolate bool
	// NoPrediction shows own rows as the server said last. Otherwise the game's OnInput runs for what the player asks, so
	// that it shows at once; headless clients save its work.
	NoPrediction bool
	// EaseTime is how long it takes until nineteen twentieths of a misprediction are gone from the screen; zero means
	// 100 ms, negative shows it at once. See world.Teleport.
	EaseTime time.Duration
	// Resume is a former Session's Token: Join goes on as that player, in that room, whatever else is asked for. When the
	// server does not know it any more, it joins as if there was none; Session.Resumed tells.
	Resume []byte
	// OnlyResume makes Join fail with ErrExpired instead.
	OnlyResume bool
	// OnToken is told every new token, also of a session that goes on by itself: save it where the next process finds
	// it. The session waits until it returns. Nil drops it.
	OnToken func(token []byte)
	// OnTick is called for each new tick, where it was received and before the input leaves that answers it: for who plays for
	// many, and would have a goroutine woken for each. It may call the session, but for Close and what waits. The session, and
	// whoever calls it, waits until it returns. Nil costs nothing.
	OnTick func(s *Session, tick uint64)
	// OverStream has states and inputs travel on a reliable stream each way, to measure what datagrams are worth: the server
	// must do the same. It is not for players.
	OverStream bool
	// Log gets, at debug level, each misprediction; and what should never happen: rows that are not as the server's. Nil drops it.
	Log *slog.Logger
	// Token tells the server who this is, by at most protocol.MaxToken bytes, if it asks: a server refuses whom it can't
	// place with a reason for the player. Whoever has it can join as this player: keep it as you would a password.
	Token []byte
	// FetchToken gets a token for each join, in place of Token: the first one, and each by which a lost session joins anew,
	// when an earlier token may have expired or been used. A resumed session needs none. It must return when ctx ends, and its error
	// is the join's.
	FetchToken func(ctx context.Context) ([]byte, error)
	// Timeout bounds the whole of Join; zero means 10 s.
	Timeout time.Duration
}

func (c Config) withDefaults() (Config, error) {
	ways := 0
	for _, way := range []bool{c.Room != "", c.Private, c.Code != ""} {
		if way {
			ways++
		}
	}
	for _, name := range []*string{&c.Room, &c.Code} {
		clean := plain.CleanName(*name, 4*protocol.MaxGameName) // what is too long then is refused, not cut
		if clean == "" && *name != "" {
			return c, errors.New("client: the room's name has nothing that can be seen: give it one, or none for any room")
		}
		*name = clean
	}
	if ways > 1 || c.Existing && c.Room == "" {
		return c, errors.New("client: Room, Private and Code exclude each other, and Existing goes with Room")
	}
	if c.PacketConn != nil && c.Socket != nil {
		return c, errors.New("client: PacketConn and Socket exclude each other: OpenSocket opens one of its own")
	}
	if c.Timeout < 0 || c.Reconnect < 0 {
		return c, errors.New("client: Timeout and Reconnect can't be negative")
	}
	if c.EaseTime == 0 {
		c.EaseTime = 100 * time.Millisecond
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Addr == "" {
		c.Addr = "127.0.0.1:4433"
	}
	if c.Timeout == 0 {
		c.Timeout = 10 * time.Second
	}
	if c.OnlyResume && len(c.Resume) == 0 {
		return c, errors.New("client: OnlyResume goes with Resume")
	}
	if c.OnToken == nil {
		c.OnToken = func([]byte) {}
	}
	return c, nil
}

// hello is what the configuration asks a server for.
func (c Config) hello(game string, schemaHash uint64) protocol.Hello {
	h := protocol.Hello{Game: game, SchemaHash: schemaHash, Token: c.Token, Room: c.Room}
	switch {
	case c.Private:
		h.Join = protocol.CreatePrivate
	case c.Code != "":
		h.Room, h.Join = c.Code, protocol.JoinPrivate
	case c.Existing:
		h.Join = protocol.JoinExisting
	}
	return h
}

// idleTimeout is after how long without a packet the connection counts as lost.
const idleTimeout = 15 * time.Second

func quicConfig() *quic.Config {
	return &quic.Config{
		EnableDatagrams:      true,
		InitialPacketSize:    1232, // so that protocol.MaxDatagramPayload fits the first packets
		MaxIdleTimeout:       idleTimeout,
		HandshakeIdleTimeout: 5 * time.Second,
		KeepAlivePeriod:      idleTimeout / 4,
	}
}

// tlsConfig trusts the pins, or the system's authorities.
func (c Config) tlsConfig(host string, addr *net.UDPAddr) (*tls.Config, error) {
	alpn := protocol.ALPN
	if c.OverStream {
		alpn = protocol.StreamALPN
	}
	cfg := &tls.Config{
		MinVersion:       tls.VersionTLS13,
		NextProtos:       []string{alpn},
		CurvePreferences: []tls.CurveID{tls.X25519},
		ServerName:       host,
	}
	pins := c.Pins
	if len(pins) == 0 && addr.IP.IsLoopback() {
		pin, err := c.developmentPin()
		if err != nil {
			return nil, err
		}
		pins = append(pins, pin)
	}
	if len(pins) == 0 {
		return cfg, nil
	}
	// The certificate is checked against the pins in place of the authorities; nothing goes unchecked.
	cfg.InsecureSkipVerify = true
	cfg.VerifyPeerCertificate = func(certs [][]byte, _ [][]*x509.Certificate) error {
		return checkPins(certs, pins)
	}
	return cfg, nil
}

// errPin is the certificate error that Join explains.
var errPin = errors.New("the server's certificate is not the pinned one")

func checkPins(certs [][]byte, pins [][sha256.Size]byte) error {
	if len(certs) == 0 {
		return errPin
	}
	sum := sha256.Sum256(certs[0])
	for _, pin := range pins {
		if bytes.Equal(sum[:], pin[:]) {
			return nil
		}
	}
	return fmt.Errorf("%w: its SHA-256 is %s", errPin, protocol.FormatPin(sum))
}

// developmentPin reads what a server with a development certificate left on this machine.
func (c Config) developmentPin() (pin [sha256.Size]byte, err error) {
	dir := c.CacheDir
	if dir == "" {
		if dir, err = os.UserCacheDir(); err != nil {
			return pin, fmt.Errorf("find the development pin: %w; give Config.Pins or Config.CacheDir", err)
		}
	}
	text, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(protocol.DevPinFile)))
	if err != nil {
		return pin, fmt.Errorf("read the development pin: %w; start a server on this machine first, or give its certificate's sum in Config.Pins", err)
	}
	return protocol.ParsePin(string(text))
}
