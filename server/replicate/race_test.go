//go:build race

package replicate_test

// raceEnabled: the race detector makes seeds several times slower, so fewer are run.
const raceEnabled = true
