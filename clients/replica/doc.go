// Package replica is a client's side of replication as a pure state machine: datagrams in, rows and
// acknowledgements out. It has no socket, clock or goroutine, and needs nothing but the schema, so it serves
// any game: the SDK, bots and the console build on it. docs/protocol.md §7 states the rules.
package replica
