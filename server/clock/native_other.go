//go:build !linux

package clock

// Native returns the Sleeper that is the most punctual on this system: here, Portable.
func Native() Sleeper { return Portable() }
