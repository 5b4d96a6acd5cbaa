package cli_test

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/quicstep/quicstep/clients/client"
	"github.com/quicstep/quicstep/examples/pong"
	"github.com/quicstep/quicstep/server/cli"
	"github.com/quicstep/quicstep/server/transport"
)

// keyPair makes keys by the command, and returns the private and the public file.
func keyPair(t *testing.T) (private, public string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "keys")
	run(t, "token", "keys", dir).wantCode(cli.ExitOK)
	return filepath.Join(dir, "private.pem"), filepath.Join(dir, "public.pem")
}

// issue makes a token by the command.
func issue(t *testing.T, args ...string) []byte {
	t.Helper()
	p := run(t, append([]string{"token", "issue"}, args...)...)
	p.wantCode(cli.ExitOK)
	return []byte(strings.TrimSpace(p.stdout.String()))
}

// playAs joins with a token, plays, and returns the error of it.
func playAs(t *testing.T, addr string, token []byte) error {
	t.Helper()
	c, err := client.Join(t.Context(), pong.New(), client.Config{Addr: addr, Token: token, Timeout: time.Minute})
	if err != nil {
		return err
	}
	defer c.Close()
	v := c.View()
	for range 10 {
		if v, err = c.Next(t.Context(), v); err != nil {
			return err
		}
	}
	return nil
}

func TestWhoHasATokenPlays(t *testing.T) {
	private, public := keyPair(t)
	if info, err := os.Stat(private); err != nil || info.Mode() != 0o600 {
		t.Errorf("the private key has the mode %v, %v", info.Mode(), err)
	}
	s := serve(t, "--auth-keys", public, "--debug-addr", "127.0.0.1:0")
	if hint := s.expect(&s.stdout, `to join: (.*)`); !strings.HasSuffix(hint, " --token TOKEN") {
		t.Errorf("it says to join with %q", hint)
	}
	if text := s.stdout.String() + s.stderr.String(); strings.Contains(strings.ToLower(text), "anybody") {
		t.Errorf("it warns of anybody: %s", text)
	}
	good := issue(t, "--key", private, "--user", "ann")
	if err := playAs(t, s.addr(), good); err != nil {
		t.Errorf("with a good token ann is told %v", err)
	}
	otherKey, _ := keyPair(t)
	for name, test := range map[string]struct {
		token []byte
		want  string
	}{
		"none":             {nil, "sign in"},
		"garbage":          {[]byte("let me in"), "not a signed JWT"},
		"another key":      {issue(t, "--key", otherKey, "--user", "ann"), "signature does not fit"},
		"another audience": {issue(t, "--key", private, "--user", "ann", "--audience", "chess"), "another service"},
		"another issuer":   {issue(t, "--key", private, "--user", "ann", "--issuer", "me"), "another issuer"},
		"another game":     {issue(t, "--key", private, "--user", "ann", "--game", "arena"), "another game"},
	} {
		if err := playAs(t, s.addr(), test.token); !errors.Is(err, client.ErrRefused) || !strings.Contains(err.Error(), test.want) {
			t.Errorf("with %s ann is told %v, want %q", name, err, test.want)
		}
	}
	once := issue(t, "--key", private, "--user", "ben", "--once", "--role", "host", "--room", "red", "--expires", "5m")
	if err := playAs(t, s.addr(), once); err != nil {
		t.Errorf("with a token for once ben is told %v", err)
	}
	if err := playAs(t, s.addr(), once); err == nil || !strings.Contains(err.Error(), "lets in once") {
		t.Errorf("the second time ben is told %v", err)
	}
	var figures struct {
		Denied, Gate map[string]uint64
	}
	response, err := http.Get(s.debugURL() + "/stats")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if err := json.NewDecoder(response.Body).Decode(&figures); err != nil || figures.Denied["no_token"] != 1 || figures.Denied["used"] != 1 || figures.Gate["tokens_for_once"] != 1 {
		t.Errorf("the figures tell %+v, %v", figures, err)
	}
	for _, token := range [][]byte{good, once} {
		if text := s.stdout.String() + s.stderr.String(); strings.Contains(text, string(token[len(token)-20:])) {
			t.Errorf("a token is in the log: %s", text)
		}
	}
}

// TestBotsHaveTokens of their own, or one for all.
func TestBotsHaveTokens(t *testing.T) {
	private, public := keyPair(t)
	s := serve(t, "--auth-keys", public)
	common := []string{"bots", "--addr", s.addr(), "--clients", "2", "--duration", "300ms", "--warmup", "0s", "--quiet", "--assert", "clients.joined==2"}
	run(t, append(common, "--token-key", private)...).wantCode(cli.ExitOK)
	s = serve(t, "--auth-keys", public) // those of before may still have their places in the other one
	common[2] = s.addr()
	run(t, append(common, "--token", string(issue(t, "--key", private, "--user", "crowd")))...).wantCode(cli.ExitOK)
	p := run(t, common...)
	p.wantCode(cli.ExitFailed)
	if text := p.stderr.String(); !strings.Contains(text, "asks for a token") {
		t.Errorf("without a token it says %q", text)
	}
}

