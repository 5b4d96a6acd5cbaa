package admin

import (
	"math"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/quicstep/quicstep/protocol"
	"github.com/quicstep/quicstep/server"
	"github.com/quicstep/quicstep/world"
)

// collector tells Prometheus the server's figures, as they are when it asks: nothing is counted twice. Labels are games,
// phases, outcomes and causes, of which there are few; never rooms or players.
type collector struct {
	server   Watched
	door     *Door // nil without one
	tickRate int
}

// Describe promises nothing: some figures, such as those of joins that were denied, are there only once something has
// happened, and a scrape that finds more than was promised would tell nothing at all.
func (c collector) Describe(chan<- *prometheus.Desc) {}

// Collect sends the figures.
func (c collector) Collect(out chan<- prometheus.Metric) {
	s, send := c.server.Stats(), sender{out}
	send.gauge("tick_period_seconds", "The time of a tick: what a tick may take.", 1/float64(c.tickRate))
	for _, g := range c.server.Games() {
		c.game(send, g)
	}
	c.ticks(send, s)
	c.traffic(send, s)
	c.people(send, s)
	if c.door != nil {
		c.operators(send, c.door.Stats())
	}
}

// game sends the figures of one game.
func (c collector) game(send sender, g server.GameFigures) {
	send.gauge("rooms", "Rooms that are open.", float64(g.Rooms), "game", g.Game)
	send.gauge("players", "Players in them.", float64(g.Players), "game", g.Game)
	send.counter("tick_overruns_total", "Ticks that were not over when the next one was due.", g.Overruns, "game", g.Game)
	send.histogram("tick_seconds", "How long ticks took.", g.Tick, "game", g.Game)
	for _, phase := range []struct {
		name string
		took server.PhaseHistogram
	}{
		{"drain", g.Drain}, {"step", g.Step}, {"publish", g.Publish}, {"choose", g.Choose}, {"hand", g.Hand},
	} {
		send.histogram("tick_phase_seconds", "How long the phases of a tick took: drain, step and publish in the room's loop; choose and hand for each player, in the workers.",
			phase.took, "game", g.Game, "phase", phase.name)
	}
}

func (c collector) ticks(send sender, s server.Stats) {
	send.counter("rooms_opened_total", "Rooms that were ever opened.", s.RoomsOpened)
	send.counter("rooms_refused_total", "Joins that needed one more room than there may be.", s.RoomsRefused)
	send.counter("rooms_closed_total", "Rooms that have ended.", s.RoomsClosed)
	send.counter("late_wakes_total", "Wake-ups that came a tick or more late to a room that was waiting: the machine's doing.", s.LateWakes)
	send.counter("ticks_skipped_total", "Ticks that were given up.", s.Skipped)
	send.counter("ticks_failed_total", "Ticks that were undone because game code panicked.", s.FailedTicks)
	send.gauge("rooms_stuck", "Rooms that were given up since their tick did not end, and whose goroutines still run.", float64(s.StuckRooms))
	send.counter("rooms_stuck_total", "Rooms that were ever given up.", s.RoomsStuck)
	for where, n := range s.Panics {
		send.counter("panics_total", panicsHelp, n, "where", where)
	}
	send.counter("fields_clamped_total", "Fields of rows that were out of their range.", s.Clamped)
	for outcome, n := range map[string]uint64{"applied": s.Applied, "repeated": s.Repeated, "neutral": s.Neutral} {
		send.counter("inputs_total", "Inputs that ticks went by: applied ones came in time, for the others the last or the neutral one stood.", n, "outcome", outcome)
	}
	send.counter("replica_rows_checked_total", "Rows of clients that were compared with the server's.", s.CheckedRows)
	send.counter("replica_rows_diverged_total", "Rows of clients that were not as they should be: a bug.", s.Diverged)
	send.counter("log_lines_dropped_total", "Log lines that were not written, for the log was too slow.", s.LogsDropped)
}

func (c collector) traffic(send sender, s server.Stats) {
	send.counter("datagrams_sent_total", "Datagrams of state that were sent.", s.Datagrams)
	send.counter("datagram_sent_bytes_total", "Bytes of these.", s.DatagramBytes)
	send.counter("datagrams_unsent_total", "Datagrams that a connection did not take.", s.Unsent)
	send.counter("passes_total", "Times that it was chosen what to send to a player.", s.Passes)
	send.counter("passes_skipped_total", "Of these, when too much was under way to the player already.", s.SkippedPasses)
	send.counter("events_dropped_total", "Events that were not told, for too many waited.", s.EventsDropped)
	send.counter("messages_dropped_total", "Messages and lines of chat that were not told, for too many waited.", s.MessagesDropped)
	send.gauge("links_impaired", "Players whose link is impaired on purpose.", float64(s.Impaired))
	send.counter("datagrams_impaired_lost_total", "Datagrams that were lost on links that were impaired on purpose.", s.ImpairLost)
	send.counter("datagrams_impaired_overflowed_total", "Datagrams that were dropped there, for too many waited.", s.ImpairOverflowed)
	for r := protocol.Reject(1); int(r) < protocol.RejectCount; r++ {
		send.counter("rejected_total", "Messages and datagrams of clients that were refused, by the reason.", s.Rejected[r], "reason", r.String())
	}
}

