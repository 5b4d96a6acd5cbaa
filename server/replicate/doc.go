// Package replicate decides, for one client at a time, what it sees, what it is known to have, and what to
// send it now. It is a pure state machine: Views, acknowledgements and the time come in, datagrams go out; it
// has no socket, clock or goroutine. docs/protocol.md §7 states the rules, and property_test.go runs them
// against clients/replica on networks that lose, duplicate and reorder.
//
// Read client.go for what a Client is, sight.go for who is in sight, choose.go for the walk that compares
// sight with what the client is known to have, order.go for what goes first, and how long anything waits, when not
// everything fits, send.go for filling datagrams, ack.go for what comes back, pace.go for how much may be sent and
// under way, and why.go for why something was not sent.
package replicate
