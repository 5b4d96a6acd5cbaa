package server

import "sync"

// answersKept is for how many times Limits.OpenRequests of a session's latest requests it is known what became of them.
// A client asks again for what it has no answer to: at most as many as were open, of which none is older than that.
const answersKept = 2

// answers remembers a session's latest requests, so that none is run twice: a client that has lost its connection asks
// again for what it has no answer to. Requests are named by their numbers, which rise.
type answers struct {
	mu     sync.Mutex
	latest uint32            // the highest number
	kept   map[uint32][]byte // by number: the answer as a message, nil while it is not there
	most   uint32
}

// What is to be done about a request.
type asking uint8

const (
	askGame    asking = iota // it is new
	askAgain                 // it was answered: the answer goes out again
	askWaits                 // it is open: the answer will come
	askStale                 // it is too old to be known
	askTooMany               // it is new, and one more than may be open: it is not noted
)

// take notes a request, unless it would be one too many, and says what is to be done; for askAgain with which message.
func (a *answers) take(number uint32, tooMany bool) (asking, []byte) {
	a.mu.Lock()
	defer a.mu.Unlock()
	message, known := a.kept[number]
	switch {
	case known && message == nil:
		return askWaits, nil
	case known:
		return askAgain, message
	case uint64(number)+uint64(a.most) <= uint64(a.latest):
		return askStale, nil
	case tooMany: // the game has not acted; and what is noted must not displace what is open
		return askTooMany, nil
	}
	if a.kept == nil {
		a.kept = make(map[uint32][]byte, a.most)
	}
	a.kept[number] = nil
	if number > a.latest {
		a.forget(number)
	}
	return askGame, nil
}

// forget makes a number the highest one, and drops what is too old then.
func (a *answers) forget(latest uint32) {
	a.latest = latest
	for number := range a.kept {
		if uint64(number)+uint64(a.most) <= uint64(latest) {
			delete(a.kept, number)
		}
	}
}

// keep notes the answer to a request.
func (a *answers) keep(number uint32, message []byte) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if _, known := a.kept[number]; known {
		a.kept[number] = message
	}
}

// last is the highest number.
func (a *answers) last() uint32 {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.latest
}

// tooOld is the refusal of a request that nothing is known of any more.
const tooOld = "it was asked too long ago to know what became of it"
