package client

import "math/bits"

// stale are the rows that datagrams have changed since the last View. They become typed rows when one is asked for:
// who looks now and then does not pay for every tick.
type stale struct {
	tables [][]uint64 // a bit per index
	any    bool
}

func (s *stale) mark(table int, index uint32) {
	for len(s.tables) <= table {
		s.tables = append(s.tables, nil)
	}
	word := int(index / 64)
	for len(s.tables[table]) <= word {
		s.tables[table] = append(s.tables[table], 0)
	}
	s.tables[table][word] |= 1 << (index % 64)
	s.any = true
}

// take calls do for each row that is marked, in order, and unmarks all of them.
func (s *stale) take(do func(table int, index uint32)) {
	if !s.any {
		return
	}
	s.any = false
	for table, words := range s.tables {
		for word, set := range words {
			words[word] = 0
			for ; set != 0; set &= set - 1 {
				do(table, uint32(word*64+bits.TrailingZeros64(set)))
			}
		}
	}
}

// clear unmarks all of them.
func (s *stale) clear() { s.take(func(int, uint32) {}) }
