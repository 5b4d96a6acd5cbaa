package admin_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	wire "github.com/quicstep/quicstep/protocol/admin"
	"github.com/quicstep/quicstep/server"
	"github.com/quicstep/quicstep/server/admin"
	"github.com/quicstep/quicstep/world"
)

// The files for Prometheus and Grafana.
const (
	alertsFile    = "../../docs/monitoring/alerts.yml"
	dashboardFile = "../../docs/monitoring/grafana.json"
)

// watch serves a site's metrics, and returns their address.
func (s *site) watch() string { return s.watchAt(100) }

func (s *site) watchAt(tickRate int) string {
	s.t.Helper()
	w, err := admin.ListenWeb(admin.WebConfig{Server: s.Server, Addr: ":0", Door: s.door, TickRate: tickRate})
	if err != nil {
		s.t.Fatal(err)
	}
	if tcp, ok := w.Addr().(*net.TCPAddr); !ok || !tcp.IP.IsLoopback() {
		s.t.Errorf("without a host the address is %v, not loopback", w.Addr())
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		w.Run(ctx)
	}()
	s.t.Cleanup(func() {
		cancel()
		<-ended
	})
	return w.Addr().String()
}

// get reads a page.
func get(t *testing.T, url string) (code int, body string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	b, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(b)
}

// scraped plays for a moment, and returns what /metrics tells then.
func scraped(t *testing.T) (addr, text string) {
	t.Helper()
	s := open(t, newFolder(t), admin.Limits{})
	p := s.join()
	until(t, p, "some ticks are over", func(v *world.View) bool { return v.Tick > 20 })
	addr = s.watch()
	code, text := get(t, "http://"+addr+"/metrics")
	if code != http.StatusOK {
		t.Fatalf("/metrics answers %d: %s", code, text)
	}
	return addr, text
}

func TestMetricsAreThere(t *testing.T) {
	_, text := scraped(t)
	for _, want := range []string{
		`quicstep_players{game="yard"} 1`, `quicstep_rooms{game="yard"} 1`, `quicstep_tick_period_seconds 0.01`,
		`quicstep_tick_phase_seconds_bucket{game="yard",phase="step",le="0.001"}`, `quicstep_tick_seconds_count{game="yard"}`,
		`quicstep_sessions_joined_total 1`, `quicstep_sessions_ended_total{why="lost"} 0`, `quicstep_rooms_closed_total 0`,
		`quicstep_inputs_total{outcome="applied"}`, `quicstep_connections{door="native"} 1`, `quicstep_admin_logins_total 0`, `quicstep_draining 0`,
		`quicstep_admin_fast_refused_total{what="acts"} 0`, `quicstep_admin_fast_refused_total{what="reads"} 0`, `quicstep_admin_fast_refused_total{what="sights"} 0`,
		`quicstep_admin_refusals_unaudited_total 0`, `quicstep_admin_door_ended 0`,
		`quicstep_rejected_total{reason="bad_value"} 0`, `process_cpu_seconds_total`, `go_goroutines`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%s is missing", want)
		}
	}
	if found := regexp.MustCompile(`quicstep_\w+\{[^}]*\b(room|player|addr|user)=`).FindString(text); found != "" {
		t.Errorf("a label names rooms or people: %s", found)
	}
}

// TestMetricsGoOnWhenSomethingElseHappens that was never counted before: a join that is denied, for one.
func TestMetricsGoOnWhenSomethingElseHappens(t *testing.T) {
	s := open(t, newFolder(t), admin.Limits{})
	addr := s.watch()
	if code, text := get(t, "http://"+addr+"/metrics"); code != http.StatusOK || strings.Contains(text, "joins_denied") {
		t.Fatalf("/metrics answers %d: %s", code, text)
	}
	if _, err := s.tryJoinAs("\x00"); err == nil {
		t.Fatal("a user of control characters was let in")
	}
	code, text := get(t, "http://"+addr+"/metrics")
	if code != http.StatusOK || !strings.Contains(text, `quicstep_joins_denied_total{reason="undecided"} 1`) {
		t.Errorf("/metrics answers %d: %s", code, text)
	}
}

