package main

import (
	"maps"
	"slices"
	"sync"
)

// What bots count; each is a name in the ledger.
const (
	joinsTried = "joins tried"
	joins      = "joins"          // also those that a client makes by itself after a loss
	joinFailed = "no answer"      // to a join
	joinEnded  = "joins given up" // the run ended meanwhile
	joinFull   = "joins refused as full"
	joinBanned = "joins refused" // banned, or into a private room that has ended
	resumes    = "resumes"
	resumeLate = "resumes refused"
	moves      = "moves"
	stalls     = "stalls"
	slows      = "slow readers"
	drops      = "drops"
	leaves     = "leaves"
	rudes      = "rude leaves"
	kicks      = "sent away"  // kicked, banned, or the room was closed
	lost       = "lost"       // the client gave up
	surprises  = "surprises"  // an end that nobody meant
	asked      = "requests"   // that were sent
	answered   = "answers"    // also refusals of the game's
	said       = "lines said" // that were sent
	received   = "datagrams"  // of state
	mismatches = "mismatches" // rows that the server has found wrong, as it told the client
	unreadable = "unreadable" // datagrams of the server's
	orphans    = "orphans"    // records of rows that a client does not have
	privates   = "private rooms"
	lists      = "lists"
	operated   = "operator's acts"
	outdated   = "acts on what has gone" // meanwhile
)

// ledger is what bots and the operator have done. Anybody may write.
type ledger struct {
	mu     sync.Mutex // guards what follows
	counts map[string]int64
	notes  []string // of what was not meant to happen, the first ones
}

// notesMost bounds them.
const notesMost = 20

func (l *ledger) add(name string, n int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.counts == nil {
		l.counts = map[string]int64{}
	}
	l.counts[name] += n
}

// note keeps a line about something that was not meant to happen.
func (l *ledger) note(line string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.notes) < notesMost && !slices.Contains(l.notes, line) {
		l.notes = append(l.notes, line)
	}
}

// read returns copies.
func (l *ledger) read() (counts map[string]int64, notes []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return maps.Clone(l.counts), slices.Clone(l.notes)
}
