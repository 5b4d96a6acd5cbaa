package replica_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"testing"

	"github.com/quicstep/quicstep/clients/replica"
	"github.com/quicstep/quicstep/protocol"
	"github.com/quicstep/quicstep/protocol/schema"
)

// A scenario is what a replica was sent and what became of it, for clients in every language: clients/ts reads the same
// files. The datagrams are those of the real server, over a network that loses, doubles, delays and damages them.

var update = flag.Bool("update", false, "play the scenarios in testdata anew")

const scenarioDir = "../../testdata/scenarios"

type scenario struct {
	Name   string `json:"name"`
	Schema string `json:"schema"` // hexadecimal
	// How the replica begins.
	Epoch        uint8  `json:"epoch"`
	Tick         uint64 `json:"tick"`
	NextSequence uint64 `json:"nextSequence"`
	AgeMax       uint32 `json:"ageMax"`
	EventTicks   uint32 `json:"eventTicks"`
	PeriodNS     int64  `json:"periodNs"`

	Steps []step    `json:"-"` // each on a line of its own
	End   []restRow `json:"-"` // every row that is here in the end
}

// step is a datagram, or a connection that goes on with the session, and what the replica says then.
type step struct {
	Datagram string       `json:"datagram,omitempty"` // hexadecimal
	Resume   *resumed     `json:"resume,omitempty"`
	Ignored  bool         `json:"ignored,omitempty"`
	NewEpoch bool         `json:"newEpoch,omitempty"`
	Reject   string       `json:"reject,omitempty"`
	Header   *header      `json:"header,omitempty"` // of one that was not ignored, in full width
	Changes  []change     `json:"changes,omitempty"`
	Rows     []touchedRow `json:"rows,omitempty"` // those of the changes that are here now
	Events   []fired      `json:"events,omitempty"`
	Orphaned bool         `json:"orphaned,omitempty"` // a resync is due, or was sent in this epoch
	Ack      acked        `json:"ack"`
}

type resumed struct {
	Tick         uint64 `json:"tick"`
	NextSequence uint64 `json:"nextSequence"`
}

type header struct {
	Sequence     uint64 `json:"sequence"`
	Tick         uint64 `json:"tick"`
	InputTick    uint64 `json:"inputTick"`
	Margin       int8   `json:"margin"`
	OwnComplete  bool   `json:"ownComplete"`
	ViewComplete bool   `json:"viewComplete"`
	HasInput     bool   `json:"hasInput"`
}

type change struct {
	Table   int    `json:"table"`
	Index   uint32 `json:"index"`
	Tick    uint32 `json:"tick"`
	Removed bool   `json:"removed,omitempty"`
}

// touchedRow is a row by its columns; of a base the tick has 32 bits.
type touchedRow struct {
	Table      int      `json:"table"`
	Index      uint32   `json:"index"`
	Generation uint16   `json:"generation"`
	Class      uint8    `json:"class"`
	Tick       uint32   `json:"tick"`
	MadeTick   uint32   `json:"madeTick,omitempty"`
	Insert     uint16   `json:"insert,omitempty"`
	Words      []uint32 `json:"words"`
	Texts      []string `json:"texts"`
}

// restRow is a row by its values, as they are shown at the newest tick, and as it is reported.
type restRow struct {
	Table  int      `json:"table"`
	Index  uint32   `json:"index"`
	Values []string `json:"values"` // of each field
	Report string   `json:"report"` // its columns, hexadecimal
}

type fired struct {
	Tick   uint64 `json:"tick"`
	Number uint32 `json:"number"`
	Kind   int    `json:"kind"`
	Data   string `json:"data"` // its columns, hexadecimal
}

type acked struct {
	Epoch   uint8  `json:"epoch"`
	HasAck  bool   `json:"hasAck"`
	Newest  uint64 `json:"newest"`
	Missing string `json:"missing"` // 16 hexadecimal digits
}

// player plays a scenario's steps on a replica.
type player struct {
	schema *schema.Schema
	*replica.Replica
}

func (sc *scenario) begin() (*player, error) {
	b, err := hex.DecodeString(sc.Schema)
	if err != nil {
		return nil, err
	}
	s, err := schema.Parse(b)
	if err != nil {
		return nil, err
	}
	r, err := replica.New(s, replica.Config{Epoch: sc.Epoch, Tick: sc.Tick, Sequence: sc.NextSequence, Age: sc.AgeMax, EventTicks: sc.EventTicks})
	return &player{s, r}, err
}

// resume goes on over another connection, and says what the replica says then.
func (p *player) resume(tick, sequence uint64) step {
	p.Resume(tick, sequence)
	return step{Resume: &resumed{tick, sequence}, Orphaned: p.Orphaned(), Ack: p.acked()}
}

// apply gives the replica a datagram and says what became of it.
func (p *player) apply(datagram []byte) step {
	a, err := p.Apply(datagram)
	out := step{Datagram: hex.EncodeToString(datagram), Ignored: a.Ignored, NewEpoch: a.NewEpoch, Orphaned: p.Orphaned(), Ack: p.acked()}
	if reject, ok := protocol.RejectOf(err); ok {
		out.Reject = reject.String()
	}
	if a.Ignored {
		return out
	}
	h := a.Header
	out.Header = &header{h.Sequence, h.Tick, h.InputTick, h.Margin, h.OwnComplete, h.ViewComplete, h.HasInput}
	for _, c := range a.Changes {
		out.Changes = append(out.Changes, change(c))
		if row, ok := p.Get(c.Table, c.Index); ok {
			out.Rows = append(out.Rows, touchedRow{
				c.Table, c.Index, row.Generation, uint8(row.Class), row.Tick, row.Made.Tick, row.Made.Insert,
				append([]uint32{}, row.Words...), append([]string{}, row.Texts...),
			})
		}
	}
	for _, e := range a.Events {
		out.Events = append(out.Events, fired{e.Tick, e.Number, e.Kind, hex.EncodeToString(e.Data)})
	}
	return out
}