func (c collector) people(send sender, s server.Stats) {
	for door, n := range map[string]int{"native": s.Transport.Native, "webtransport": s.Transport.WebTransport, "websocket": s.Transport.WebSocket} {
		send.gauge("connections", "Connections that are open, by the door that they came through.", float64(n), "door", door)
	}
	send.counter("packets_dropped_total", "UDP packets that belonged to no connection, or could not be read.", s.Transport.PacketsDropped)
	send.counter("packets_unsent_total", "UDP packets that the system refused to send.", s.Transport.PacketsUnsent)
	send.counter("connections_accepted_total", "Connections that were accepted.", s.Transport.Accepted)
	for cause, n := range map[string]uint64{
		"full": s.Transport.RefusedFull, "backlog": s.Transport.RefusedBacklog, "handshakes": s.Transport.RefusedHandshakes,
		"datagrams": s.Transport.RefusedDatagrams, "banned": s.Banned, "draining": s.Drained,
		"origins": s.Transport.RefusedOrigins, "requests": s.Transport.RefusedRequests, "http": s.Transport.RefusedHTTP,
		"address": s.Transport.RefusedAddress, "address_connections": s.Transport.RefusedConnsAddress, "address_http": s.Transport.RefusedHTTPAddress,
		"no_hello": s.NoHello, "greeting": s.GreetingsRefused, "address_greeting": s.GreetingsRefusedAddress, "memory": s.RefusedMemory,
		"busy":          s.RoomsRefusedBusy,
		"address_joins": s.JoinsRefusedAddress, "address_rooms": s.RoomsRefusedAddress, "address_tokens": s.TokensRefusedAddress,
		"address_hellos": s.HellosRefusedAddress, "address_lists": s.ListsRefusedAddress,
	} {
		send.counter("connections_refused_total", "Connections and joins that were refused, by the cause.", n, "cause", cause)
	}
	send.counter("sessions_joined_total", "Players who were let in.", s.Joined)
	for why, n := range map[world.LeaveReason]uint64{world.Left: s.Left, world.Lost: s.Lost, world.Expelled: s.Expelled, world.Stopped: s.Stopped} {
		send.counter("sessions_ended_total", "Players who are not in any more, by why.", n, "why", why.String())
	}
	for reason, n := range s.Denied {
		send.counter("joins_denied_total", "Joins that were not allowed, by the reason.", n, "reason", reason)
	}
	for what, n := range s.Gate {
		send.counter("gate_total", "What the server counts that decides who may join.", n, "what", what)
	}
	send.counter("handshake_retries_total", "Newcomers who had to show first that they receive at their address.", s.Transport.Retries)
	send.counter("moves_total", "Times that the address of a connection's client changed.", s.Transport.Moves)
	send.counter("moved_too_often_total", "Connections that were closed for it.", s.Transport.MovedTooOften)
	send.counter("wasteful_total", "Browsers' connections that were closed for sending much that was neither a message nor a datagram.", s.Transport.Wasteful)
	send.counter("bad_frames_total", "WebSockets and connections of HTTP/3 that ended with what the rules of these forbid.", s.Transport.BadFrames)
	send.gauge("http_door_ended", "Whether the TCP port accepts nobody any more, for its socket is broken.", float64(s.Transport.HTTPEnded))
	send.gauge("certificate_expiry_timestamp_seconds", "When the certificate ends, in Unix time.", float64(s.CertificateExpires))
	for outcome, n := range map[string]uint64{"changed": s.Transport.CertificateReloads, "failed": s.Transport.CertificateReloadsFailed} {
		send.counter("certificate_reloads_total", "Times that the certificate's files had another certificate, or something was wrong with them.", n, "outcome", outcome)
	}
	send.gauge("memory_used_bytes", "What the process uses and could not give back; zero without a bound.", float64(s.MemoryUsed))
	send.gauge("sessions_held", "Players whose connection is lost and who may come back.", float64(s.Held))
	send.counter("sessions_resumed_total", "Players who came back.", s.Resumed)
	send.counter("session_holds_expired_total", "Players who did not.", s.HoldsExpired)
	for cause, n := range map[string]uint64{"full": s.HoldsRefused, "address": s.HoldsRefusedAddress} {
		send.counter("session_holds_refused_total", "Players who left at once, for too many were held, by whether in all or of their address.", n, "cause", cause)
	}
	send.counter("requests_total", "Requests of players.", s.Requests)
	send.counter("requests_refused_total", "Of these, those that the game or a limit refused.", s.RequestsRefused)
	for outcome, n := range map[string]uint64{"said": s.ChatLines, "limited": s.ChatLimited, "refused": s.ChatRefused} {
		send.counter("chat_lines_total", "Lines of chat, by what became of them.", n, "outcome", outcome)
	}
	for _, l := range s.Conduct {
		for step, n := range map[string]uint64{"drop": l.Dropped, "warn": l.Warned, "disconnect": l.Disconnected} {
			send.counter("conduct_total", "What came beyond the limits on what a session sends, and was dropped; sessions that were warned for it, and disconnected.",
				n, "limit", l.Limit, "step", step)
		}
	}
	draining := 0.0
	if c.server.Draining() {
		draining = 1
	}
	send.gauge("draining", "Whether nobody new is let in.", draining)
}

