package server

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/quicstep/quicstep/protocol"
	"github.com/quicstep/quicstep/protocol/plain"
	"github.com/quicstep/quicstep/server/atomicfile"
	"github.com/quicstep/quicstep/server/quota"
	"github.com/quicstep/quicstep/world"
)

// MaxBans bounds the bans that hold at once; one more is an error.
const MaxBans = 10_000

// banFileBytesMax bounds the file of bans.
const banFileBytesMax = 16 << 20

// Errors of Ban, Unban and New.
var (
	// ErrBanFileTaken: another server has Config.BanFile, and each would undo what the other does.
	ErrBanFileTaken = errors.New("another server has the file of the bans")
	// ErrNoBan: no ban is of that number.
	ErrNoBan = errors.New("there is no such ban")
	// ErrManyBans: there are MaxBans.
	ErrManyBans = errors.New("there are as many bans as there may be: lift some")
)

// Ban keeps addresses out, or a user.
type Ban struct {
	// Number names it, from 1; Ban gives it.
	Number uint64 `json:"number"`
	// Prefix is the addresses, as in 192.0.2.7/32; the zero one when it is of a user.
	Prefix netip.Prefix `json:"prefix,omitzero"`
	// User is who is kept out, wherever from: an Identity's User; empty when it is of addresses.
	User string `json:"user,omitempty"`
	// Reason is told to whoever is kept out.
	Reason string `json:"reason,omitempty"`
	// By is who wanted it, At when.
	By string    `json:"by"`
	At time.Time `json:"at"`
	// Until is when it ends; zero means never.
	Until time.Time `json:"until,omitzero"`
}

// Whom names who is kept out: addresses, or a user in quotes.
func (b *Ban) Whom() string {
	if b.User != "" {
		return strconv.Quote(b.User)
	}
	return b.Prefix.String()
}

// holds tells whether it is of an address or of a user, who is nobody when that is empty.
func (b *Ban) holds(addr netip.Addr, user string) bool {
	return b.Prefix.IsValid() && b.Prefix.Contains(addr) || b.User != "" && b.User == user
}

func (b *Ban) over(now time.Time) bool { return !b.Until.IsZero() && now.After(b.Until) }

// bans are those that hold. They survive a restart when there is a file, which is replaced whole at each change.
type bans struct {
	path    string // empty: no file
	mu      sync.Mutex
	list    atomic.Pointer[banList] // whoever has mu stores, anyone loads
	release func() error            // gives the file's lock back; nil without one, guarded by mu
}

// banList is what the file holds.
type banList struct {
	Last uint64 `json:"last"`
	Bans []Ban  `json:"bans"`
}

// hold takes the file for this server alone, until letGo. Where no lock can be made no ban can be kept either, so that nothing
// is lost there.
func (b *bans) hold() error {
	if b.path == "" {
		return nil
	}
	release, err := atomicfile.TryLock(b.path)
	if errors.Is(err, atomicfile.ErrLocked) {
		return fmt.Errorf("%w: %s", ErrBanFileTaken, b.path)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.release = release
	return nil
}

// letGo leaves the file to another server. It may be called more than once.
func (b *bans) letGo() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.release == nil {
		return nil
	}
	release := b.release
	b.release = nil
	return release()
}

// load reads the file, if there is one.
func (b *bans) load() error {
	list := &banList{}
	b.list.Store(list)
	if b.path == "" {
		return nil
	}
	info, err := os.Stat(b.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil && info.Size() > banFileBytesMax {
		err = fmt.Errorf("it has %d bytes, at most %d are read", info.Size(), banFileBytesMax)
	}
	var data []byte
	if err == nil {
		data, err = os.ReadFile(b.path)
	}
	if err == nil {
		err = json.Unmarshal(data, list)
	}
	if err != nil {
		return fmt.Errorf("read the bans from %s: %w", b.path, err)
	}
	return nil
}

// of is the ban that keeps an address out, or a user unless that is empty; nil when none does.
func (b *bans) of(addr netip.Addr, user string, now time.Time) *Ban {
	list := b.list.Load()
	for i := range list.Bans {
		if ban := &list.Bans[i]; ban.holds(addr, user) && !ban.over(now) {
			return ban
		}
	}
	return nil
}

// change replaces the list, once the file holds it.
func (b *bans) change(edit func(*banList) error) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	next := &banList{Last: b.list.Load().Last, Bans: slices.DeleteFunc(slices.Clone(b.list.Load().Bans), func(ban Ban) bool { return ban.over(now) })}
	if err := edit(next); err != nil {
		return err
	}
	if b.path != "" {
		data, err := json.MarshalIndent(next, "", "  ")
		if err == nil {
			err = atomicfile.Write(b.path, append(data, '\n'))
		}
		if err != nil {
			return fmt.Errorf("keep the bans in %s: %w", b.path, err)
		}
	}
	b.list.Store(next)
	return nil
}

