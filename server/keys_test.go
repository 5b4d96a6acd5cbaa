package server

import (
	"testing"
	"time"
)

func TestATokenIsReplacedAtItsUse(t *testing.T) {
	var k keyring
	s := new(session)
	k.give(s)
	now := time.Now()
	want := func(what string, token []byte, at time.Time, is *session) {
		t.Helper()
		if got := k.use(token, at); got != is {
			t.Errorf("%s names %p, want %p", what, got, is)
		}
	}
	first := k.latest(s)
	want("the first token", first, now, s)
	second := k.latest(s)
	want("the former token, since the welcome may be lost,", first, now.Add(formerLasts), s)
	if string(k.latest(s)) != string(second) {
		t.Error("the former token's use replaced the latest, which may be known already")
	}
	want("the former token after its time", first, now.Add(formerLasts+1), nil)
	want("the second token", second, now.Add(time.Hour), s)
	third := k.latest(s)
	want("the third token", third, now.Add(time.Hour), s)
	want("a token whose successor was used", second, now.Add(time.Hour), nil)
	want("the third token again", third, now.Add(time.Hour+time.Second), s)
	want("no token", nil, now, nil)
	want("a forged token", make([]byte, keyBytes), now, nil)
	if len(k.keys) != 2 {
		t.Errorf("%d tokens are known of one session, want 2", len(k.keys))
	}
	fourth := k.latest(s)
	k.forget(s)
	want("a token of a session that is over", fourth, now.Add(time.Hour), nil)
	if len(k.keys) != 0 {
		t.Errorf("%d tokens are left", len(k.keys))
	}
}

func TestRequestsAreKnownByTheirNumbers(t *testing.T) {
	a := answers{most: 4}
	want := func(number uint32, is asking, message string) {
		t.Helper()
		if got, m := a.take(number, false); got != is || string(m) != message {
			t.Errorf("request %d is %d with %q, want %d with %q", number, got, m, is, message)
		}
	}
	want(2, askGame, "")
	want(1, askGame, "") // it may be written a little later
	want(2, askWaits, "")
	a.keep(2, []byte("two"))
	want(2, askAgain, "two")
	want(1, askWaits, "")
	want(5, askGame, "")
	want(1, askStale, "")
	a.keep(1, []byte("late"))
	want(1, askStale, "")
	want(2, askAgain, "two")
	if got, _ := a.take(9, true); got != askTooMany || a.last() != 5 {
		t.Errorf("one more than may be open is %d, and the last is %d then, want %d and 5", got, a.last(), askTooMany)
	}
	want(2, askAgain, "two") // it is not displaced by what was not taken
	want(1<<32-1, askGame, "")
	want(2, askStale, "")
	if a.last() != 1<<32-1 || len(a.kept) != 1 {
		t.Errorf("the last is %d, and %d are kept", a.last(), len(a.kept))
	}
}
