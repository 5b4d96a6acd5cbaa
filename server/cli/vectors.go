package cli

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"os"

	"github.com/quicstep/quicstep/world"
)

// maxStepCases bounds the cases of a file: some 2 kB each.
const maxStepCases = 10_000

// genVectorsCmd writes what a game's OnInput makes of its players' rows, for who writes the same step in another language.
type genVectorsCmd struct {
	Game  string `help:"The game; else the program's first." placeholder:"NAME" group:"game"`
	Seed  uint64 `help:"Begin chance with this number: the same one gives the same cases." default:"1" group:"game"`
	Cases int    `help:"Make so many cases of one input, 1 to 10000, and a run of 20 to 60 inputs to every fifth." default:"200" group:"game"`
	Out   string `help:"Write to this file; else to the standard output." placeholder:"FILE" group:"judge"`
}

// stepVectors is the file, before its cases.
type stepVectors struct {
	Game     string `json:"game"`
	Schema   []byte `json:"schema"`
	PeriodNS int64  `json:"periodNs"`
	Seed     uint64 `json:"seed"`
}

// stepCase is a case of the file.
type stepCase struct {
	Name   string            `json:"name"`
	Player world.Player      `json:"player"`
	Tick   uint64            `json:"tick"`
	Known  []world.StepRow   `json:"known"`
	Own    []world.StepRow   `json:"own"`
	Inputs [][]any           `json:"inputs"`
	After  [][]world.StepRow `json:"after"`
}

// stepPeriodNS is the time between two ticks at the default tick rate.
const stepPeriodNS = 1_000_000_000 / 30

// Run writes them.
func (c *genVectorsCmd) Run(a *app) error {
	if c.Cases < 1 || c.Cases > maxStepCases {
		return usagef("--cases: 1 to %d are possible, not %d", maxStepCases, c.Cases)
	}
	games, err := a.choose([]string{cmp.Or(c.Game, a.names()[0])})
	if err != nil {
		return err
	}
	g := games[0]
	schema, err := world.SchemaOf(g)
	if err != nil {
		return err
	}
	cases, err := world.StepCases(g, world.StepCasing{Seed: c.Seed, Cases: c.Cases, TickPeriodNS: stepPeriodNS})
	if err != nil {
		return fmt.Errorf("play %s: %w", nameOf(g), err)
	}
	text, err := appendVectors(stepVectors{Game: schema.Game, Schema: schema.Append(nil), PeriodNS: stepPeriodNS, Seed: c.Seed}, cases)
	if err != nil {
		return fmt.Errorf("write the cases of %s: %w", nameOf(g), err)
	}
	if c.Out == "" {
		_, err = a.Stdout.Write(text)
		return err
	}
	return os.WriteFile(c.Out, text, 0o644)
}

// appendVectors writes the file, with a line for each case.
func appendVectors(v stepVectors, cases []world.StepCase) ([]byte, error) {
	head, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	out.Write(head[:len(head)-1])
	out.WriteString(`,"cases":[`)
	for i, c := range cases {
		line, err := json.Marshal(stepCase(c))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", c.Name, err)
		}
		if i > 0 {
			out.WriteByte(',')
		}
		out.WriteByte('\n')
		out.Write(line)
	}
	out.WriteString("\n]}\n")
	return out.Bytes(), nil
}
