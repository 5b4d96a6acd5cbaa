package client

import (
	"context"
	"fmt"

	"github.com/quicstep/quicstep/protocol"
)

// Room is a public room as a server lists it.
type Room = protocol.RoomInfo

// List asks a server for its public rooms of a game, or of all games when the name is empty. The rooms of cfg count for
// nothing.
func List(ctx context.Context, game string, cfg Config) ([]Room, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, cfg.Timeout)
	defer cancel()
	s := &Session{cfg: cfg, sockets: cfg.sockets()}
	defer s.sockets.close()
	l, err := newLink(ctx, s)
	if err != nil {
		return nil, err
	}
	defer l.close(protocol.CloseNormal)
	if l.control, err = l.conn.OpenStreamSync(ctx); err != nil {
		return nil, fmt.Errorf("open the control stream: %w", explain(err))
	}
	message, err := protocol.AppendList(nil, protocol.List{Game: game})
	if err != nil {
		return nil, err
	}
	answer, err := l.exchange(ctx, message)
	if err != nil {
		return nil, err
	}
	m, err := protocol.ParseRooms(answer)
	if err != nil {
		return nil, fmt.Errorf("%w: %v", ErrProtocol, err)
	}
	return m.Rooms, nil
}
