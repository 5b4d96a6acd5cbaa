package protocol_test

import (
	"encoding/hex"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"math"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/quicstep/quicstep/protocol"
	"github.com/quicstep/quicstep/protocol/schema"
)

// document returns the normative text.
func document(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../docs/protocol.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// goldenVectors returns the bytes of every golden vector by its name: frames, datagrams and schemas.
func goldenVectors(t *testing.T) map[string]string {
	t.Helper()
	vectors := map[string]string{}
	add := func(name, bytes string) {
		if vectors[name] != "" {
			t.Errorf("two vectors are called %q", name)
		}
		vectors[name] = bytes
	}
	var messages []streamVector
	readGolden(t, streamGolden, &messages)
	for _, v := range messages {
		add(v.Name, v.Frame)
	}
	var datagrams datagramFile
	readGolden(t, datagramGolden, &datagrams)
	for _, v := range datagrams.State {
		add(v.Name, v.Hex)
	}
	for _, v := range datagrams.Input {
		add(v.Name, v.Hex)
	}
	var schemas []schemaVector
	readGolden(t, schemaGolden, &schemas)
	for _, v := range schemas {
		add("schema: "+v.Name, v.Hex)
	}
	var reckoned reckonFile
	readGolden(t, reckonGolden, &reckoned)
	add("schema: "+reckoned.Schema.Name, reckoned.Schema.Hex)
	for _, v := range reckoned.State {
		add(v.Name, v.Hex)
	}
	return vectors
}

// TestExamplesInTheDocumentAreVectors compares each block that begins with "hex" and a vector's name with that
// vector. In a block, the bytes of a line end where two spaces begin its comment.
func TestExamplesInTheDocumentAreVectors(t *testing.T) {
	vectors := goldenVectors(t)
	blocks := regexp.MustCompile("(?ms)^```hex ([^\n]+)\n(.*?)^```$").FindAllStringSubmatch(document(t), -1)
	if len(blocks) < 30 {
		t.Errorf("only %d examples were found", len(blocks))
	}
	for _, block := range blocks {
		name, text := block[1], ""
		want, ok := vectors[name]
		if !ok {
			t.Errorf("the document has an example of %q, which is no vector", name)
			continue
		}
		for line := range strings.Lines(block[2]) {
			bytes, _, _ := strings.Cut(strings.TrimSpace(line), "  ")
			text += strings.ReplaceAll(bytes, " ", "")
		}
		if _, err := hex.DecodeString(text); err != nil {
			t.Errorf("%s: %v in %q: end the bytes with two spaces", name, err, text)
		}
		if text != want {
			t.Errorf("the document's example of %q is\n%s, the vector is\n%s", name, text, want)
		}
	}
}

// limits are the constants of limits.go, and those of schema, with their values.
var limits = map[string]uint64{
	"MaxFrame": protocol.MaxFrame, "MaxHelloFrame": protocol.MaxHelloFrame, "MaxFrameHeader": protocol.MaxFrameHeader, "MaxResumeToken": protocol.MaxResumeToken,
	"MaxDepth": protocol.MaxDepth, "MaxElements": protocol.MaxElements, "MaxGameName": protocol.MaxGameName,
	"MaxReason": protocol.MaxReason, "MaxToken": protocol.MaxToken, "MaxTables": protocol.MaxTables,
	"MaxSchema": protocol.MaxSchema, "MaxSchemaElements": protocol.MaxSchemaElements, "MaxEpoch": protocol.MaxEpoch,
	"MaxTick": protocol.MaxTick, "MaxSequence": protocol.MaxSequence, "MaxTickRate": protocol.MaxTickRate,
	"MinTickPeriod": uint64(protocol.MinTickPeriod), "MaxTickPeriod": uint64(protocol.MaxTickPeriod),
	"MinAge": protocol.MinAge, "MaxAge": protocol.MaxAge, "MaxDatagram": protocol.MaxDatagram,
	"DatagramSpare": protocol.DatagramSpare, "MaxDatagramPayload": protocol.MaxDatagramPayload,
	"InputsPerDatagram": protocol.InputsPerDatagram, "LagsPerTick": protocol.LagsPerTick, "MaxLag": protocol.MaxLag, "AckBits": protocol.AckBits, "MaxRemovalAge": protocol.MaxRemovalAge,

	"MaxChat": protocol.MaxChat, "MaxRooms": protocol.MaxRooms, "MaxPlayers": protocol.MaxPlayers,
	"MaxFieldText": protocol.MaxFieldText, "MaxEvery": protocol.MaxEvery, "MaxOriginAge": protocol.MaxOriginAge, "MaxInsert": protocol.MaxInsert, "MaxEventTicks": protocol.MaxEventTicks, "MaxEventNumber": protocol.MaxEventNumber,

	"schema.MaxTables": schema.MaxTables, "schema.MaxColumns": schema.MaxColumns, "schema.MaxRowBytes": schema.MaxRowBytes,
	"schema.MaxName": schema.MaxName, "schema.MaxPositionBits": schema.MaxPositionBits, "schema.MaxText": schema.MaxText,
	"schema.MaxEntities": schema.MaxEntities, "schema.MaxGeneration": schema.MaxGeneration,
}

// constantsOf returns the exported constants of a file, with a prefix.
func constantsOf(t *testing.T, path, prefix string) (names []string) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(file, func(n ast.Node) bool {
		if _, ok := n.(*ast.FuncDecl); ok {
			return false
		}
		decl, ok := n.(*ast.GenDecl)
		if !ok || decl.Tok != token.CONST {
			return true
		}
		for _, spec := range decl.Specs {
			for _, name := range spec.(*ast.ValueSpec).Names {
				if name.IsExported() {
					names = append(names, prefix+name.Name)
				}
			}
		}
		return false
	})
	return names
}

