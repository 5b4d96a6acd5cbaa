package screen

import (
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/quicstep/quicstep/protocol/admin"
)

// Who is kept out, and until when. A player whose name is known is banned by it, unless the operator says otherwise.

const secondsPerHour = 3600

// askHours and askReason are asked for every ban.
func askHours() question {
	return question{"for how many hours, 0 for ever", "24", number(0, admin.MaxSeconds/secondsPerHour)}
}

func askReason() question {
	return question{"what whoever is kept out is told, or nothing", "", upTo(admin.MaxBanReason, nil)}
}

// forHours says how long a ban that begins now holds.
func (m *model) forHours(hours uint64) string {
	if hours == 0 {
		return "for ever"
	}
	until := m.now().Add(time.Duration(hours) * time.Hour)
	return fmt.Sprintf("for %d hours, until %s", hours, until.UTC().Format("2006-01-02 15:04Z"))
}

// playerOf is a player of the page, as far as it was told of.
func (m *model) playerOf(player uint32) (p admin.Player) {
	players := m.playersOf()
	if at := slices.IndexFunc(players, func(p admin.Player) bool { return p.Player == player }); at >= 0 {
		return players[at]
	}
	return p
}

// addressesOf are what a ban of an address keeps out: itself, of IPv6 the 64 bits that its network shares.
func addressesOf(addr string) string {
	at, err := netip.ParseAddrPort(addr)
	if err != nil {
		return "the address"
	}
	ip := at.Addr().Unmap().WithZone("")
	if network, err := ip.Prefix(64); err == nil && ip.Is6() {
		return network.String()
	}
	return ip.String()
}

func askBan(m *model) []effect {
	player, ok := m.player()
	if !ok {
		return nil
	}
	p, at := m.playerOf(player), m.page()
	room, address := at.room, fmt.Sprintf("%s, the address of player %d of %s,", addressesOf(p.Addr), player, at.name)
	questions := []question{askHours(), askReason()}
	if p.User != "" {
		label := fmt.Sprintf("user (%s), or address, which behind a proxy is everybody's", p.User)
		questions = append([]question{{label, "user", oneOf("user", "address")}}, questions...)
	}
	return m.ask(func(v []string) (effect, string) {
		hours, reason := numberOf(v[len(v)-2]), v[len(v)-1]
		ask := admin.Request{Act: admin.ActBan, Seconds: hours * secondsPerHour, Text: reason}
		whom := address
		if len(v) == 3 && v[0] == "user" {
			ask.User, whom = p.User, fmt.Sprintf("user %q, wherever from,", p.User)
		} else {
			ask.Room, ask.Player = room, player
		}
		return effect{ask: ask}, fmt.Sprintf("ban %s %s%s", whom, m.forHours(hours), quoted(reason))
	}, questions...)
}

// isAddress wants an address or a prefix; the server knows which ones are too wide.
func isAddress(text string) string {
	_, notAddress := netip.ParseAddr(text)
	_, notPrefix := netip.ParsePrefix(text)
	if notAddress != nil && notPrefix != nil {
		return "an address, as in 192.0.2.7 or 2001:db8::7, or a prefix, as in 192.0.2.0/24"
	}
	return ""
}

func askBanAddress(m *model) []effect {
	return m.ask(func(v []string) (effect, string) {
		hours := numberOf(v[1])
		return effect{ask: admin.Request{Act: admin.ActBan, Address: v[0], Seconds: hours * secondsPerHour, Text: v[2]}},
			fmt.Sprintf("ban %s %s%s", v[0], m.forHours(hours), quoted(v[2]))
	}, question{"an address, or a prefix as in 192.0.2.0/24", "", upTo(admin.MaxName, isAddress)}, askHours(), askReason())
}

func askUnban(m *model) []effect {
	r, ok := m.chosenRow()
	if !ok {
		return nil
	}
	return m.confirm(admin.Request{Act: admin.ActUnban, Number: numberOf(r.key)}, fmt.Sprintf("lift ban %s, of %s", r.key, r.cells[1]))
}
