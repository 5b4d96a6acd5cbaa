package server

import (
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// FuzzBans: whatever the file of bans holds, it is refused or holds, and never lets the server fall over an address.
func FuzzBans(f *testing.F) {
	for _, seed := range []string{
		"", "{}", "null", "[]", `{"last":1,"bans":[{"number":1,"prefix":"192.0.2.0/24","by":"ann","at":"2026-01-02T03:04:05Z"}]}`,
		`{"bans":[{"prefix":"::/0","until":"9999-12-31T23:59:59Z"},{"prefix":""},{}]}`, `{"last":-1}`, `{"bans":[{"prefix":"::ffff:1.2.3.4/100"}]}`,
	} {
		f.Add([]byte(seed))
	}
	path := filepath.Join(f.TempDir(), "bans.json")
	f.Fuzz(func(t *testing.T, data []byte) {
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		b := bans{path: path}
		if err := b.load(); err != nil {
			return
		}
		now := time.Unix(1_800_000_000, 0)
		for _, addr := range []netip.Addr{{}, netip.MustParseAddr("192.0.2.7"), netip.MustParseAddr("::1"), netip.MustParseAddr("::ffff:1.2.3.4")} {
			if ban := b.of(addr, "", now); ban != nil && (!ban.Prefix.Contains(addr) || ban.over(now)) {
				t.Errorf("%v is kept out by %+v", addr, ban)
			}
		}
	})
}

// FuzzPolicy: no name that a page is asked by says more in its policy than where to connect.
func FuzzPolicy(f *testing.F) {
	for _, host := range []string{"localhost:4433", "play.example.com", "[::1]:4433", "a; script-src *", "a b", "evil.test'", "ä.test", ""} {
		f.Add(host)
	}
	f.Add("script-src")
	// names are what the policy has rules for.
	names := func(policy string) (out []string) {
		for rule := range strings.SplitSeq(policy, ";") {
			out = append(out, strings.Fields(rule)[0])
		}
		return out
	}
	want := names(policy("localhost", "localhost"))
	f.Fuzz(func(t *testing.T, host string) {
		got := policy(host, "play.example.com:4433")
		if strings.ContainsAny(got, "\r\n,") || !slices.Equal(names(got), want) {
			t.Errorf("asked by %q the policy is %s", host, got)
		}
		if strings.Contains(got, " * ") {
			t.Errorf("asked by %q any script may run: %s", host, got)
		}
	})
}
