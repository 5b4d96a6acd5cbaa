package admin

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/quicstep/quicstep/protocol/admin"
)

// FuzzCredentials: whatever the file of credentials holds, nobody comes in by a token whose hash does not stand there.
func FuzzCredentials(f *testing.F) {
	for _, seed := range []string{
		"", "[]", "null", "{}", `[{"name":"ann","role":"owner","sha256":""}]`, `[{"sha256":null},{"sha256":"00"}]`,
		`[{"name":"ann","role":"owner","sha256":"aa","expires":"2026-01-02T03:04:05Z"}]`, `[{"role":17}]`,
	} {
		f.Add([]byte(seed))
	}
	path := filepath.Join(f.TempDir(), "credentials.json")
	token := bytes.Repeat([]byte{7}, admin.TokenBytes)
	f.Fuzz(func(t *testing.T, data []byte) {
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		c := credentials{path: path}
		for _, token := range [][]byte{nil, token} {
			if found, ok, _ := c.find(token, time.Unix(1_800_000_000, 0)); ok {
				t.Errorf("%x comes in as %+v", token, found)
			}
		}
	})
}