// TestTheAddressForMetricsIsRightOrNotOpened: what it is told is filled in or refused.
func TestTheAddressForMetricsIsRightOrNotOpened(t *testing.T) {
	s := open(t, newFolder(t), admin.Limits{})
	for _, wrong := range []admin.WebConfig{
		{Addr: ":0"}, {Server: s.Server, Addr: ":0", TickRate: -1}, {Server: s.Server, Addr: ":0", TickRate: 1000}, {Server: s.Server, Addr: "9464"},
	} {
		if w, err := admin.ListenWeb(wrong); err == nil {
			w.Close()
			t.Errorf("it opened with %+v", wrong)
		}
	}
	for rate, want := range map[int]string{0: "0.0333", 100: "0.01\n"} {
		if _, text := get(t, "http://"+s.watchAt(rate)+"/metrics"); !strings.Contains(text, "\nquicstep_tick_period_seconds "+want) {
			t.Errorf("at a tick rate of %d the period is not %s", rate, want)
		}
	}
}

// TestConnectionsForMetricsAreBounded: one more than there may be is answered when another one is closed, and no sooner.
func TestConnectionsForMetricsAreBounded(t *testing.T) {
	s := open(t, newFolder(t), admin.Limits{})
	addr := s.watch()
	dial := func() (net.Conn, *bufio.Reader) {
		conn, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		return conn, bufio.NewReader(conn)
	}
	ask := func(conn net.Conn, answers *bufio.Reader) error {
		if _, err := io.WriteString(conn, "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"); err != nil {
			return err
		}
		r, err := http.ReadResponse(answers, nil)
		if err != nil {
			return err
		}
		_, err = io.Copy(io.Discard, r.Body)
		return errors.Join(err, r.Body.Close())
	}
	held := make([]net.Conn, admin.WebConns)
	answers := make([]*bufio.Reader, len(held))
	for i := range held {
		held[i], answers[i] = dial()
		if err := ask(held[i], answers[i]); err != nil {
			t.Fatal(err)
		}
	}
	more, moreAnswers := dial()
	var closed atomic.Bool
	answered := make(chan error)
	go func() {
		err := ask(more, moreAnswers)
		if !closed.Load() {
			err = errors.Join(err, errors.New("it was answered beside all the others"))
		}
		answered <- err
	}()
	for i := range held { // which takes longer than an answer would
		if err := ask(held[i], answers[i]); err != nil {
			t.Error(err)
		}
	}
	closed.Store(true)
	held[0].Close()
	if err := <-answered; err != nil {
		t.Error(err)
	}
}

// stuckServer is one with a stuck room.
type stuckServer struct{ *server.Server }

// Stats tells of it.
func (s stuckServer) Stats() server.Stats {
	st := s.Server.Stats()
	st.StuckRooms = 1
	return st
}

// TestAStuckRoomIsSeen by whoever asks whether the server is ready, by operators and by Prometheus.
func TestAStuckRoomIsSeen(t *testing.T) {
	s := open(t, newFolder(t), admin.Limits{})
	stuck := stuckServer{s.Server}
	web, err := admin.ListenWeb(admin.WebConfig{Server: stuck, Addr: "127.0.0.1:0", TickRate: 100})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ran := make(chan struct{})
	go func() {
		defer close(ran)
		web.Run(ctx)
	}()
	defer func() { <-ran }()
	defer cancel()
	if code, text := get(t, "http://"+web.Addr().String()+"/readyz"); code != http.StatusServiceUnavailable || !strings.Contains(text, "stuck") {
		t.Errorf("/readyz answers %d: %s", code, text)
	}
	if _, text := get(t, "http://"+web.Addr().String()+"/metrics"); !strings.Contains(text, "quicstep_rooms_stuck 1") {
		t.Error("/metrics does not tell")
	}
	_, enter := s.secondDoor(stuck, admin.Limits{})
	c, err := enter()
	if err != nil {
		t.Fatal(err)
	}
	if h := do(t, c, wire.Request{Act: wire.ActHealth}).Health; h.OK || !strings.Contains(strings.Join(h.Wrong, "; "), "stuck rooms: 1") {
		t.Errorf("the health is %+v", h)
	}
}

