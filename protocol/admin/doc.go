// Package admin is what an operator's console and a server's admin door say to each other: every message and its limits,
// bytes in and values out, without I/O. docs/operating.md says what an operator does with it.
//
// A connection speaks ALPN over QUIC. The client opens a stream and sends a Hello with its token; the server answers with a
// Welcome, or closes the connection and says why. Then each Request has a bidirectional stream of its own: the client sends
// one and the server one Answer or several, of which the last one has More unset; a Request with EveryMS is answered again
// and again until the client gives the stream up. Each message is a frame of package protocol.
package admin