// Ban keeps addresses or a user out from now on, also after a restart when Config.BanFile is set, and sends those away who
// are in. Prefix or User, Reason, By and Until count, and what may not travel is left out of the texts (plain.Clean). It
// returns the ban as it is kept, and how many were sent away.
func (s *Server) Ban(b Ban) (Ban, int, error) {
	if b.Prefix.IsValid() == (b.User != "") {
		return Ban{}, 0, errors.New("server: a ban needs addresses or a user: give it a prefix, as in 192.0.2.7/32, or a name")
	}
	if err := (Identity{User: b.User}).check(); err != nil {
		return Ban{}, 0, fmt.Errorf("server: nobody has the name of the ban: it is no plain text of at most %d bytes", world.MaxUser)
	}
	b.Prefix, b.At = quota.PrefixOf(b.Prefix), time.Now()
	b.Reason, b.By = plain.Clean(b.Reason, protocol.MaxReason), plain.Clean(b.By, protocol.MaxReason)
	err := s.bans.change(func(list *banList) error {
		if len(list.Bans) >= MaxBans {
			return ErrManyBans
		}
		list.Last++
		b.Number = list.Last
		list.Bans = append(list.Bans, b)
		return nil
	})
	if err != nil {
		return Ban{}, 0, err
	}
	away := 0
	for _, row := range find[sessionRow](s.directory, sessionRows, byID, nil) {
		if addr, _ := addrOf(row.conn.RemoteAddr()); b.holds(addr, row.session.who.User) {
			row.session.kick(b.told())
			away++
		}
	}
	return b, away, nil
}

// Unban lifts a ban by its number; the error wraps ErrNoBan.
func (s *Server) Unban(number uint64) (lifted Ban, err error) {
	err = s.bans.change(func(list *banList) error {
		at := slices.IndexFunc(list.Bans, func(b Ban) bool { return b.Number == number })
		if at < 0 {
			return fmt.Errorf("%w: %d", ErrNoBan, number)
		}
		lifted = list.Bans[at]
		list.Bans = slices.Delete(list.Bans, at, at+1)
		return nil
	})
	return lifted, err
}

// Bans returns those that hold, oldest first.
func (s *Server) Bans() []Ban {
	now := time.Now()
	return slices.DeleteFunc(slices.Clone(s.bans.list.Load().Bans), func(b Ban) bool { return b.over(now) })
}

// AddressOf is the addresses that a ban of a player keeps out: its own, of IPv6 the 64 bits that its network shares.
func (s *Server) AddressOf(room string, player uint32) (netip.Prefix, error) {
	row, err := s.directory.named(room)
	if err != nil {
		return netip.Prefix{}, err
	}
	for _, at := range find[sessionRow](s.directory, sessionRows, byRoom, row.id[:]) {
		addr, ok := addrOf(at.conn.RemoteAddr())
		if uint32(at.player) != player || !ok {
			continue
		}
		return quota.KeyOf(addr), nil
	}
	return netip.Prefix{}, fmt.Errorf("%w: %d", ErrNoPlayer, player)
}

// told is what whoever is kept out gets to read.
func (b *Ban) told() string {
	text := "you are banned from this server"
	if !b.Until.IsZero() {
		text += " until " + b.Until.UTC().Format("2006-01-02 15:04 MST")
	}
	if b.Reason != "" {
		text += ": " + b.Reason
	}
	return text
}

// banned tells a connection that it is kept out, for its address, or for its user unless that is empty; nil when it is not.
func (s *Server) banned(addr net.Addr, user string) *refusal {
	ip, _ := addrOf(addr) // an invalid one is in no prefix
	ban := s.bans.of(ip, user, time.Now())
	if ban == nil {
		return nil
	}
	s.counters.banned.Add(1)
	return &refusal{protocol.CloseRefused, ban.told()}
}

func addrOf(addr net.Addr) (netip.Addr, bool) {
	ip := quota.AddrOf(addr)
	return ip, ip.IsValid()
}
