package protocol

import (
	"fmt"
	"math"

	"github.com/quicstep/quicstep/protocol/plain"
	"github.com/quicstep/quicstep/protocol/schema"
)

// Checks tells a client what became of its reports since it joined (docs/protocol.md §4, §7).
type Checks struct {
	// Rows and Pages were compared, Skipped could not be. Diverged is how many rows were not as they should be. Each is
	// 0 to MaxTick.
	Rows, Pages, Skipped, Diverged uint64
}

// AppendChecks appends the message, not yet framed, to dst. A number above MaxTick stays there: no count gets that far.
func AppendChecks(dst []byte, m Checks) []byte {
	dst = appendHead(dst, KindChecks, 5)
	for _, n := range [...]uint64{m.Rows, m.Pages, m.Skipped, m.Diverged} {
		dst = appendUint(dst, min(n, MaxTick))
	}
	return dst
}

// ParseChecks reads a server's checks from a frame's content. The errors are RejectErrors.
func ParseChecks(b []byte) (Checks, error) {
	r := openMessage(b, KindChecks)
	r.checkForm(MaxFrame)
	m := Checks{
		Rows: r.uint("rows", MaxTick), Pages: r.uint("pages", MaxTick),
		Skipped: r.uint("skipped", MaxTick), Diverged: r.uint("diverged", MaxTick),
	}
	if r.err != nil {
		return Checks{}, r.err
	}
	return m, nil
}

// Diverged tells a client of a row that was not as the server's: the first thing that went wrong has a name.
type Diverged struct {
	// Tick is the tick at which the rows were compared, 0 to MaxTick.
	Tick uint64
	// Table is the table's place in the schema.
	Table int
	// Entity is the row.
	Entity schema.ID
	// Field is the field's name, or what else differs, at most MaxFieldText bytes; likewise the two values.
	Field, Server, Client string
}

// AppendDiverged appends the message, not yet framed, to dst. Texts are made to fit, like a goodbye's reason. What else
// ParseDiverged would refuse it refuses with the same RejectError and returns dst as it was.
func AppendDiverged(dst []byte, m Diverged) ([]byte, error) {
	start := len(dst)
	dst = appendUint(appendHead(dst, KindDiverged, 7), m.Tick)
	dst = appendUint(appendUint(dst, uint64(m.Table)), uint64(m.Entity))
	for _, text := range []string{m.Field, m.Server, m.Client} {
		dst = appendText(dst, plain.Clean(text, MaxFieldText))
	}
	if _, err := ParseDiverged(dst[start:]); err != nil {
		return dst[:start], fmt.Errorf("append diverged: %w", err)
	}
	return dst, nil
}

// ParseDiverged reads a server's divergence from a frame's content. The errors are RejectErrors.
func ParseDiverged(b []byte) (Diverged, error) {
	r := openMessage(b, KindDiverged)
	r.checkForm(MaxFrame)
	m := Diverged{
		Tick: r.uint("tick", MaxTick), Table: int(r.uint("table", MaxTables-1)), Entity: schema.ID(r.uint("entity", math.MaxUint32)),
		Field: r.text("field", MaxFieldText), Server: r.text("server", MaxFieldText), Client: r.text("client", MaxFieldText),
	}
	if r.err != nil {
		return Diverged{}, r.err
	}
	return m, nil
}
