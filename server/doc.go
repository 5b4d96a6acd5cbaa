// Package server runs a game: it accepts players over QUIC, feeds their inputs into a world at a fixed tick
// rate, and tells each of them what it may see.
//
// New takes a Config and opens the socket; Run serves until its context ends. Read server.go for the life of
// a connection, room.go for the tick, inbox.go for what becomes of inputs and sender.go for what goes out.
package server
