package client

import (
	"context"
	"errors"
	"fmt"
	"net"

	"github.com/quic-go/quic-go"

	"github.com/quicstep/quicstep/protocol"
	"github.com/quicstep/quicstep/protocol/plain"
)

// What a caller of Join, or of Next, may want to tell apart.
var (
	// ErrRefused: the server does not let this player in. Trying again will not help.
	ErrRefused = errors.New("the server refused the join")
	// ErrFull: there is no free place; try again later, or elsewhere.
	ErrFull = errors.New("the server or the room is full")
	// ErrVersion: server and client speak different versions of the protocol or of the game. Update.
	ErrVersion = errors.New("server and client have different versions")
	// ErrCertificate: the server could not prove who it is.
	ErrCertificate = errors.New("the server's certificate is not trusted")
	// ErrUnreachable: nobody answered, or the connection was lost.
	ErrUnreachable = errors.New("the server does not answer")
	// ErrRoomClosed: the room has ended; join another.
	ErrRoomClosed = errors.New("the room has closed")
	// ErrShutdown: the server is stopping; come back in a moment.
	ErrShutdown = errors.New("the server is stopping")
	// ErrProtocol: one side sent what the protocol does not allow, which is a bug.
	ErrProtocol = errors.New("the protocol was broken")
	// ErrReplaced: another connection has resumed the session, with its token.
	ErrReplaced = errors.New("another connection has taken the session")
	// ErrExpired: the server does not know the token any more. Join without it.
	ErrExpired = errors.New("the session can't be resumed any more")
	// ErrKicked: an operator has sent this player away, and says why.
	ErrKicked = errors.New("an operator has sent the player away")
	// ErrDenied: the game refused a request, and says why.
	ErrDenied = errors.New("the game refused")
	// ErrClosed: this client was closed.
	ErrClosed = errors.New("the client is closed")
)

func errorOf(code protocol.CloseCode, reason string) error {
	err := ErrRefused
	switch code {
	case protocol.CloseNormal:
		err = ErrClosed
	case protocol.CloseFull:
		err = ErrFull
	case protocol.CloseVersion:
		err = ErrVersion
	case protocol.CloseRoomClosed:
		err = ErrRoomClosed
	case protocol.CloseShutdown:
		err = ErrShutdown
	case protocol.CloseProtocol:
		err = ErrProtocol
	case protocol.CloseReplaced:
		err = ErrReplaced
	case protocol.CloseExpired:
		err = ErrExpired
	case protocol.CloseKicked:
		err = ErrKicked
	}
	if reason = plain.Clean(reason, protocol.MaxReason); reason == "" { // whoever answers at that address wrote it
		return err
	}
	return fmt.Errorf("%w: %s", err, reason)
}

// explain says what the end of a connection means.
func explain(err error) error {
	var app *quic.ApplicationError
	if errors.As(err, &app) {
		return errorOf(protocol.CloseCode(app.ErrorCode), app.ErrorMessage)
	}
	var idle *quic.IdleTimeoutError
	if errors.As(err, &idle) {
		return fmt.Errorf("%w: nothing came for %v", ErrUnreachable, idleTimeout)
	}
	var socket *net.OpError // such as a network that is down
	if errors.As(err, &socket) {
		return fmt.Errorf("%w: %w", ErrUnreachable, err)
	}
	if errors.Is(err, quic.ErrTransportClosed) {
		return fmt.Errorf("%w: its socket was closed", ErrUnreachable)
	}
	return err
}

// noProtocol is TLS's alert that the two sides have no application protocol in common.
const noProtocol = quic.TransportErrorCode(0x100 + 120)

// explainDial says why a connection could not be made.
func explainDial(addr string, err error) error {
	var transportErr *quic.TransportError
	var handshake *quic.HandshakeTimeoutError
	var idle *quic.IdleTimeoutError
	switch {
	case errors.Is(err, errPin):
		return fmt.Errorf("%w: %s: %v; is this the server you think it is? If so, give that sum in Config.Pins", ErrCertificate, addr, err)
	case errors.As(err, &transportErr) && transportErr.ErrorCode == noProtocol:
		return fmt.Errorf("%w: %s does not speak %s; update the older side", ErrVersion, addr, protocol.ALPN)
	case errors.As(err, &transportErr) && transportErr.ErrorCode.IsCryptoError():
		return fmt.Errorf("%w: %s: %v; pin it with Config.Pins if it is your own", ErrCertificate, addr, err)
	case errors.As(err, &transportErr) && transportErr.ErrorCode == quic.ConnectionRefused:
		return fmt.Errorf("%w: %s takes no further connection at the moment; try again later", ErrFull, addr)
	case errors.As(err, &transportErr) && transportErr.ErrorCode == quic.InternalError && !transportErr.Remote:
		return fmt.Errorf("%w: %s: %v; is there a network?", ErrUnreachable, addr, err)
	case errors.As(err, &handshake), errors.As(err, &idle), errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("%w: %s: %v; is it running, and is UDP let through?", ErrUnreachable, addr, err)
	}
	return fmt.Errorf("connect to %s: %w", addr, explain(err))
}
