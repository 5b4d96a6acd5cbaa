package server

import (
	"crypto/rand"
	"crypto/sha256"
	"sync"
	"time"
)

const (
	// keyBytes is the length of a resume token: 256 random bits.
	keyBytes = 32
	// formerLasts is for how long the token before the latest is still good, unless the latest is used first: the welcome
	// that told the latest may have been lost.
	formerLasts = 30 * time.Second
)

// keyring knows which resume token is whose. Tokens are found by their hash, so that what a lookup takes tells nothing
// of a token.
type keyring struct {
	mu   sync.Mutex
	keys map[[sha256.Size]byte]*session
}

// key is a session's resume tokens, guarded by the keyring's mu.
type key struct {
	latest      [keyBytes]byte
	former      [sha256.Size]byte // the hash of the one before it; good until formerUntil
	formerUntil time.Time
}

// give draws a session's first token.
func (k *keyring) give(s *session) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.keys == nil {
		k.keys = make(map[[sha256.Size]byte]*session)
	}
	k.draw(s)
}

func (k *keyring) draw(s *session) {
	rand.Read(s.key.latest[:]) // never fails
	k.keys[sha256.Sum256(s.key.latest[:])] = s
}

// use finds the session of a token; nil when it is nobody's any more. The latest token is replaced at its use, and is
// the former one then. When the former one is used again, the latest was not seen by who holds it, and stays.
func (k *keyring) use(token []byte, now time.Time) *session {
	sum := sha256.Sum256(token)
	k.mu.Lock()
	defer k.mu.Unlock()
	s := k.keys[sum]
	switch {
	case s == nil:
		return nil
	case sum != s.key.former:
		delete(k.keys, s.key.former)
		s.key.former, s.key.formerUntil = sum, now.Add(formerLasts)
		k.draw(s)
	case now.After(s.key.formerUntil):
		delete(k.keys, sum)
		return nil
	}
	return s
}

// latest is the token that a session's next welcome tells.
func (k *keyring) latest(s *session) []byte {
	k.mu.Lock()
	defer k.mu.Unlock()
	return append([]byte(nil), s.key.latest[:]...)
}

// count is how many tokens are good, those before the latest among them.
func (k *keyring) count() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return len(k.keys)
}

// forget drops the tokens of a session that is over.
func (k *keyring) forget(s *session) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.keys, s.key.former)
	delete(k.keys, sha256.Sum256(s.key.latest[:]))
}
