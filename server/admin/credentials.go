package admin

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
	"time"
	"unicode"

	"github.com/quicstep/quicstep/protocol/admin"
)

// Bounds of the credentials.
const (
	maxCredentials         = 256
	credentialsBytesMax    = 1 << 20
	credentialsLookedAfter = time.Second // so often, at most, the file is looked at again
)

// Credential lets somebody in. The token itself is kept nowhere.
type Credential struct {
	Name    string    `json:"name"`
	Role    Role      `json:"role"`
	Hash    string    `json:"sha256"` // of the token, in hexadecimal
	Created time.Time `json:"created"`
	Expires time.Time `json:"expires,omitzero"` // zero: never
}

// Expired tells whether it is of no use any more.
func (c *Credential) Expired(now time.Time) bool {
	return !c.Expires.IsZero() && !now.Before(c.Expires)
}

// credentials are those of a file, which is read again when it has changed: who is revoked is out with the next request.
type credentials struct {
	path   string
	mu     sync.Mutex // guards what follows
	list   []Credential
	looked time.Time
	size   int64
	stamp  time.Time
}

// errCredentials is how a broken file ends everything: nobody comes in by what can't be read.
var errCredentials = errors.New("the credentials can't be read")

// load returns what the file held, so long ago at most.
func (c *credentials) load(now time.Time, ago time.Duration) ([]Credential, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.looked.IsZero() && now.Sub(c.looked) < ago {
		return c.list, nil
	}
	info, err := os.Stat(c.path)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errCredentials, err)
	}
	if c.looked.IsZero() || info.Size() != c.size || !info.ModTime().Equal(c.stamp) {
		if c.list, err = readCredentials(c.path); err != nil {
			c.looked = time.Time{}
			return nil, err
		}
		c.size, c.stamp = info.Size(), info.ModTime()
	}
	c.looked = now
	return c.list, nil
}

// find returns the credential of a token; ok is false when it is nobody's. Every hash is compared, each in a time that
// does not depend on what it is.
func (c *credentials) find(token []byte, now time.Time) (found Credential, ok bool, err error) {
	list, err := c.load(now, 0)
	if err != nil {
		return Credential{}, false, err
	}
	sum := sha256.Sum256(token)
	text := []byte(hex.EncodeToString(sum[:]))
	for i := range list {
		if subtle.ConstantTimeCompare(text, []byte(list[i].Hash)) == 1 {
			found, ok = list[i], true
		}
	}
	return found, ok, nil
}

// still tells whether a credential is good yet, as it was: neither expired nor revoked nor given another role.
func (c *credentials) still(was Credential, now time.Time) bool {
	list, err := c.load(now, credentialsLookedAfter)
	return err == nil && slices.ContainsFunc(list, func(one Credential) bool {
		return one.Hash == was.Hash && one.Role == was.Role && !one.Expired(now)
	})
}

func readCredentials(path string) (list []Credential, err error) {
	data, err := os.ReadFile(path)
	if err == nil && len(data) > credentialsBytesMax {
		err = fmt.Errorf("it has more than %d bytes", credentialsBytesMax)
	}
	if err == nil {
		err = json.Unmarshal(data, &list)
	}
	if err == nil && len(list) > maxCredentials {
		err = fmt.Errorf("it has more than %d of them", maxCredentials)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", errCredentials, path, err)
	}
	return list, nil
}

// grant makes a credential and its token.
func grant(name string, role Role, expires, now time.Time) (Credential, []byte, error) {
	if name == "" || len(name) > admin.MaxName || slices.ContainsFunc([]rune(name), func(c rune) bool { return unicode.IsControl(c) || unicode.IsSpace(c) }) {
		return Credential{}, nil, fmt.Errorf("a name has 1 to %d bytes without spaces, unlike %q", admin.MaxName, name)
	}
	token := make([]byte, admin.TokenBytes)
	rand.Read(token) // never fails
	sum := sha256.Sum256(token)
	return Credential{Name: name, Role: role, Hash: hex.EncodeToString(sum[:]), Created: now.UTC(), Expires: expires.UTC().Truncate(time.Second)}, token, nil
}
