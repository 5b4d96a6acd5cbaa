// Package bots plays a game with headless players, over real sockets and with the SDK that people use, and reports what
// they saw: how fresh the state was, how long an input took to show, what it cost, and whether every replica was as the
// server's. It serves for load, for tests, and to fill a room.
//
// Read run.go for a run, player.go for what one bot does, report.go for what comes out. impair.go makes their network
// bad on purpose, assert.go judges a report.
package bots
