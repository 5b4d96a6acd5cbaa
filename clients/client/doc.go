// Package client is the Go SDK: it joins a game, sends the player's inputs at the tick rate, and keeps a typed
// replica of what the player may see.
//
// Join returns once the server has let the player in. Send says what the player asks for from now on; View and
// Next give the rows, to be read with the game's own table handles.
package client
