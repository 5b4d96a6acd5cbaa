// Package feel measures what a player feels on bad networks: how soon what it asks for shows, on its own screen and on
// others', how old what it sees is, how much is corrected, and whether what hits on its screen hits. It plays a game of its
// own (game.go) with two players for each network (player.go), over datagrams and over one reliable stream with the same
// budget, and makes a table (report.go) and a plot (plot.go) of it.
package feel
