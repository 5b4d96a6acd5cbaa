//go:build !linux

package main

// cores are those that the server and the load run on.
type cores struct {
	server, load int
	pinned       bool
	missing      string // why they are not pinned
}

// chooseCores says what is missing here.
func chooseCores() cores {
	return cores{missing: "processes can be pinned to cores, and their processor time read from /proc, on Linux only"}
}

func (c cores) pinThread(int) (undo func()) { return func() {} }
