package cli_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/quicstep/quicstep/server/cli"
)

func TestWrongCommandLines(t *testing.T) {
	cases := []struct {
		args, want string
	}{
		{"serv", `did you mean "serve"`},
		{"serve --adr x", `unknown flag --adr, did you mean "--addr"`},
		{"serve extra", "unexpected argument extra"},
		{"serve --tick many", "--tick: expected a valid 64 bit int"},
		{"serve --tick 241", "--tick is 241; 0 to 240 are possible"},
		{"serve --max-players=-1", "--max-players is -1"},
		{"serve --empty-room-lifetime 0s", "--empty-room-lifetime is 0s"},
		{"serve --idle-timeout 999ms", "--idle-timeout is 999ms"},
		{"serve --game chess", `there is no "chess" in this program; it has pong, arena`},
		{"serve --game pong,chess", `there is no "chess"`},
		{"serve --log-level loud", `--log-level must be one of "debug"`},
		{"serve --cert a.pem", "--cert needs --key"},
		{"serve --key a.pem", "--key needs --cert"},
		{"serve --cert /nowhere/a --key /nowhere/b", "read the certificate /nowhere/a"},
		{"serve --addr 0.0.0.0:0", "give --cert and --key, or --allow-public-development"},
		{"serve --debug-addr :6060", "can be reached from other machines"},
		{"serve --debug-addr 0.0.0.0:6060", "can be reached from other machines"},
		{"serve --debug-addr [::]:6060", "can be reached from other machines"},
		{"serve --debug-addr 192.0.2.1:6060", "give a loopback address"},
		{"serve --debug-addr 6060", "write it as in 127.0.0.1:6060"},
		{"serve --bench --game pong", "--bench: none of the games has a workload"},
		{"serve --bench --idle 1.5", "--idle: a workload of which 1.5 are idle: give a share from 0 to 1"},
		{"serve --bench --idle NaN", "--idle: a workload of which NaN are idle"},
		{"serve --idle 0.5", "--idle is for --bench only"},
		{"serve --crowd", "--crowd is for --bench only"},
		{"serve --exact", "--exact is for --bench only"},
		{"serve --config /nowhere/c.json", "/nowhere/c.json"},
		{"bots --assert latency_ms.p99", "latency_ms.p99<120"},
		{"bots --assert divergd==0", "near it are diverged"},
		{"bots --loss 2", "Loss is 2: give a share"},
		{"bots --rooms 2 --room x", "--rooms and --room can't be used together"},
		{"bots --room x --code y", "--room and --code can't be used together"},
		{"bots --clients 0", "--clients is 0; 1 to 10000 are possible"},
		{"bots --duration 0s", "--duration 0s"},
		{"bots --duration 10", "missing unit"},
		{"bots --pin abc", "copy the one that serve prints"},
		{"bots --game chess", `there is no "chess"`},
		{"bots --bench --game pong", "none of the games has a workload"},
		{"bots --idle=-1 --bench", "--idle: a workload of which -1 are idle"},
		{"bots --idle 1", "--idle is for --bench only"},
		{"bots --crowd", "--crowd is for --bench only"},
		{"feel --tick 0", "--tick is 0; 1 to 240 are possible"},
		{"feel --at-once 101", "--at-once is 101; 1 to 100 are possible"},
		{"feel --duration=-1s", "--duration -1s"},
		{"feel --over pigeons", `--over must be one of "datagrams","stream","both"`},
		{"rooms --pin abc", "certificate pin has 3 characters"},
		{"completion", "<shell>"},
		{"completion tcsh", `must be one of "bash","zsh","fish"`},
		{"version now", "unexpected argument now"},
	}
	for _, c := range cases {
		p := run(t, strings.Fields(c.args)...)
		if p.code != cli.ExitUsage || !strings.Contains(p.stderr.String(), c.want) || p.stdout.String() != "" {
			t.Errorf("%s exits with %d and says %q, want %d and %q", c.args, p.code, p.stderr.String(), cli.ExitUsage, c.want)
		}
		if command, _, _ := strings.Cut(c.args, " "); command != "serv" && !strings.Contains(p.stderr.String(), "quicstep "+command+" --help") {
			t.Errorf("%s does not say where there is help: %q", c.args, p.stderr.String())
		}
	}
}

func TestHelp(t *testing.T) {
	for _, args := range []string{"--help", "serve --help", "bots -h", "rooms --help", "version --help", "gen ts --help", "completion --help", "serve --tick 7 --help"} {
		p := run(t, strings.Fields(args)...)
		p.wantCode(cli.ExitOK)
		if !strings.Contains(p.stdout.String(), "$QUICSTEP_CONFIG") || p.stderr.String() != "" {
			t.Errorf("%s prints %q, and %q as an error", args, p.stdout.String(), p.stderr.String())
		}
	}
	p := run(t, "serve", "--help")
	for _, want := range []string{"Network:", "Rooms:", "Operation:", "--addr=HOST:PORT", "$QUICSTEP_MAX_PLAYERS", "127.0.0.1:4433"} {
		if !strings.Contains(p.stdout.String(), want) {
			t.Errorf("the help of serve lacks %q:\n%s", want, p.stdout.String())
		}
	}
	p = run(t)
	p.wantCode(cli.ExitUsage)
	if p.stdout.String() != "" || !strings.Contains(p.stderr.String(), "To begin:") {
		t.Errorf("without arguments it prints %q, and %q as an error", p.stdout.String(), p.stderr.String())
	}
}

