package client

import (
	"time"

	"github.com/quicstep/quicstep/clients/replica"
	"github.com/quicstep/quicstep/protocol"
	"github.com/quicstep/quicstep/protocol/schema"
	"github.com/quicstep/quicstep/world"
)

// screen is what Draw shows over one connection. It is guarded by the session's mu.
type screen struct {
	time   viewTime
	tracks *tracks
	scene  *world.Scene
	least  float64 // ticks that are waited for while nothing moves
	at     world.Moment
	drawn  world.Moment // as of which the latest frame was
	acted  world.Moment // that which was on the screen when the latest input was set; zero once it has left
}

// newScreen begins with nothing to show.
func newScreen(g world.Game, s *schema.Schema, me world.Player, period time.Duration) (*screen, error) {
	t, err := newTracks(g, s)
	if err != nil {
		return nil, err
	}
	scene, err := world.NewScene(g, me, period.Nanoseconds())
	if err != nil {
		return nil, err
	}
	return &screen{time: viewTime{period: period}, tracks: t, scene: scene, least: t.least()}, nil
}

// applied takes what a datagram has changed in a replica.
func (s *screen) applied(a replica.Applied, rules *replica.Replica, now time.Time) {
	wait := s.least
	for _, ch := range a.Changes {
		row, _ := rules.Get(ch.Table, ch.Index)
		wait = max(wait, s.tracks.changed(ch, row))
	}
	s.time.heard(a.Header.Tick, wait, now)
}

// clear forgets every row, when a new epoch begins.
func (s *screen) clear() {
	s.tracks.clear()
	s.scene.Clear()
}

// advance moves the view time on to now. It never goes back.
func (s *screen) advance(now time.Time) {
	s.at = max(s.at, world.Moment(max(s.time.advance(now), 0)*world.MomentsPerTick))
}

// draw returns what is to be seen now.
func (s *screen) draw(own *world.Replica, newest uint64, now time.Time) *world.View {
	s.advance(now)
	s.tracks.show(s.scene, s.at, newest)
	s.scene.Own(own)
	s.drawn = s.at
	return s.scene.View(s.at)
}

// Draw calls f with what the player should see at this moment: call it for each frame. With Config.Interpolate others are
// shown as they were a moment ago, at the view time, each table as its world.Mode says, and the player's own rows as they
// are predicted for this moment (see Timeline), with corrections eased; a row that came or went since the view time is not there yet, or still there. View.Tick is the last whole tick
// before the view time. Otherwise it is the newest that is known, as with Look. The view is good until f returns; meanwhile
// the session waits, and f must not call it.
func (s *Session) Draw(f func(view *world.View)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.link
	if l.screen == nil {
		f(s.glance())
		return
	}
	now := time.Now()
	f(l.screen.draw(l.ownShown(now), l.tick, l.timing.clock.played(now)))
}

// Shown is the moment as of which the latest frame showed others; of what was known before the first, or without
// Config.Interpolate.
func (s *Session) Shown() world.Moment {
	s.mu.Lock()
	defer s.mu.Unlock()
	if screen := s.link.screen; screen != nil && screen.drawn != 0 {
		return screen.drawn
	}
	return world.MomentOf(s.link.tick, 0)
}

// due tells whether an event is to be fired: where others are shown as they were a moment ago, so is what happens among
// them, which is each event that has a position.
func (l *link) due(e world.EventRecord) bool {
	return l.screen == nil || !l.session.schema.Events[e.Kind].Positioned() || world.MomentOf(e.Tick, 0) <= l.screen.at
}

// seen is the moment as of which the player was shown the others when it asked for what is about to leave. Before the first
// frame it is that of the newest tick.
func (l *link) seen() uint64 {
	s := l.screen
	if s == nil || s.drawn == 0 {
		return l.tick * protocol.LagsPerTick
	}
	moment := s.drawn
	if s.acted != 0 {
		moment, s.acted = s.acted, 0
	}
	return uint64(moment)
}