func TestHealth(t *testing.T) {
	s := open(t, newFolder(t), admin.Limits{})
	addr := s.watch()
	for _, drained := range []bool{false, true} {
		s.Drain(drained)
		if code, _ := get(t, "http://"+addr+"/healthz"); code != http.StatusOK {
			t.Errorf("draining %v, /healthz answers %d", drained, code)
		}
		want := http.StatusOK
		if drained {
			want = http.StatusServiceUnavailable
		}
		if code, text := get(t, "http://"+addr+"/readyz"); code != want {
			t.Errorf("draining %v, /readyz answers %d: %s", drained, code, text)
		}
	}
	if code, _ := get(t, "http://"+addr+"/debug"); code != http.StatusNotFound {
		t.Errorf("another page answers %d", code)
	}
}

// tool finds a program of Debian's prometheus package; the test is skipped without it.
func tool(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skipf("SKIPPED: %s is not there to check the metrics with: apt-get install prometheus", name)
	}
	return path
}

func TestPromtoolIsContent(t *testing.T) {
	promtool := tool(t, "promtool")
	_, text := scraped(t)
	check := exec.CommandContext(t.Context(), promtool, "check", "metrics")
	check.Stdin = strings.NewReader(text)
	if out, err := check.CombinedOutput(); err != nil || len(bytes.TrimSpace(out)) > 0 {
		t.Errorf("promtool check metrics: %v\n%s", err, out)
	}
	if out, err := exec.CommandContext(t.Context(), promtool, "check", "rules", alertsFile).CombinedOutput(); err != nil || !bytes.Contains(out, []byte("SUCCESS")) {
		t.Errorf("promtool check rules: %v\n%s", err, out)
	}
}

// TestRulesAndDashboardAskForWhatIsThere: a name that was changed would leave an alert silent.
func TestRulesAndDashboardAskForWhatIsThere(t *testing.T) {
	_, text := scraped(t)
	metric := regexp.MustCompile(`\b(?:quicstep|process)_[a-z_]+\b`)
	for _, file := range []string{alertsFile, dashboardFile} {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if filepath.Ext(file) == ".json" && !json.Valid(data) {
			t.Errorf("%s is not JSON", file)
		}
		names := metric.FindAllString(string(data), -1)
		if len(names) < 10 {
			t.Errorf("%s has %d metrics", file, len(names))
		}
		for _, name := range names {
			if !strings.Contains(text, "\n"+name+"{") && !strings.Contains(text, "\n"+name+" ") {
				t.Errorf("%s asks for %s, which is not there", file, name)
			}
		}
	}
}

// TestPrometheusScrapes a server that runs, and evaluates the rules.
func TestPrometheusScrapes(t *testing.T) {
	prometheus := tool(t, "prometheus")
	addr, _ := scraped(t)
	dir := t.TempDir()
	rules, err := filepath.Abs(alertsFile)
	if err != nil {
		t.Fatal(err)
	}
	config := filepath.Join(dir, "prometheus.yml")
	text := fmt.Sprintf("global: {scrape_interval: 200ms, evaluation_interval: 200ms}\nrule_files: [%q]\nscrape_configs: [{job_name: quicstep, static_configs: [{targets: [%q]}]}]\n", rules, addr)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	web := free.Addr().String()
	free.Close()
	ctx, stop := context.WithCancel(context.Background())
	run := exec.CommandContext(ctx, prometheus, "--config.file="+config, "--storage.tsdb.path="+filepath.Join(dir, "data"), "--web.listen-address="+web)
	var log bytes.Buffer
	run.Stderr = &log
	if err := run.Start(); err != nil {
		t.Fatal(err)
	}
	defer run.Wait()
	defer stop()
	asks := time.NewTicker(200 * time.Millisecond) // another program: nothing else tells that it has come so far
	defer asks.Stop()
	late := time.After(5 * time.Minute)
	for {
		select {
		case <-asks.C:
		case <-late:
			stop()
			run.Wait()
			t.Fatalf("Prometheus has not scraped in five minutes:\n%s", log.String())
		}
		answer, err := http.Get("http://" + web + "/api/v1/query?query=quicstep_players")
		if err != nil {
			continue
		}
		b, _ := io.ReadAll(answer.Body)
		answer.Body.Close()
		if !bytes.Contains(b, []byte(`"game":"yard"`)) {
			continue
		}
		if _, rules := get(t, "http://"+web+"/api/v1/rules"); strings.Contains(rules, `"health":"err"`) || !strings.Contains(rules, "QuicstepDown") {
			t.Errorf("the rules are %s", rules)
		}
		return
	}
}
