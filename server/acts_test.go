package server

import (
	"slices"
	"testing/synctest"

	"github.com/quicstep/quicstep/protocol"
)

// act is something that happens in a machine's script: its number, who does it, and what more it takes.
type act byte

const (
	actPass act = iota
	actCome
	actHello
	actResume
	actList
	actRequest
	actSay
	actResync
	actGoodbye
	actRaw
	actFrame
	actCork
	actInput
	actForged
	actDatagram
	actReplay
	actEnd
	actAbandon
	actClose
	actLose
	actDeaf
	actKick
	actMany
	actStop

	actCount
)

// step is one act. It returns true when that was the server's end.
func (m *machine) step() (stopped bool) {
	what := act(m.script.next()) % actCount
	switch what {
	case actPass:
		m.pass(1 + int(m.script.next()%16))
		return false
	case actStop:
		m.shutDown()
		return true
	}
	who := int(m.script.next()) % guestCount
	v := m.guests[who]
	if what == actCome || v == nil {
		again := &visitor{guest: m.come()}
		if v != nil && v.joined {
			again.former = v.guest
		}
		m.guests[who] = again
		return false
	}
	if what >= actEnd {
		m.end(what, v)
	} else if what >= actInput {
		m.throw(what, v)
	} else {
		m.speak(what, v)
	}
	synctest.Wait()
	return false
}

// shutDown stops the server in the midst of everything. Who listens is told.
func (m *machine) shutDown() {
	m.stop()
	m.conns.Wait()
	m.honest.hear()
	if bye := m.honest.bye; bye == nil || bye.Code != protocol.CloseShutdown {
		m.t.Errorf("at the server's end the honest player is told %+v", bye)
	}
}

// speak is what is said on the stream.
func (m *machine) speak(what act, v *visitor) {
	s := &m.script
	switch what {
	case actHello:
		m.tell(v)(protocol.AppendHello(nil, m.hello(s.next())))
	case actResume:
		m.tell(v)(protocol.AppendHello(nil, m.again(v)))
	case actList:
		m.tell(v)(protocol.AppendList(nil, protocol.List{Game: []string{"", "stage", "other"}[s.next()%3]}))
	case actRequest:
		m.tell(v)(protocol.AppendRequest(nil, protocol.Request{Number: uint32(s.next()), Kind: int(s.next() % 2), Data: s.some()}))
	case actSay:
		m.tell(v)(protocol.AppendSay(nil, protocol.Say{Scope: protocol.Scope(s.next() % 3), Player: uint32(s.next() % 4), Text: string(s.some())}))
	case actResync:
		m.tell(v)(protocol.AppendResync(nil, protocol.Resync{Epoch: s.next() % 128}))
	case actGoodbye:
		m.tell(v)(protocol.AppendGoodbye(nil, protocol.Goodbye{Code: protocol.CloseCode(s.next() % 12)}))
	case actRaw:
		v.pending = append(v.pending, s.some()...)
	case actFrame:
		v.pending = protocol.AppendFrame(v.pending, s.some())
	case actCork: // some of what waits goes out, and the rest with what follows, or not until then
		n := min(int(s.next()), len(v.pending))
		v.far.Write(v.pending[:n])
		v.pending, v.corked = v.pending[n:], s.next()%2 == 0
	}
	if !v.corked {
		v.far.Write(v.pending)
		v.pending = nil
	}
}

// tell puts a message behind what a visitor has to say; one that can't be written is none.
func (m *machine) tell(v *visitor) func(message []byte, err error) {
	return func(message []byte, err error) {
		if err == nil {
			v.pending = protocol.AppendFrame(v.pending, message)
		}
	}
}

// hello is one of those that there are.
func (m *machine) hello(kind byte) protocol.Hello {
	h := protocol.Hello{
		Game: []string{"stage", "stage", "", "other"}[kind&3],
		Room: []string{"hall", "hall", "", "cellar", "attic", "roof", "yard", "NOCODE"}[kind>>2&7],
	}
	if kind&32 != 0 {
		h.SchemaHash = m.server.first.schema.Hash()
	}
	h.Join = protocol.JoinKind(kind >> 6 & 3)
	return h
}

// again is a hello that goes on with a session: with the visitor's former one and its replica, or with any.
func (m *machine) again(v *visitor) protocol.Hello {
	s := &m.script
	h := m.hello(s.next())
	h.Resume = m.token(s.next())
	switch how := s.next() % 4; {
	case how == 0 && v.former != nil:
		h.Resume, h.HasReplica, h.Epoch = v.former.welcome.Resume, true, v.former.rules.Epoch()
	case how == 1:
		h.HasReplica, h.Epoch, v.liar = true, s.next()%128, true
	}
	return h
}

// token is one that a guest was told, or that nobody was.
func (m *machine) token(which byte) []byte {
	if which >= 128 || len(m.tokens) == 0 {
		return slices.Repeat([]byte{which}, keyBytes)
	}
	return m.tokens[len(m.tokens)-1-int(which)%len(m.tokens)]
}

