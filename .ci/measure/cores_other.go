//go:build !linux

package measure

import "time"

// Cores are those that the server and the load run on.
type Cores struct {
	Server, Load int
	Pinned       bool
	Missing      string // why they are not pinned
}

// ChooseCores says what is missing here.
func ChooseCores() Cores {
	return Cores{Missing: "processes can be pinned to cores, and their processor time read from /proc, on Linux only"}
}

func (c Cores) pinThread(int) (undo func()) { return func() {} }

func threadTime() time.Duration { return 0 }
