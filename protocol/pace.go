package protocol

// Pace tells a client how fast its room goes (docs/protocol.md §4).
type Pace struct {
	// Tick is the latest tick that was made at the former pace, 0 to MaxTick.
	Tick uint64
	// Every is after how many tick periods the next tick follows: 1 is normal, up to MaxEvery is slow motion, and 0 is a
	// room that is frozen.
	Every int
}

// AppendPace appends the message, not yet framed, to dst. Numbers out of their range are cut down to it.
func AppendPace(dst []byte, m Pace) []byte {
	dst = appendUint(appendHead(dst, KindPace, 3), min(m.Tick, MaxTick))
	return appendUint(dst, uint64(max(0, min(m.Every, MaxEvery))))
}

// ParsePace reads a server's pace from a frame's content. The errors are RejectErrors.
func ParsePace(b []byte) (Pace, error) {
	r := openMessage(b, KindPace)
	r.checkForm(MaxFrame)
	m := Pace{Tick: r.uint("tick", MaxTick), Every: int(r.uint("every", MaxEvery))}
	if r.err != nil {
		return Pace{}, r.err
	}
	return m, nil
}
