package feel_test

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/quicstep/quicstep/clients/client"
	"github.com/quicstep/quicstep/clients/feel"
	"github.com/quicstep/quicstep/server"
	"github.com/quicstep/quicstep/server/transport"
	"github.com/quicstep/quicstep/world"
)

// serve starts a server of a game on a free port.
func serve(t *testing.T) func(g world.Game, overStream bool) (*feel.Server, error) {
	cert, err := transport.NewDevCertificate(transport.DevCertificateParams{NotBefore: time.Now().Add(-time.Hour), Validity: 24 * time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	return func(g world.Game, overStream bool) (*feel.Server, error) {
		s, err := server.New(server.Config{Games: []world.Game{g}, Addr: "127.0.0.1:0", OverStream: overStream, Certificate: &cert, AnyoneMayJoin: true, Seed: 1})
		if err != nil {
			return nil, err
		}
		ctx, stop := context.WithCancel(context.Background())
		ended := make(chan error, 1)
		go func() { ended <- s.Run(ctx) }()
		return &feel.Server{
			Client: client.Config{Addr: s.Addr().String(), Pins: [][32]byte{s.Pin()}},
			Made: func(tick uint64) time.Time {
				return s.Rooms()[0].Opened.Add(time.Duration(tick) * time.Second / 30)
			},
			Stop: func() error {
				stop()
				return <-ended
			},
		}, nil
	}
}

// TestEveryFigureIsMeasured plays a little: what the figures are depends on the machine.
func TestEveryFigureIsMeasured(t *testing.T) {
	done := 0
	r, err := feel.Run(t.Context(), feel.Config{
		Serve: serve(t), RoundTrips: []time.Duration{40 * time.Millisecond}, Losses: []float64{0.02}, Jitters: []time.Duration{5 * time.Millisecond},
		Overs: []feel.Over{feel.Datagrams, feel.Stream}, Settle: 2500 * time.Millisecond, Duration: 2 * time.Second,
		Progress: func(n, all int) { done = max(done, n) },
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Cells) != 2 || done != 2 {
		t.Fatalf("%d cells, %d done, want 2", len(r.Cells), done)
	}
	for i, c := range r.Cells {
		if want := []feel.Over{feel.Datagrams, feel.Stream}[i]; c.Over != want || c.RoundTripMS != 40 || c.JitterMS != 5 || c.Loss != 0.02 {
			t.Errorf("cell %d is of %v: %v ms, %v ms, %v", i, c.Over, c.RoundTripMS, c.JitterMS, c.Loss)
		}
		if c.OwnMS.Samples == 0 || c.OthersMS.Samples == 0 || c.AgeMS.Samples == 0 || c.ShownMS.Samples == 0 || c.Hits.Shots == 0 || c.BytesPerS == 0 {
			t.Errorf("over %v something was not measured: %+v", c.Over, c)
		}
		if c.Hits.Agreed > c.Hits.Shots {
			t.Errorf("over %v the figures can't be: %+v", c.Over, c)
		}
	}
}

func TestWhatCantBeMeasuredIsAnError(t *testing.T) {
	if _, err := feel.Run(t.Context(), feel.Config{}); err == nil {
		t.Error("nothing was measured without an error")
	}
	broken := errors.New("no server today")
	cfg := feel.Quick()
	cfg.Serve = func(world.Game, bool) (*feel.Server, error) { return nil, broken }
	if _, err := feel.Run(t.Context(), cfg); !errors.Is(err, broken) {
		t.Errorf("a server that does not start was answered with %v", err)
	}
	stopped, stop := context.WithCancel(t.Context())
	stop()
	cfg.Serve = serve(t)
	if _, err := feel.Run(stopped, cfg); !errors.Is(err, context.Canceled) {
		t.Errorf("a run that was stopped ended with %v", err)
	}
}

// report is one that nobody has measured.
func report() *feel.Report {
	r := &feel.Report{DurationS: 8}
	for _, trip := range []float64{0, 100} {
		for _, jitter := range []float64{0, 20} {
			for _, loss := range []float64{0, 0.05} {
				for i, over := range []feel.Over{feel.Datagrams, feel.Stream} {
					age := trip/2 + jitter + 40 + 1000*loss*float64(1+3*i)
					r.Cells = append(r.Cells, feel.Cell{
						RoundTripMS: trip, JitterMS: jitter, Loss: loss, Over: over, AgeMS: feel.Spread{Samples: 9, P50: 30, P99: age},
						Hits: feel.Hits{Shots: 100, Agreed: 99, Share: 0.99},
					})
				}
			}
		}
	}
	return r
}

func TestTheTableHasARowForEachNetwork(t *testing.T) {
	var b bytes.Buffer
	if err := report().WriteTable(&b); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(b.String()), "\n")
	if len(lines) != 2+16 {
		t.Fatalf("the table has %d lines:\n%s", len(lines), b.String())
	}
	for _, line := range lines {
		if len(line) != len(lines[0]) || strings.Count(line, "|") != strings.Count(lines[0], "|") {
			t.Errorf("a line is not like the first one:\n%s\n%s", lines[0], line)
		}
	}
	if last := lines[len(lines)-1]; !strings.Contains(last, "| 5 %  | stream") || !strings.Contains(last, "30 / 310") || !strings.Contains(last, "99.0 %") {
		t.Errorf("the last line is %s", last)
	}
}

func TestTheGainIsThatOfTheCalmestNetwork(t *testing.T) {
	if got := report().Gain(100*time.Millisecond, 0.05); got != 290.0/140 {
		t.Errorf("the gain is %v, want %v", got, 290.0/140)
	}
	if got := report().Gain(50*time.Millisecond, 0.05); got != 0 {
		t.Errorf("the gain of a network that was not measured is %v", got)
	}
}

func TestThePlotIsXMLWithALineForEachSeries(t *testing.T) {
	var b bytes.Buffer
	if err := report().WriteSVG(&b); err != nil {
		t.Fatal(err)
	}
	lines := 0
	for d := xml.NewDecoder(bytes.NewReader(b.Bytes())); ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if e, ok := token.(xml.StartElement); ok && e.Name.Local == "polyline" {
			lines++
		}
	}
	if want := 4 * 2 * 4; lines != want { // figures, round trips, series
		t.Errorf("the plot has %d lines, want %d", lines, want)
	}
}

func TestTheReportIsJSON(t *testing.T) {
	var b bytes.Buffer
	if err := report().WriteJSON(&b); err != nil {
		t.Fatal(err)
	}
	var back feel.Report
	if err := json.Unmarshal(b.Bytes(), &back); err != nil || len(back.Cells) != 16 || back.Cells[15] != report().Cells[15] {
		t.Errorf("the JSON reads back as %+v: %v", back, err)
	}
}