func (p *player) acked() acked {
	var in protocol.Input
	p.Ack(&in)
	return acked{in.Epoch, in.HasAck, in.Newest, fmt.Sprintf("%016x", in.Missing)}
}

// end lists every row that is here.
func (p *player) end(periodNS int64) (out []restRow, err error) {
	for number, t := range p.schema.Tables {
		motion, err := t.Motion(periodNS)
		if err != nil {
			return nil, err
		}
		for index, row := range p.All(number) {
			report := t.AppendRow(nil, row.Class, t.FullMask(row.Class), row.Words, row.Texts)
			values := make([]string, len(t.Fields))
			for i := range values {
				values[i] = valueOf(t, i, row, motion, uint32(p.Tick()))
			}
			out = append(out, restRow{number, index, values, hex.EncodeToString(report)})
		}
	}
	return out, nil
}

// valueOf writes what a field shows at a tick, as JavaScript's Number or BigInt reads it.
func valueOf(t *schema.Table, field int, row replica.Row, motion *schema.Motion, tick uint32) string {
	f, own := &t.Fields[field], row.Class == schema.Own
	columns := t.FieldColumns(field, own)
	if f.Kind == schema.Text {
		return row.Texts[t.Columns[columns[0]].TextAt]
	}
	var q uint64
	switch base := memberOf(t, field); {
	case !f.Visible(row.Class):
		if f.Kind == schema.Bool {
			return "false"
		}
		return "0"
	case own || base < 0:
		q = t.Join(row.Words, columns)
	case t.Group.Members[base].Velocity == field:
		q = uint64(t.Group.Base(row.Words)[2+2*base])
	default:
		q = motion.Position(t.Group.Base(row.Words), base, tick)
	}
	switch f.Kind {
	case schema.Bool:
		return strconv.FormatBool(q != 0)
	case schema.Float:
		return strconv.FormatFloat(f.FloatOf(q, own), 'g', -1, 64)
	case schema.Int:
		return strconv.FormatInt(f.IntOf(q), 10)
	}
	return strconv.FormatUint(uint64(f.IntOf(q)), 10)
}

// memberOf is the place in the group of a field that belongs to it, otherwise -1.
func memberOf(t *schema.Table, field int) int {
	if t.Group != nil {
		for i, m := range t.Group.Members {
			if m.Field == field || m.Velocity == field {
				return i
			}
		}
	}
	return -1
}

// file is the scenario as it is written, a step on a line.
func (sc *scenario) file(t *testing.T) []byte {
	t.Helper()
	marshal := func(v any) []byte {
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	var b bytes.Buffer
	b.Write(bytes.TrimSuffix(marshal(sc), []byte("}")))
	lines := func(name string, n int, at func(int) any) {
		fmt.Fprintf(&b, ",\n%q: [\n", name)
		for i := range n {
			b.Write(marshal(at(i)))
			if i < n-1 {
				b.WriteByte(',')
			}
			b.WriteByte('\n')
		}
		b.WriteByte(']')
	}
	lines("steps", len(sc.Steps), func(i int) any { return &sc.Steps[i] })
	lines("end", len(sc.End), func(i int) any { return &sc.End[i] })
	b.WriteString("}\n")
	return b.Bytes()
}

func (sc *scenario) path() string { return filepath.Join(scenarioDir, sc.Name+".json") }

func readScenario(t *testing.T, path string) *scenario {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	sc := &scenario{}
	var lists struct {
		Steps []step    `json:"steps"`
		End   []restRow `json:"end"`
	}
	if err := json.Unmarshal(text, sc); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &lists); err != nil {
		t.Fatal(err)
	}
	sc.Steps, sc.End = lists.Steps, lists.End
	return sc
}

// TestScenarios plays what was recorded: each datagram has to come to the same.
func TestScenarios(t *testing.T) {
	if *update {
		for _, v := range voyages {
			sc := v.play(t)
			if err := os.MkdirAll(scenarioDir, 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(sc.path(), sc.file(t), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, v := range voyages {
		t.Run(v.name, func(t *testing.T) {
			sc := readScenario(t, (&scenario{Name: v.name}).path())
			p, err := sc.begin()
			if err != nil {
				t.Fatal(err)
			}
			for i, want := range sc.Steps {
				var got step
				if want.Resume != nil {
					got = p.resume(want.Resume.Tick, want.Resume.NextSequence)
				} else if b, err := hex.DecodeString(want.Datagram); err != nil {
					t.Fatal(err)
				} else {
					got = p.apply(b)
				}
				if !reflect.DeepEqual(got, want) {
					t.Fatalf("step %d came to\n%+v, want\n%+v", i, got, want)
				}
			}
			if end, err := p.end(sc.PeriodNS); err != nil || !reflect.DeepEqual(end, sc.End) {
				t.Errorf("in the end there is\n%+v, %v; want\n%+v", end, err, sc.End)
			}
			v.covers(t, sc)
		})
	}
}
