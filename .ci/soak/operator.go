package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/quicstep/quicstep/clients/console"
	"github.com/quicstep/quicstep/protocol/admin"
)

// operator comes by the admin door and does what operators do, to rooms and players that chance picks.
type operator struct {
	run    *soaking
	door   *console.Client
	chance *rand.Rand
	acts   int
}

// operate acts until ctx ends, over one connection after the other.
func (r *soaking) operate(ctx context.Context) {
	o := &operator{run: r, chance: rand.New(rand.NewPCG(r.Seed, 1<<40))}
	for ctx.Err() == nil {
		door, err := console.Open(ctx, console.Config{Profile: &r.server.profile, Program: "soak"})
		if err != nil {
			if ctx.Err() == nil {
				r.ledger.add(surprises, 1)
				r.ledger.note("the operator can't come in: " + err.Error())
			}
			pause(ctx, time.Second)
			continue
		}
		o.door = door
		for range 20 {
			if pause(ctx, r.ActEvery); ctx.Err() != nil {
				break
			}
			o.act(ctx)
		}
		door.Close()
	}
}

// act does one thing. That a room or a player has gone meanwhile is no fault.
func (o *operator) act(ctx context.Context) {
	rooms, err := o.door.Do(ctx, admin.Request{Act: admin.ActRooms})
	if err == nil && len(rooms.Rooms) == 0 {
		return
	}
	var room admin.Room
	if err == nil {
		room = rooms.Rooms[o.chance.IntN(len(rooms.Rooms))]
		err = o.to(ctx, room)
	}
	var refused *console.RefusedError
	switch {
	case err == nil:
		o.run.ledger.add(operated, 1)
	case ctx.Err() != nil:
	case errors.As(err, &refused) && (refused.Code == admin.CodeNone || refused.Code == admin.CodeState || refused.Code == admin.CodeChanged || refused.Code == admin.CodeBusy):
		o.run.ledger.add(outdated, 1)
	default:
		o.run.ledger.add(surprises, 1)
		o.run.ledger.note("an operator's act: " + err.Error())
	}
}

// to does something to a room.
func (o *operator) to(ctx context.Context, room admin.Room) error {
	o.acts++
	switch o.acts % 8 { // each of them as often as any other
	case 0:
		return o.kick(ctx, room)
	case 1:
		_, err := o.door.Do(ctx, admin.Request{Act: admin.ActSay, Room: room.ID, Text: "the server is being soaked"})
		return err
	case 2:
		return o.freeze(ctx, room)
	case 3:
		return o.edit(ctx, room)
	case 4:
		return o.ban(ctx)
	case 5:
		_, err := o.door.Do(ctx, admin.Request{Act: admin.ActClose, Room: room.ID, Text: "it was soaked"})
		return err
	case 6:
		return o.slow(ctx, room)
	}
	return o.watch(ctx)
}

func (o *operator) kick(ctx context.Context, room admin.Room) error {
	list, err := o.door.Do(ctx, admin.Request{Act: admin.ActPlayers, Room: room.ID})
	if err != nil || len(list.Players) == 0 {
		return err
	}
	p := list.Players[o.chance.IntN(len(list.Players))]
	_, err = o.door.Do(ctx, admin.Request{Act: admin.ActKick, Room: room.ID, Player: p.Player, Text: "it was your turn"})
	return err
}

// freeze has a room stand, step and go on. It goes on whatever happens: one that stands never closes.
func (o *operator) freeze(ctx context.Context, room admin.Room) error {
	err := o.pace(admin.Request{Act: admin.ActFreeze, Room: room.ID})
	if err == nil {
		pause(ctx, o.run.ActEvery)
		_, err = o.door.Do(ctx, admin.Request{Act: admin.ActStep, Room: room.ID, Count: 3})
	}
	return errors.Join(err, o.pace(admin.Request{Act: admin.ActResume, Room: room.ID}))
}

func (o *operator) slow(ctx context.Context, room admin.Room) error {
	err := o.pace(admin.Request{Act: admin.ActSlow, Room: room.ID, Count: 4})
	pause(ctx, o.run.ActEvery)
	return errors.Join(err, o.pace(admin.Request{Act: admin.ActResume, Room: room.ID}))
}

// pace changes how a room goes, and waits for the answer whatever ends meanwhile, so that one change comes after the other.
func (o *operator) pace(r admin.Request) error {
	ctx, cancel := context.WithTimeout(context.Background(), askTimeout)
	defer cancel()
	_, err := o.door.Do(ctx, r)
	return err
}

// edit sets a field of some ship, and undoes it.
func (o *operator) edit(ctx context.Context, room admin.Room) error {
	found, err := o.door.Do(ctx, admin.Request{Act: admin.ActQuery, Room: room.ID, Table: "ship", Count: 10})
	if err != nil || found.Table == nil || len(found.Table.Rows) == 0 {
		return err
	}
	row := found.Table.Rows[o.chance.IntN(len(found.Table.Rows))]
	set := admin.Request{Act: admin.ActSet, Room: room.ID, Table: "ship", Row: row.ID, Field: "Score", Value: fmt.Sprint(o.chance.IntN(100))}
	if _, err := o.door.Do(ctx, set); err != nil {
		return err
	}
	edits, err := o.door.Do(ctx, admin.Request{Act: admin.ActEdits})
	if err != nil || len(edits.Edits) == 0 {
		return err
	}
	_, err = o.door.Do(ctx, admin.Request{Act: admin.ActUndo, Number: edits.Edits[len(edits.Edits)-1].Number})
	return err
}

// ban keeps one of the bots' addresses out for a while. The first one is spared.
func (o *operator) ban(ctx context.Context) error {
	address := fmt.Sprintf("127.0.0.%d", 2+o.chance.IntN(addresses-1))
	if _, err := o.door.Do(ctx, admin.Request{Act: admin.ActBan, Address: address, Seconds: 60, Text: "it is soaked"}); err != nil {
		return err
	}
	pause(ctx, o.run.ActEvery)
	ctx, cancel := context.WithTimeout(context.Background(), askTimeout)
	defer cancel()
	bans, err := o.door.Do(ctx, admin.Request{Act: admin.ActBans})
	if err != nil {
		return err
	}
	for _, ban := range bans.Bans {
		if _, err := o.door.Do(ctx, admin.Request{Act: admin.ActUnban, Number: ban.Number}); err != nil {
			return err
		}
	}
	return nil
}

// watch opens streams that tell again and again, and gives them up.
func (o *operator) watch(ctx context.Context) error {
	for _, act := range []admin.Act{admin.ActRooms, admin.ActPlayers, admin.ActHealth} {
		timed, cancel := context.WithTimeout(ctx, o.run.ActEvery)
		err := o.door.Watch(timed, admin.Request{Act: act, EveryMS: admin.MinEveryMS}, func(admin.Answer) error { return nil })
		cancel()
		if err != nil && !errors.Is(err, context.DeadlineExceeded) {
			return err
		}
	}
	return nil
}
