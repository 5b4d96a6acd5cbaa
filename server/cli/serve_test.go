package cli_test

import (
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/quicstep/quicstep/clients/bots"
	"github.com/quicstep/quicstep/clients/client"
	"github.com/quicstep/quicstep/examples/pong"
	"github.com/quicstep/quicstep/server/cli"
	"github.com/quicstep/quicstep/world"
)

func TestPlayersAreToldOfTheEnd(t *testing.T) {
	s := serve(t)
	session, err := client.Open(t.Context(), pong.New(), client.Config{Addr: s.addr()})
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close()
	s.stop()
	s.wantCode(cli.ExitOK)
	view := session.View()
	for err == nil {
		view, err = session.Next(t.Context(), view)
	}
	if !errors.Is(err, client.ErrShutdown) {
		t.Errorf("the player was told %v, want that the server is stopping", err)
	}
}

func TestBotsOnAServer(t *testing.T) {
	s := serve(t, "--debug-addr", "127.0.0.1:0", "--tick", "60")
	p := run(t, "bots", "--addr", s.addr(), "--server", s.debugURL(), "--clients", "2", "--room", "court", "--duration", "1s", "--warmup", "500ms",
		"--json", "--quiet", "--assert", "clients.joined==2", "--assert", "server.ticks>10")
	p.wantCode(cli.ExitOK)
	if p.stderr.String() != "" {
		t.Errorf("quietly it says %q", p.stderr.String())
	}
	r := reportOf(t, p)
	if r.Game != "pong" || r.TickHz != 60 || r.Clients.Joined != 2 || r.Diverged != 0 || len(r.Failed) != 0 {
		t.Errorf("the report is %+v", r)
	}
	// What the server tells of itself is what bots read.
	if f := r.Server; f == nil || f.Ticks == 0 || f.TicksExpected < f.Ticks-2 || f.TicksExpected > f.Ticks+60 || f.TickMS.Max == 0 ||
		f.DatagramsPerClientTick == 0 || f.DatagramBytesPerClientTick <= f.DatagramsPerClientTick || f.AllocsPerClientTick == 0 || f.PhaseUS.Step == 0 {
		t.Errorf("the server's figures are %+v", f)
	} else if runtime.GOOS == "linux" && (f.CPUUSPerClientTick == 0 || f.RSSMB == 0) {
		t.Errorf("the process's figures are %+v", f)
	}

	if _, err := time.Parse(time.RFC3339Nano, r.Begun); err != nil || r.Inputs.PerClientTick == 0 || r.Inputs.MeanBytes == 0 {
		t.Errorf("the measured time began at %q, and clients sent %+v", r.Begun, r.Inputs)
	}

	rooms := run(t, "rooms", "--addr", s.addr())
	rooms.wantCode(cli.ExitOK)
	if fields := strings.Fields(rooms.stdout.String()); len(fields) != 8 || fields[4] != "pong" || fields[5] != "court" {
		t.Errorf("rooms prints %q", rooms.stdout.String())
	}
	rooms = run(t, "rooms", "--addr", s.addr(), "--json", "--game", "pong")
	var list []map[string]any
	if err := json.Unmarshal([]byte(rooms.stdout.String()), &list); err != nil || len(list) != 1 || list[0]["name"] != "court" || list[0]["max_players"] == 0.0 {
		t.Errorf("rooms --json prints %q, %v", rooms.stdout.String(), err)
	}
	if none := run(t, "rooms", "--addr", s.addr(), "--json", "--game", "arena"); strings.TrimSpace(none.stdout.String()) != "[]" {
		t.Errorf("without rooms --json prints %q", none.stdout.String())
	}
}

// browse asks a server's HTTP door for a page of an origin, and returns the status, the body and the origin that may read it.
func browse(t *testing.T, url, origin string) (status int, body, allowed string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Origin", origin)
	response, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	b, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatalf("%s is answered with %s, %v", url, response.Status, err)
	}
	return response.StatusCode, string(b), response.Header.Get("Access-Control-Allow-Origin")
}

