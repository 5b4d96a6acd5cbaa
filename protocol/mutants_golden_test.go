package protocol_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/quicstep/quicstep/protocol"
	"github.com/quicstep/quicstep/protocol/schema"
)

const mutantsGolden = "../testdata/wire/mutants.json"

// mutant is a message or a state datagram that something was done to, and what this package makes of it, for parsers in
// other languages to be compared with.
type mutant struct {
	Kind string `json:"kind"` // of a message, or "state"
	Hex  string `json:"hex"`
	// Reject is the rejection's name; without one Again is a message as it is written anew.
	Reject string `json:"reject,omitempty"`
	Again  string `json:"again,omitempty"`
	// Records are those of a state that were read, up to the fault.
	Records int `json:"records,omitempty"`
}

const (
	mutantsEach  = 32
	mutatedBytes = 160 // longer ones are left alone: the file is for people, too
)

// telling are the bytes that mean something to msgpack or to a limb.
var telling = []byte{0, 1, 0x7f, 0x80, 0x81, 0x90, 0x91, 0x9f, 0xa0, 0xa1, 0xbf, 0xc0, 0xc1, 0xc3, 0xc4, 0xca, 0xcb, 0xcc, 0xcd, 0xce, 0xcf, 0xd0, 0xd3, 0xd4, 0xd9, 0xdc, 0xdd, 0xdf, 0xe0, 0xff}

// mutate does one or two things to bytes.
func mutate(chance *rand.Rand, b []byte) []byte {
	b = bytes.Clone(b)
	for range 1 + chance.IntN(2) {
		at := chance.IntN(len(b) + 1)
		some := telling[chance.IntN(len(telling))]
		switch chance.IntN(6) {
		case 0:
			b = b[:at]
		case 1:
			b = slices.Insert(b, at, some)
		case 2:
			b = append(b, some)
		default:
			if at == len(b) {
				continue
			}
			switch chance.IntN(3) {
			case 0:
				b[at] = some
			case 1:
				b[at] ^= 1 << chance.IntN(8)
			case 2:
				b = slices.Delete(b, at, at+1)
			}
		}
	}
	return b
}

func TestMutantsGolden(t *testing.T) {
	chance := rand.New(rand.NewPCG(1, 2)) // the file's seed
	var out []mutant
	for _, message := range samples {
		b := encode(t, message)
		kind, err := protocol.KindOf(b)
		if err != nil {
			t.Fatal(err)
		}
		for range mutantsEach {
			out = append(out, messageMutant(t, kind, mutate(chance, b)))
		}
	}
	s := arena(t)
	for _, v := range stateSamples(s) {
		b := v.bytes(s)
		for range mutantsEach {
			if len(b) <= mutatedBytes {
				out = append(out, stateMutant(s, mutate(chance, b)))
			}
		}
	}
	var buf bytes.Buffer
	buf.WriteString("[")
	for i, m := range out {
		line, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		if i > 0 {
			buf.WriteString(",")
		}
		buf.WriteString("\n" + string(line))
	}
	buf.WriteString("\n]\n")
	checkGolden(t, mutantsGolden, buf.Bytes())
}

func messageMutant(t *testing.T, kind protocol.Kind, b []byte) mutant {
	m := mutant{Kind: kind.String(), Hex: hex.EncodeToString(b)}
	read, err := decodeAs(kind, b)
	if r, rejected := protocol.RejectOf(err); rejected {
		m.Reject = r.String()
	} else {
		m.Again = hex.EncodeToString(encode(t, read))
	}
	return m
}

func stateMutant(s *schema.Schema, b []byte) mutant {
	m := mutant{Kind: "state", Hex: hex.EncodeToString(b)}
	var r protocol.StateReader
	err := r.Open(b, s)
	if err == nil {
		var rec protocol.Record
		for r.Next(&rec) {
			m.Records++
		}
		err = r.Err()
	}
	if reject, rejected := protocol.RejectOf(err); rejected {
		m.Reject = reject.String()
	}
	return m
}
