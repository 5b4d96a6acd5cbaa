package main

import "strings"

// modulePath is the module whose packages stand on the floors.
const modulePath = "github.com/quicstep/quicstep"

// Third-party modules, each named once. A prefix covers the packages and the major versions below it.
const (
	bubbletea    = "charm.land/bubbletea"
	charm        = "github.com/charmbracelet/x"
	hdrhistogram = "github.com/HdrHistogram/hdrhistogram-go"
	jose         = "github.com/go-jose/go-jose"
	kong         = "github.com/alecthomas/kong"
	memdb        = "github.com/hashicorp/go-memdb"
	msgpack      = "github.com/vmihailenco/msgpack"
	nats         = "github.com/nats-io/nats.go"
	prometheus   = "github.com/prometheus/client_golang"
	quic         = "github.com/quic-go/quic-go"
	sys          = "golang.org/x/sys"
	xtext        = "golang.org/x/text"
	xtime        = "golang.org/x/time"
	ipv4         = "golang.org/x/net/ipv4"
	netutil      = "golang.org/x/net/netutil"
	webtransport = "github.com/quic-go/webtransport-go"
	websocket    = "github.com/coder/websocket"
)

// A floor places one package: it imports only what stands strictly below it, and the third-party modules named here.
type floor struct {
	path       string // below the module; a trailing /* stands for everything below
	level      int
	thirdParty []string
	also       []string // packages at its own level that it may import all the same
}

// floors lists every package of the module. A new package gets a line here, as low as it can stand.
var floors = []floor{
	{path: "protocol/plain", level: 0, thirdParty: []string{xtext}},
	{path: "protocol/schema", level: 0, thirdParty: []string{msgpack}, also: []string{"protocol/plain"}},
	{path: "server/quota", level: 0, thirdParty: []string{xtime}},

	{path: "protocol", level: 1, thirdParty: []string{msgpack}},
	{path: "protocol/gather", level: 0, thirdParty: []string{ipv4}},
	{path: "protocol/ride", level: 1, thirdParty: []string{quic}},
	{path: "protocol/admin", level: 1, thirdParty: []string{msgpack}, also: []string{"protocol"}},
	{path: "server/atomicfile", level: 1, thirdParty: []string{sys}},
	{path: "server/contain", level: 1},
	{path: "world", level: 1, thirdParty: []string{memdb}},

	{path: "world/snapshot", level: 2, thirdParty: []string{msgpack}},
	{path: "world/replay", level: 2, thirdParty: []string{msgpack}, also: []string{"world/snapshot"}},
	{path: "server/clock", level: 2, thirdParty: []string{sys}},
	{path: "server/transport", level: 2, thirdParty: []string{quic, sys, webtransport, websocket, xtime}},
	{path: "server/replicate", level: 2},
	{path: "clients/replica", level: 2},

	{path: "clients/client", level: 3, thirdParty: []string{quic}},

	{path: "server", level: 4, thirdParty: []string{memdb, xtime}},

	{path: "server/admin", level: 5, thirdParty: []string{prometheus, quic, netutil, xtime}},
	{path: "server/auth", level: 5, thirdParty: []string{jose, xtext}},
	{path: "server/cluster", level: 5, thirdParty: []string{nats}},
	{path: "server/store", level: 5},
	{path: "clients/bots", level: 5, thirdParty: []string{hdrhistogram, sys}},
	{path: "clients/feel", level: 5, also: []string{"clients/bots"}},
	{path: "clients/console", level: 5, thirdParty: []string{msgpack, quic}},
	{path: "clients/console/screen", level: 5, thirdParty: []string{bubbletea, charm}, also: []string{"clients/console"}},
	{path: "examples/*", level: 5, also: []string{"examples/*"}},

	{path: "server/cli/typescript", level: 5},

	{path: "server/cli", level: 6, thirdParty: []string{kong}},

	{path: "server/cmd/quicstep", level: 7},
}

// floorRoots are the top-level folders whose packages need a floor.
var floorRoots = []string{"server", "protocol", "world", "clients", "examples"}

// A wall keeps two trees apart whatever their floors.
type wall struct {
	from, to string   // trees: the folder and everything below it
	except   []string // the packages of to that from may import all the same
	why      string
}

var walls = []wall{
	{from: "world", to: "protocol", except: []string{"protocol/schema", "protocol/plain"},
		why: "world and protocol meet in protocol/schema and protocol/plain only"},
	{from: "protocol", to: "world",
		why: "world and protocol meet in protocol/schema only"},
	{from: "clients", to: "server",
		why: "a client knows the server by the wire alone; move what both need to protocol"},
}

// A ban keeps a standard package out of world and everything below it.
type ban struct {
	path  string
	below bool // the packages below path too
	why   string
}

var worldBans = []ban{
	{path: "time", below: true, why: "time is the tick number; take what you need as an argument"},
	{path: "net", below: true, why: "sockets belong to server/transport"},
	{path: "log", below: true, why: "return what happened and let the caller log it"},
	{path: "os", below: true, why: "take an io.Reader or io.Writer and leave files to the caller"},
	{path: "math/rand", why: "chance comes from tx.Rand(); math/rand/v2 has the generators"},
}

// floorOf finds the floor of a package; an exact line wins over one that ends in /*.
func floorOf(pkg string) (floor, bool) {
	for _, f := range floors {
		if f.path == pkg {
			return f, true
		}
	}
	for _, f := range floors {
		if covers(f.path, pkg) {
			return f, true
		}
	}
	return floor{}, false
}

// covers tells whether a path of the table, which may end in /*, names pkg.
func covers(pattern, pkg string) bool {
	if tree, ok := strings.CutSuffix(pattern, "/*"); ok {
		return strings.HasPrefix(pkg, tree+"/")
	}
	return pattern == pkg
}

// within tells whether path is tree or stands below it.
func within(path, tree string) bool {
	return path == tree || strings.HasPrefix(path, tree+"/")
}