func TestBrowsersAreToldThePage(t *testing.T) {
	s := serve(t)
	url := s.expect(&s.stdout, `to play in a browser, open (\S+)`)
	if want := "http://" + s.addr() + "/"; url != want {
		t.Errorf("it says to open %s, want %s", url, want)
	}
	if status, page, _ := browse(t, url, "https://play.example.com"); status != http.StatusOK || !strings.Contains(page, "<canvas") {
		t.Errorf("there it has %d, %q", status, page)
	}
	if status, body, _ := browse(t, url+"quicstep/info", "https://play.example.com"); status != http.StatusForbidden || !strings.Contains(body, "--origin") {
		t.Errorf("pages that are not listed are told %d, %q; want 403 and what to do", status, body)
	}
}

func TestDoorsFromElsewhere(t *testing.T) {
	file := func(text string) cli.Config {
		return cli.Config{Folders: []string{filepath.Dir(writeFile(t, "quicstep.json", text))}}
	}
	for name, cfg := range map[string]cli.Config{
		"file": file(`{"serve": {"origin": ["https://a.example.com", "https://b.example.com"], "webtransport_addr": "game.example.com:7"}}`),
		"environment": {LookupEnv: env(map[string]string{
			"QUICSTEP_ORIGIN": "https://a.example.com,https://b.example.com", "QUICSTEP_WEBTRANSPORT_ADDR": "game.example.com:7",
		})},
	} {
		p := start(t, cfg, "serve", "--addr", "127.0.0.1:0")
		url := p.expect(&p.stdout, `to play in a browser, open (\S+)`) + "quicstep/info"
		for _, origin := range []string{"https://a.example.com", "https://b.example.com"} {
			if status, body, allowed := browse(t, url, origin); status != http.StatusOK || allowed != origin || !strings.Contains(body, `"https://game.example.com:7/quicstep"`) {
				t.Errorf("%s: pages of %s are let in as %q, and told %d, %s", name, origin, allowed, status, body)
			}
		}
		p.stop()
	}
	for name, cfg := range map[string]cli.Config{
		"file":        file(`{"no_web": true}`),
		"environment": {LookupEnv: env(map[string]string{"QUICSTEP_NO_WEB": "true"})},
	} {
		p := start(t, cfg, "serve", "--addr", "127.0.0.1:0")
		if c, err := net.Dial("tcp", p.addr()); err == nil {
			c.Close()
			t.Errorf("%s: its TCP port is open", name)
		}
		if strings.Contains(p.stdout.String(), "browser") {
			t.Errorf("%s: it says %q", name, p.stdout.String())
		}
		p.stop()
	}
	wrong := start(t, file(`{"serve": {"origin": "play.example.com"}}`), "serve", "--addr", "127.0.0.1:0")
	wrong.wait()
	if wrong.code == cli.ExitOK || !strings.Contains(wrong.stderr.String(), "https://play.example.com") {
		t.Errorf("a wrong origin ends it with %d and %q", wrong.code, wrong.stderr.String())
	}
	wrong = start(t, file(`{"serve": {"trusted": ["192.0.2.0/24", "proxy"]}}`), "serve", "--addr", "127.0.0.1:0")
	wrong.wait()
	if wrong.code != cli.ExitUsage || !strings.Contains(wrong.stderr.String(), `--trusted: "proxy" is no address`) {
		t.Errorf("a wrong trusted address ends it with %d and %q", wrong.code, wrong.stderr.String())
	}
}

func reportOf(t *testing.T, p *program) (r bots.Report) {
	t.Helper()
	if err := json.Unmarshal([]byte(p.stdout.String()), &r); err != nil {
		t.Fatalf("the report is not JSON: %v\n%s", err, p.stdout.String())
	}
	return r
}

