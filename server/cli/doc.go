// Package cli makes a program of some games: it serves them, plays them with bots, lists a server's rooms, and completes
// its own command line in a shell. A main function needs nothing but
//
//	cli.Main(mygame.New())
//
// Read cli.go for the commands and their exit codes, settings.go for where the value of a flag comes from, serve.go and
// play.go for the two that matter, debug.go for what an operator sees, completion.go for the shells.
package cli
