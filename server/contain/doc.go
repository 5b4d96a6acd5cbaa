// Package contain keeps what goes wrong to where it happened: a panic to the goroutine that it is in (Panics), and a log
// that takes its time to itself (Spool).
//
// What it can't keep: Go ends the whole process at a stack that overflows, at maps that two goroutines write, when there
// is no memory left, and at a panic in a goroutine that a game has started by itself.
package contain