func TestAFailedAssertionFails(t *testing.T) {
	s := serve(t)
	args := []string{"bots", "--addr", s.addr(), "--duration", "200ms", "--warmup", "0s", "--assert", "clients.joined==1", "--assert", "clients.joined>=7"}
	p := run(t, append(args, "--json")...)
	p.wantCode(cli.ExitFailed)
	const want = "clients.joined is 1, want >= 7"
	if r := reportOf(t, p); len(r.Failed) != 1 || r.Failed[0] != want {
		t.Errorf("the report has failed %q, want %q", r.Failed, want)
	}
	if text := p.stderr.String(); !strings.Contains(text, want) || !strings.Contains(text, "1 of 2 assertions failed") {
		t.Errorf("it says %q", text)
	}
	p = run(t, args...)
	p.wantCode(cli.ExitFailed)
	if !strings.Contains(p.stdout.String(), want) {
		t.Errorf("the text is\n%s\nwithout %q", p.stdout.String(), want)
	}
}

func TestBotsThatAreInterruptedReport(t *testing.T) {
	t.Parallel()
	s := serve(t)
	p := start(t, cli.Config{}, "bots", "--addr", s.addr(), "--duration", "1h", "--warmup", "0s", "--json")
	p.expect(&p.stderr, `of 1h0m0s`)
	p.stop()
	p.wantCode(cli.ExitOK)
	if r := reportOf(t, p); r.DurationS < 0.1 || r.Updates.PerClientPerS == 0 {
		t.Errorf("the report is %+v", r)
	}
}

func TestNobodyToJoin(t *testing.T) {
	t.Parallel()
	silent, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	serve(t).pin() // so that there is a development certificate
	p := run(t, "bots", "--addr", silent.LocalAddr().String(), "--quiet")
	p.wantCode(cli.ExitFailed)
	if text := p.stderr.String(); !strings.Contains(text, "is it running") {
		t.Errorf("it says %q", text)
	}
}

func TestAnAddressInUse(t *testing.T) {
	s := serve(t, "--debug-addr", "127.0.0.1:0")
	p := run(t, "serve", "--addr", s.addr())
	p.wantCode(cli.ExitFailed)
	if text := p.stderr.String(); !strings.Contains(text, "another program listens on "+s.addr()) {
		t.Errorf("it says %q", text)
	}
	p = run(t, "serve", "--addr", "127.0.0.1:0", "--debug-addr", strings.TrimPrefix(s.debugURL(), "http://"))
	p.wantCode(cli.ExitFailed)
	if text := p.stderr.String(); !strings.Contains(text, "choose another port") {
		t.Errorf("it says %q", text)
	}
}

func TestACertificateFromFiles(t *testing.T) {
	files := certificateFiles(t)
	cert, err := tls.LoadX509KeyPair(files[1], files[3])
	if err != nil {
		t.Fatal(err)
	}
	serve(t).pin() // so that there is a development certificate, too

	s := serve(t, append(files, "--auth", "none")...)
	sum := sha256.Sum256(cert.Certificate[0])
	if pin := s.pin(); pin != hex.EncodeToString(sum[:]) {
		t.Errorf("it says its pin is %s, and the file's is %x", pin, sum)
	}
	if hint := s.expect(&s.stdout, `to join: (.*)`); hint != "quicstep bots --addr "+s.addr()+" --pin "+s.pin() {
		t.Errorf("it says to join with %q", hint)
	}
	run(t, "rooms", "--addr", s.addr(), "--pin", s.pin()).wantCode(cli.ExitOK)
	p := run(t, "rooms", "--addr", s.addr())
	p.wantCode(cli.ExitFailed)
	if text := p.stderr.String(); !strings.Contains(text, "--pin") || strings.Contains(text, "Config.") {
		t.Errorf("without the pin it says %q, want what to do in terms of flags", text)
	}
}

func TestABench(t *testing.T) {
	s := serve(t, "--bench", "--debug-addr", "127.0.0.1:0", "--players", "3")
	if hint := s.expect(&s.stdout, `to join: (.*)`); !strings.HasSuffix(hint, " --bench") {
		t.Errorf("it says to join with %q", hint)
	}
	p := run(t, "bots", "--bench", "--addr", s.addr(), "--server", s.debugURL(), "--clients", "3", "--duration", "1s", "--warmup", "500ms", "--json")
	p.wantCode(cli.ExitOK)
	if r := reportOf(t, p); r.Game != "arena" || r.TickHz != 20 || r.Clients.Joined != 3 || r.EntitiesVisible.Mean == 0 {
		t.Errorf("the report is %+v", r)
	}
}

