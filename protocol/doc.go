// Package protocol is every message that a quicstep server and its clients exchange, with its limits:
// bytes in, values out, and back. It does no I/O and reads no clock. docs/protocol.md is the normative
// text; the code here cites its sections. Stream messages stand in hello.go, welcome.go, goodbye.go, resync.go,
// rooms.go, talk.go and checks.go, datagrams in state.go and input.go; limits.go names every bound.
package protocol

// Version is the wire protocol's version. Client and server must have the same one; a peer with another
// is refused with both versions named.
const Version = 1

// ALPN is the application protocol that native QUIC connections negotiate.
const ALPN = "quicstep/1"

// StreamALPN is what is negotiated where measurements have frames on a stream in place of datagrams; see ride.Stream. It is no
// part of the protocol.
const StreamALPN = "quicstep/1 stream"