// TestWhereAFlagIsFrom looks at the tick rate that serve says it has.
func TestWhereAFlagIsFrom(t *testing.T) {
	config := func(text string) string { return writeFile(t, "quicstep.json", text) }
	cases := []struct {
		name    string
		flags   string
		env     map[string]string
		folders []string
		want    string
	}{
		{name: "nowhere", want: "30"},
		{name: "the file in the first folder", folders: []string{config(`{"serve": {"tick": 41}}`), config(`{"serve": {"tick": 42}}`)}, want: "41"},
		{name: "the file in the second, when the first has none", folders: []string{"/nowhere/quicstep.json", config(`{"serve": {"tick": 42}}`)}, want: "42"},
		{name: "a key for every command", folders: []string{config(`{"tick": 43}`)}, want: "43"},
		{name: "the command's own key first", folders: []string{config(`{"tick": 43, "serve": {"tick": "44"}, "bots": {"clients": 3}}`)}, want: "44"},
		{name: "the environment before the file", env: map[string]string{"QUICSTEP_TICK": "45"}, folders: []string{config(`{"tick": 43}`)}, want: "45"},
		{name: "an empty variable is none", env: map[string]string{"QUICSTEP_TICK": ""}, folders: []string{config(`{"tick": 43}`)}, want: "43"},
		{name: "the flag before all", flags: "--tick 46", env: map[string]string{"QUICSTEP_TICK": "45"}, folders: []string{config(`{"tick": 43}`)}, want: "46"},
		{name: "the file that is asked for", flags: "--config " + config(`{"tick": 47}`), folders: []string{config(`{"tick": 43}`)}, want: "47"},
		{name: "the file that the environment asks for", env: map[string]string{"QUICSTEP_CONFIG": config(`{"tick": 48}`)}, folders: []string{config(`{"tick": 43}`)}, want: "48"},
	}
	for _, c := range cases {
		cfg := cli.Config{LookupEnv: env(c.env), Folders: []string{}}
		for _, file := range c.folders {
			cfg.Folders = append(cfg.Folders, filepath.Dir(file))
		}
		p := start(t, cfg, append(strings.Fields("serve --addr 127.0.0.1:0"), strings.Fields(c.flags)...)...)
		if got := p.expect(&p.stdout, `at (\d+) ticks a second`); got != c.want {
			t.Errorf("%s: it serves %s ticks a second, want %s", c.name, got, c.want)
		}
		p.stop()
		p.wantCode(cli.ExitOK)
	}
}

func TestListsAndSwitchesFromElsewhere(t *testing.T) {
	for name, cfg := range map[string]cli.Config{
		"file":        {Folders: []string{filepath.Dir(writeFile(t, "quicstep.json", `{"serve": {"game": ["arena"], "bench": true, "debug_addr": "127.0.0.1:0"}}`))}},
		"environment": {LookupEnv: env(map[string]string{"QUICSTEP_GAME": "arena,pong", "QUICSTEP_BENCH": "true", "QUICSTEP_DEBUG_ADDR": "127.0.0.1:0"})},
	} {
		p := start(t, cfg, "serve", "--addr", "127.0.0.1:0")
		if got := p.expect(&p.stdout, `^(.*) on 127.* at 20 ticks`); got != "arena" {
			t.Errorf("%s: it serves %q, want arena at the bench's 20 ticks a second", name, got)
		}
		p.stop()
	}
}

func TestWrongSettings(t *testing.T) {
	cases := []struct {
		file, want string
		env        map[string]string
	}{
		{file: `{"serve": {"tikc": 3}}`, want: "there is no flag serve.tikc; there are addr, "},
		{file: `{"tikc": 3}`, want: "there is no flag tikc"},
		{file: `{"serve": {"tick": 3.5}}`, want: "quicstep.json)"},
		{file: `{"serve": {"log-level": "loud"}}`, want: "quicstep.json)"},
		{file: `{"serve": {"tick": {}}}`, want: "serve.tick: write a text, a number"},
		{file: `{"serve": {"game": [1]}}`, want: "serve.game: element 1 is not a text"},
		{file: `{"serve": 1}`, want: "there is no flag serve"},
		{file: `[]`, want: "not a JSON object"},
		{file: `{"tick": 30} {}`, want: "something follows"},
		{file: `{"tick": 30`, want: "not a JSON object"},
		{env: map[string]string{"QUICSTEP_TICK": "many"}, want: "(from $QUICSTEP_TICK)"},
		{env: map[string]string{"QUICSTEP_TICK": "999"}, want: "--tick is 999; 0 to 240 are possible (from $QUICSTEP_TICK)"},
		{env: map[string]string{"QUICSTEP_CONFIG": "/nowhere/c.json"}, want: "/nowhere/c.json"},
	}
	for _, c := range cases {
		cfg := cli.Config{LookupEnv: env(c.env)}
		if c.file != "" {
			cfg.Folders = []string{filepath.Dir(writeFile(t, "quicstep.json", c.file))}
		}
		p := start(t, cfg, "serve", "--addr", "127.0.0.1:0")
		p.wait()
		if p.code != cli.ExitUsage || !strings.Contains(p.stderr.String(), c.want) {
			t.Errorf("%s %v: it exits with %d and says %q, want %d and %q", c.file, c.env, p.code, p.stderr.String(), cli.ExitUsage, c.want)
		}
	}
}

func TestVersion(t *testing.T) {
	p := run(t, "version")
	p.wantCode(cli.ExitOK)
	for _, want := range []string{"quicstep ", "protocol  1", "go1.", "pong, arena"} {
		if !strings.Contains(p.stdout.String(), want) {
			t.Errorf("version prints %q without %q", p.stdout.String(), want)
		}
	}
}