// TestANewKeyFileCounts while the server runs.
func TestANewKeyFileCounts(t *testing.T) {
	first, public := keyPair(t)
	second, otherPublic := keyPair(t)
	s := serve(t, "--auth-keys", public)
	before, after := issue(t, "--key", first, "--user", "ann"), issue(t, "--key", second, "--user", "ann")
	if err := playAs(t, s.addr(), before); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(otherPublic, public); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for err := playAs(t, s.addr(), after); err != nil; err = playAs(t, s.addr(), after) {
		if ctx.Err() != nil {
			t.Fatalf("with a token of the new key ann is told %v", err)
		}
	}
	if err := playAs(t, s.addr(), before); !errors.Is(err, client.ErrRefused) {
		t.Errorf("with a token of the old key ann is told %v", err)
	}
}

// TestACertificateAsksWhoMayJoin: serve refuses without a word on it, and says so loudly when anybody may.
func TestACertificateAsksWhoMayJoin(t *testing.T) {
	certificate := certificateFiles(t)
	_, public := keyPair(t)
	p := run(t, append([]string{"serve", "--addr", "127.0.0.1:0"}, certificate...)...)
	p.wantCode(cli.ExitUsage)
	if text := p.stderr.String(); !strings.Contains(text, "--auth-keys") || !strings.Contains(text, "--auth none") {
		t.Errorf("it says %q, want both ways out", text)
	}
	open := serve(t, append(certificate, "--auth", "none")...)
	open.expect(&open.stdout, `(ANYBODY MAY JOIN)`)
	open.expect(&open.stderr, `(?i)level"?[=:]"?WARN.*(anybody may join)`)
	for _, flags := range [][]string{{"--allow-public-development"}, {"--auth", "none"}} {
		openly := serve(t, flags...)
		openly.expect(&openly.stdout, `(ANYBODY MAY JOIN)`)
	}
	shut := serve(t, append(certificate, "--auth-keys", public)...)
	shut.expect(&shut.stdout, `(--token TOKEN)`)
	development := serve(t)
	development.addr()
	for _, s := range []*program{shut, development} {
		s.stop()
		if text := s.stdout.String() + s.stderr.String(); strings.Contains(strings.ToLower(text), "anybody") {
			t.Errorf("it warns of anybody: %s", text)
		}
	}
}

// certificateFiles are the flags of a certificate that is no development certificate's.
func certificateFiles(t *testing.T) []string {
	t.Helper()
	cert, err := transport.NewDevCertificate(transport.DevCertificateParams{NotBefore: time.Now().Add(-time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	key, err := x509.MarshalPKCS8PrivateKey(cert.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	return []string{
		"--cert", writeFile(t, "cert.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Certificate[0]}))),
		"--key", writeFile(t, "key.pem", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}))),
	}
}

func TestWrongWordsOnWhoMayJoin(t *testing.T) {
	private, public := keyPair(t)
	for name, test := range map[string]struct {
		args []string
		want string
	}{
		"another way":       {[]string{"serve", "--auth", "maybe"}, "none is possible"},
		"both ways":         {[]string{"serve", "--auth", "none", "--auth-keys", public}, "give one of them"},
		"no audience":       {[]string{"serve", "--auth-keys", public, "--auth-audience", ""}, "--auth-audience"},
		"the private key":   {[]string{"serve", "--auth-keys", private}, "for the issuer alone"},
		"no file":           {[]string{"serve", "--auth-keys", public + "x"}, "no such file"},
		"plain http":        {[]string{"serve", "--auth-keys", "http://auth.example.com/jwks"}, "not safe"},
		"bots inside":       {[]string{"serve", "--auth-keys", public, "--bots", "2"}, "--token-key"},
		"the public key":    {[]string{"token", "issue", "--key", public, "--user", "ann"}, "no private key"},
		"no time":           {[]string{"token", "issue", "--key", private, "--user", "ann", "--expires", "0s"}, "--expires"},
		"no user":           {[]string{"token", "issue", "--key", private, "--user", ""}, "user"},
		"a control":         {[]string{"token", "issue", "--key", private, "--user", "a\x1bb"}, "plain text"},
		"keys that are":     {[]string{"token", "keys", filepath.Dir(private)}, "is kept"},
		"two kinds of bots": {[]string{"bots", "--token", "x", "--token-key", private}, "token"},
		"a bot's key":       {[]string{"bots", "--token-key", public}, "--token-key"},
	} {
		t.Run(name, func(t *testing.T) {
			p := run(t, test.args...)
			p.wantCode(cli.ExitUsage)
			if text := p.stderr.String(); !strings.Contains(text, test.want) {
				t.Errorf("it says %q, want %q", text, test.want)
			}
		})
	}
	if _, err := os.Stat(private); errors.Is(err, fs.ErrNotExist) {
		t.Error("the key is gone")
	}
}