// operators sends the door's figures.
func (c collector) operators(send sender, s Stats) {
	send.gauge("admin_connections", "Consoles that are open.", float64(s.Conns))
	send.counter("admin_logins_total", "Consoles that came in.", s.Logins)
	for cause, n := range map[string]uint64{
		"none": s.RefusedNone, "foreign": s.RefusedForeign, "expired": s.RefusedExpired, "slow": s.RefusedSlow, "full": s.RefusedFull,
		"handshakes": s.RefusedHandshakes,
	} {
		send.counter("admin_refused_total", "Consoles that did not, by the cause.", n, "cause", cause)
	}
	send.counter("admin_slowed_total", "Logins that had to wait, for wrong tokens had come from their address.", s.Slowed)
	send.counter("admin_requests_total", "Requests of consoles.", s.Requests)
	send.counter("admin_role_refused_total", "Of these, those that were not for the role of who asked.", s.RefusedRole)
	send.counter("admin_refusals_unaudited_total", "Of these, those that do not stand in the audit log, for they were too many.", s.UnauditedRefusals)
	for what, n := range map[string]uint64{"acts": s.RefusedFast, "reads": s.RefusedReads, "sights": s.RefusedSights} {
		send.counter("admin_fast_refused_total", "Acts of a console, and answers to one credential, that were refused since there were too many, by what.", n, "what", what)
	}
	ended := 0.0
	if s.Ended {
		ended = 1
	}
	send.gauge("admin_door_ended", "Whether the admin door lets nobody in any more, for its socket is broken.", ended)
	send.counter("admin_unread_total", "Answers that a console did not take in time.", s.Unread)
	send.counter("panics_total", panicsHelp, s.Panics, "where", "admin")
	send.counter("admin_acts_total", "Acts of operators that were done.", s.Acts)
	send.counter("admin_audit_failures_total", "Lines of the audit log that could not be written.", s.AuditFailed)
}

const panicsHelp = "Panics that were contained, other than in ticks, by where they happened."

// sender makes metrics of figures; labels are names and values in turns.
type sender struct{ out chan<- prometheus.Metric }

func desc(name, help string, labels []string) (*prometheus.Desc, []string) {
	var names, values []string
	for i := 0; i < len(labels); i += 2 {
		names, values = append(names, labels[i]), append(values, labels[i+1])
	}
	return prometheus.NewDesc("quicstep_"+name, help, names, nil), values
}

func (s sender) gauge(name, help string, value float64, labels ...string) {
	d, values := desc(name, help, labels)
	s.out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, values...)
}

func (s sender) counter(name, help string, value uint64, labels ...string) {
	d, values := desc(name, help, labels)
	s.out <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(value), values...)
}

func (s sender) histogram(name, help string, h server.PhaseHistogram, labels ...string) {
	d, values := desc(name, help, labels)
	buckets, all := make(map[float64]uint64, len(server.PhaseBounds)), uint64(0)
	for i, n := range h.Counts {
		all += n
		if i < len(server.PhaseBounds) {
			buckets[seconds(server.PhaseBounds[i])] = all
		}
	}
	s.out <- prometheus.MustNewConstHistogram(d, all, h.Sum.Seconds(), buckets, values...)
}

// seconds has no more digits than there are microseconds.
func seconds(d time.Duration) float64 { return math.Round(d.Seconds()*1e6) / 1e6 }