func TestABenchOfACrowd(t *testing.T) {
	workload := []string{"--bench", "--idle", "0.25", "--crowd", "--exact"}
	s := serve(t, append(workload, "--debug-addr", "127.0.0.1:0", "--players", "4", "--steady-rate")...)
	if hint := s.expect(&s.stdout, `to join: (.*)`); !strings.HasSuffix(hint, " --bench --idle 0.25 --crowd --exact") {
		t.Errorf("it says to join with %q", hint)
	}
	p := run(t, append([]string{"bots", "--addr", s.addr(), "--clients", "4", "--duration", "1500ms", "--warmup", "500ms", "--json"}, workload...)...)
	p.wantCode(cli.ExitOK)
	// Four ships, and the row of the rules.
	if r := reportOf(t, p); r.Clients.Joined != 4 || r.EntitiesVisible.Mean != 5 || r.Diverged != 0 {
		t.Errorf("the report is %+v", r)
	}
}

func TestABenchNeedsOneWorkload(t *testing.T) {
	for _, c := range []struct {
		games []world.Game
		want  string
	}{{games()[:1], "none of the games has a workload"}, {append(games(), games()...), "choose one of arena, arena"}} {
		p := start(t, cli.Config{Games: c.games}, "serve", "--addr", "127.0.0.1:0", "--bench")
		p.wait()
		p.wantCode(cli.ExitUsage)
		if !strings.Contains(p.stderr.String(), c.want) {
			t.Errorf("it says %q, want %q", p.stderr.String(), c.want)
		}
	}
}

func TestAShow(t *testing.T) {
	t.Parallel()
	s := serve(t, "--game", "arena", "--bots", "2", "--log-level", "warn")
	s.expect(&s.stdout, `rooms 1, players 2, \d+\.\d ticks/s, \d+ datagrams/s of \d+ bytes, a tick takes .*s, 99 % at most .*s\n`)
	s.stop()
	s.wantCode(cli.ExitOK)
	if text := s.stderr.String(); text != "" {
		t.Errorf("it logs %q", text)
	}
}

func TestLogs(t *testing.T) {
	for format, want := range map[string]string{"auto": `"msg":"serving"`, "json": `"msg":"serving"`, "text": "msg=serving"} {
		s := serve(t, "--log-format", format)
		s.expect(&s.stderr, want)
	}
	s := serve(t, "--log-level", "error")
	s.addr()
	s.stop()
	if text := s.stderr.String(); text != "" {
		t.Errorf("it logs %q", text)
	}
}

