package attack

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"time"

	"github.com/quicstep/quicstep/protocol"
	"github.com/quicstep/quicstep/protocol/admin"
)

// doorProbe tries the admin door: another ALPN, no hello, hellos with no token, with wrong ones, with garbage; from many
// addresses, and again and again from one.
var doorProbe = Attack{
	Name: "admin", Says: "the admin door by another ALPN, without a hello, with wrong tokens, with garbage",
	PerSecond: 200, Unit: "tries",
	Counters: []string{`quicstep_admin_refused_total{cause="foreign"}`, `quicstep_admin_refused_total{cause="none"}`},
	run: func(ctx context.Context, a *Attacker) error {
		a.crowd(ctx, 24, func(ctx context.Context) error {
			kind := a.draw(4)
			if kind == 0 {
				return a.wrongALPN(ctx)
			}
			p, err := a.dial(ctx, how{to: a.Target.Admin, alpn: admin.ALPN})
			if err != nil {
				return err
			}
			defer p.close()
			switch kind {
			case 1:
				err = p.say(admin.AppendHello(nil, admin.Hello{Token: a.fill(make([]byte, admin.TokenBytes)), Program: "quicstep"}))
			case 2:
				err = p.write(a.fill(make([]byte, 1+a.draw(2000))))
			case 3:
				err = p.say(pack(map[string]any{"version": 1, "program": "x"}))
			}
			if err != nil {
				return err
			}
			p.control.Close()
			select {
			case <-p.Context().Done():
			case <-ctx.Done():
			case <-time.After(replyTimeout):
			}
			return nil
		})
		return nil
	},
}

// wrongALPN says that the door is what it is not; it is refused in the handshake.
func (a *Attacker) wrongALPN(ctx context.Context) error {
	p, err := a.dial(ctx, how{to: a.Target.Admin, alpn: protocol.ALPN})
	if err == nil {
		p.close()
		return errors.New("the admin door speaks the game's protocol")
	}
	var refused *net.OpError
	if errors.As(err, &refused) || errors.Is(err, tls.AlertError(0)) {
		return err
	}
	return nil
}
