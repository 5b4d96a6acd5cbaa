// Package screen is the operator's terminal program: what quicstep console shows when it is given no command.
//
// A model holds all that the screen knows. It changes by messages alone and draws itself as text, without I/O, clock or
// goroutine, so that tests drive it through every screen. It says what it wants to be told, and a feed subscribes to that
// at the server's admin door. Run puts both into a terminal.
package screen