func TestTheDebugAddress(t *testing.T) {
	s := serve(t, "--debug-addr", "127.0.0.1:0", "--tick", "50")
	session, err := client.Open(t.Context(), pong.New(), client.Config{Addr: s.addr(), Private: true})
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close()
	if _, err := session.Next(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	url := s.debugURL()
	status, text := get(t, url+"/stats", "")
	var f struct {
		At             time.Time
		Ticks          *uint64
		TicksDue       *uint64 `json:"ticks_due"`
		TickRate       int     `json:"tick_rate"`
		Rooms, Players int
		Rejected       map[string]uint64
		DatagramBytes  *uint64 `json:"datagram_bytes"`
		Transport      map[string]any
		RoomList       []struct{ Name string } `json:"room_list"`
		Goroutines     int
		FDs            int
		HeapBytes      uint64 `json:"heap_bytes"`
	}
	if err := json.Unmarshal([]byte(text), &f); err != nil || status != http.StatusOK {
		t.Fatalf("/stats answers %d %s, %v", status, text, err)
	}
	if f.At.IsZero() || f.Ticks == nil || f.TicksDue == nil || f.TickRate != 50 || f.Rooms != 1 || f.Players != 1 || len(f.RoomList) != 1 || f.DatagramBytes == nil {
		t.Errorf("/stats answers %s", text)
	}
	if _, ok := f.Rejected["input_too_old"]; !ok || f.Transport["accepted"] == nil {
		t.Errorf("/stats lacks the rejections or the transport: %s", text)
	}
	if code := session.Room(); code == "" || strings.Contains(text, code) || f.RoomList[0].Name != "" {
		t.Errorf("/stats tells a private room's code: %s", text)
	}
	if f.Goroutines < 10 || f.HeapBytes == 0 || runtime.GOOS == "linux" && f.FDs < 5 {
		t.Errorf("the process's figures are %+v", f)
	}
	for origin, want := range map[string]int{"": http.StatusNoContent, "https://example.com": http.StatusForbidden} {
		if status := postTo(t, url+"/gc", origin); status != want {
			t.Errorf("/gc answers a page of %q with %d, want %d", origin, status, want)
		}
	}
	if status, _ := get(t, url+"/gc", ""); status != http.StatusMethodNotAllowed {
		t.Errorf("/gc answers who only looks with %d", status)
	}
	if status, text := get(t, url+"/debug/pprof/", ""); status != http.StatusOK || !strings.Contains(text, "goroutine") {
		t.Errorf("/debug/pprof/ answers %d %s", status, text)
	}
	if status, _ := get(t, url+"/stats", "example.com"); status != http.StatusForbidden {
		t.Errorf("a request by another name is answered with %d", status)
	}
	if status, _ := get(t, url+"/stats", "localhost:1"); status != http.StatusOK {
		t.Errorf("a request by localhost is answered with %d", status)
	}
	s.stop()
	s.wantCode(cli.ExitOK)
	if answer, err := http.Get(url + "/stats"); err == nil {
		answer.Body.Close()
		t.Error("it still answers after the end")
	}
}

// postTo posts nothing, for a page of an origin when there is one, and returns the status.
func postTo(t *testing.T, url, origin string) int {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if origin != "" {
		r.Header.Set("Origin", origin)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	return answer.StatusCode
}

// get asks by another name for the host when there is one.
func get(t *testing.T, url, host string) (status int, text string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Host = host
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(body)
}

func TestWhyAtTheDebugAddress(t *testing.T) {
	s := serve(t, "--debug-addr", "127.0.0.1:0")
	session, err := client.Open(t.Context(), pong.New(), client.Config{Addr: s.addr()})
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close()
	for view, until := session.View(), session.View().Tick+3; view.Tick < until; { // a pass was made, and sent
		if view, err = session.Next(t.Context(), view); err != nil {
			t.Fatal(err)
		}
	}
	why := func(query string) (int, string) { return get(t, s.debugURL()+"/why?"+query, "") }
	player := fmt.Sprintf("player=%d&table=paddle", session.Player())
	if code, text := why(player + "&id=63"); code != http.StatusOK || !strings.Contains(text, "no_row: there is no such row at tick") {
		t.Errorf("%d: %s", code, text)
	}
	code, text := why(player + "&id=0.1&format=json")
	var told struct {
		Reason, Text, Table, ID string
		Own                     bool
	}
	if err := json.Unmarshal([]byte(text), &told); code != http.StatusOK || err != nil || told.Table != "paddle" || told.ID != "0.1" || !told.Own || told.Text == "" {
		t.Errorf("%d, %v: %s", code, err, text)
	}
	for query, want := range map[string]int{
		"": http.StatusBadRequest, "player=x&id=1": http.StatusBadRequest, player: http.StatusBadRequest, player + "&id=1.x": http.StatusBadRequest,
		player + "&id=99999999": http.StatusBadRequest, "room=none&id=1&" + player: http.StatusNotFound, "player=99&table=paddle&id=1": http.StatusNotFound,
		"player=1&table=none&id=1": http.StatusNotFound,
	} {
		if code, text := why(query); code != want {
			t.Errorf("%q: %d, want %d: %s", query, code, want, text)
		}
	}
}