func TestLimitsStandInTheDocument(t *testing.T) {
	text := document(t)
	names := constantsOf(t, "limits.go", "")
	for _, name := range constantsOf(t, "schema/schema.go", "schema.") {
		if strings.HasPrefix(name, "schema.Max") {
			names = append(names, name)
		}
	}
	if len(names) != len(limits) {
		t.Errorf("there are %d limits, the test knows %d", len(names), len(limits))
	}
	for _, name := range names {
		want, ok := limits[name]
		if !ok {
			t.Errorf("the test does not know %s: add it, and to docs/protocol.md §9", name)
			continue
		}
		row := regexp.MustCompile("(?m)^\\| `" + regexp.QuoteMeta(name) + "` \\| ([0-9,]+) \\|").FindStringSubmatch(text)
		if row == nil {
			t.Errorf("%s is missing in docs/protocol.md §9", name)
			continue
		}
		if got, err := strconv.ParseUint(strings.ReplaceAll(row[1], ",", ""), 10, 64); err != nil || got != want {
			t.Errorf("%s is %s in docs/protocol.md §9, and %d in the code", name, row[1], want)
		}
	}
}

func TestNamesStandInTheDocument(t *testing.T) {
	text := document(t)
	for i := 1; i < protocol.RejectCount; i++ {
		if name := protocol.Reject(i).String(); !strings.Contains(text, "\n| `"+name+"` |") {
			t.Errorf("the rejection %s is missing in docs/protocol.md §9", name)
		}
	}
	row := func(format string, args ...any) {
		if want := fmt.Sprintf("\n| "+format+" |", args...); !strings.Contains(text, want) {
			t.Errorf("docs/protocol.md has no row that begins %q", want[1:])
		}
	}
	for kind := protocol.Kind(1); kind.FromClient() || kind.FromServer(); kind++ {
		row("%d | %v", kind, kind)
	}
	for _, message := range samples {
		b := encode(t, message)
		kind, _ := protocol.KindOf(b)
		from := map[bool]string{true: "client", false: "server"}[kind.FromClient()]
		if kind.FromClient() && kind.FromServer() {
			from = "either"
		}
		row("%d | %v | %s | %d", kind, kind, from, b[0]&0x0f)
	}
	for code := protocol.CloseNormal; code <= protocol.CloseProtocol; code++ {
		row("%d | %v", code, code)
	}
	for class := range schema.Classes {
		row("%v | %d", class, class)
	}
	for kind := protocol.Partial; kind <= protocol.Happened; kind++ {
		row("%v | %d", kind, kind)
	}
	for scope := protocol.ScopeRoom; scope <= protocol.ScopePlayer; scope++ {
		row("%v | %d", scope, scope)
	}
	for join := protocol.JoinOrCreate; join <= protocol.JoinPrivate; join++ {
		row("%d | %v", join, join)
	}
	for kind := schema.Bool; kind <= schema.Entity; kind++ {
		row("%v | %d", kind, kind)
	}
	var schemas []schemaVector
	readGolden(t, schemaGolden, &schemas)
	for _, v := range schemas {
		hash, _ := strconv.ParseUint(v.Hash, 10, 64)
		if want := fmt.Sprintf("its hash is %016x:", hash); v.Name == "pong" && !strings.Contains(text, want) {
			t.Errorf("docs/protocol.md does not say of pong that %q", want)
		}
	}
	for _, want := range []string{protocol.ALPN, protocol.DevPinFile} {
		if !strings.Contains(text, "`"+want+"`") {
			t.Errorf("docs/protocol.md does not say %q", want)
		}
	}
}

func TestWidenedNumbersInTheDocument(t *testing.T) {
	text := document(t)
	_, table, _ := strings.Cut(text, "| short | near | widened |")
	table, _, _ = strings.Cut(table, "\n\n")
	rows := regexp.MustCompile(`(?m)^\| (\d+) \| (\d+) \| (\d+) \|$`).FindAllStringSubmatch(table, -1)
	if len(rows) < 7 {
		t.Errorf("only %d rows were found", len(rows))
	}
	for _, row := range rows {
		var n [3]uint64
		for i := range n {
			n[i], _ = strconv.ParseUint(row[i+1], 10, 64)
		}
		if n[0] > math.MaxUint16 {
			t.Fatalf("%d is no short number", n[0])
		}
		if got := protocol.Widen(uint16(n[0]), n[1]); got != n[2] {
			t.Errorf("%d near %d is %d in the document, and %d in the code", n[0], n[1], n[2], got)
		}
	}
}
