// Package transport is how clients reach the server: a Listener hands over each accepted client as a Conn,
// with one control stream and unreliable datagrams. It knows QUIC, TLS and certificates, and nothing of
// the messages inside; docs/protocol.md and package protocol do.
//
// Read config.go for the limits, listener.go for who gets in, conn.go for what a connection can do.
// devcert.go and devcache.go are the development certificate, which clients on the same machine pin: there
// is no way to skip verification.
package transport
