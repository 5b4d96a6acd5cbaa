// Package attack has programs that mean a quicstep server harm. They speak QUIC, HTTP/3 and WebSocket by the same libraries
// as it does and write its messages by package protocol, but are no clients of the SDK: what an SDK would never send is
// what they are for. They come from all of 127.0.0.2 to 127.0.0.254, which Linux lets anybody be. Read attack.go first,
// then network.go; the attacks are in files of their own.
package attack