// throw is what is sent as datagrams.
func (m *machine) throw(what act, v *visitor) {
	s := &m.script
	switch what {
	case actInput: // as an honest client would
		v.last = protocol.AppendInput(nil, v.input(uint64(s.next()%8), m.steer))
	case actForged: // of another tick or epoch, and with acknowledgements of what was never sent
		in := v.input(uint64(s.next())*8, m.steer)
		in.Epoch += s.next()
		in.HasAck, in.Newest, in.Missing = s.next()%2 == 0, in.Newest+uint64(s.next())-128, uint64(s.next())
		in.Count = int(s.next() % (protocol.InputsPerDatagram + 1))
		for i := range in.Count {
			in.Inputs[i] = m.steer
		}
		in.HasPage, in.Page = s.next()%2 == 0, protocol.PageReport{Table: int(s.next() % 3), Page: uint32(s.next()), Here: uint64(s.next())}
		if in.HasRow && s.next()%2 == 0 {
			in.Row.Tick += uint64(s.next())
			in.Row.Generation += uint16(s.next())
		}
		v.last = protocol.AppendInput(nil, in)
	case actDatagram:
		v.last = s.some()
	case actReplay: // perhaps with a byte of it changed
		v.last = slices.Clone(v.last)
		if at := int(s.next()); at < len(v.last) {
			v.last[at] ^= s.next()
		}
	}
	v.far.Datagram(slices.Clone(v.last))
}

// end is how a guest ends, or what is done to one.
func (m *machine) end(what act, v *visitor) {
	s := &m.script
	switch what {
	case actEnd:
		v.far.End()
	case actAbandon:
		v.far.Abandon()
	case actClose:
		v.far.Close(protocol.CloseCode(s.next()), string(s.some()))
	case actLose:
		v.far.Lose()
	case actDeaf:
		v.deaf = s.next()%2 == 0
	case actKick:
		m.kick(v)
	case actMany:
		for range int(s.next()) {
			v.far.Write(protocol.AppendFrame(nil, []byte{0x92, byte(protocol.KindResync), 1}))
			v.far.Datagram(slices.Clone(v.last))
		}
	}
}

// kick is what an operator does.
func (m *machine) kick(v *visitor) {
	for _, row := range find[sessionRow](m.server.directory, sessionRows, byID, nil) {
		if v.joined && row.id == v.welcome.Session {
			row.session.kick("the operator says so")
		}
	}
}

// scenes are scripts that get far.
var scenes = [][][]byte{
	{come0, hello0, pass(3), {byte(actInput), 0, 2}, pass(2), {byte(actGoodbye), 0, 0}, pass(6)},
	{come0, {byte(actList), 0, 1}, {byte(actList), 0, 0}, hello0, hello0, pass(3)},
	{come0, hello0, pass(3), {byte(actLose), 0}, come0, {byte(actResume), 0, 0, 0, 0}, pass(3), {byte(actInput), 0, 2}, pass(3)},
	{come0, hello0, pass(3), {byte(actCome), 1}, {byte(actResume), 1, 0, 0, 0}, pass(3), {byte(actCome), 2}, {byte(actResume), 2, 0, 1, 0}, pass(3)},
	{come0, hello0, pass(3), {byte(actCome), 1}, {byte(actResume), 1, 0, 200}, pass(12), {byte(actStop)}},
	{come0, hello0, pass(3), {byte(actRequest), 0, 1, 0, 2, 0, 7}, {byte(actRequest), 0, 1, 0, 2, 0, 7}, pass(2), {byte(actSay), 0, 0, 0, 2, 'h', 'i'}, pass(3), {byte(actKick), 0}, pass(6)},
	{come0, hello0, pass(3), {byte(actDeaf), 0, 0}, {byte(actMany), 0, 200}, pass(15), {byte(actResync), 0, 1}, pass(15), pass(15), {byte(actDeaf), 0, 1}, pass(5)},
	{come0, hello0, pass(3), {byte(actForged), 0, 1, 0, 0, 90, 3, 2, 0, 1, 1, 255, 0, 1, 1}, pass(2), {byte(actReplay), 0, 2, 255}, {byte(actDatagram), 0, 5, 0xdd, 255, 255, 255, 255}, pass(4)},
	{come0, {byte(actCork), 0, 0, 0}, hello0, {byte(actCork), 0, 3, 0}, pass(2), {byte(actCork), 0, 255, 1}, pass(3), {byte(actEnd), 0}, pass(6)},
	{come0, {byte(actRaw), 0, 3, 0xc4, 2, 0x91}, pass(15), {byte(actCome), 1}, {byte(actAbandon), 1}, {byte(actCome), 2}, pass(15)},
	{come0, {byte(actHello), 0, 2 | 2<<2 | 2<<6}, pass(3), {byte(actCome), 1}, {byte(actHello), 1, 3<<2 | 32}, pass(3), {byte(actClose), 1, 0, 1, 'x'}, {byte(actFrame), 0, 2, 0x91, 77}, pass(6)},
	{come0, hello0, {byte(actStop)}},
}

var (
	come0  = []byte{byte(actCome), 0}
	hello0 = []byte{byte(actHello), 0, 0}
)

// pass lets n ticks pass.
func pass(n byte) []byte { return []byte{byte(actPass), n - 1} }
