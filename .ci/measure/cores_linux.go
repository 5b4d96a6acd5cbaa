package measure

import (
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

// Cores are those that the server and the load run on, each alone.
type Cores struct {
	Server, Load int
	Pinned       bool
	Missing      string // why they are not pinned
}

// ChooseCores takes the first two cores that this process may run on.
func ChooseCores() Cores {
	var may unix.CPUSet
	if err := unix.SchedGetaffinity(0, &may); err != nil {
		return Cores{Missing: "the kernel does not tell which cores there are: " + err.Error()}
	}
	var list []int
	for core := 0; len(list) < 2 && core < len(may)*64; core++ {
		if may.IsSet(core) {
			list = append(list, core)
		}
	}
	if len(list) < 2 {
		return Cores{Server: list[0], Load: list[0], Missing: "there is one core only, which server and load share"}
	}
	return Cores{Server: list[0], Load: list[1], Pinned: true}
}

// pinThread keeps the calling goroutine, and processes that it starts, on a core until the returned function is called.
func (c Cores) pinThread(core int) (undo func()) {
	if !c.Pinned {
		return func() {}
	}
	runtime.LockOSThread()
	var former, one unix.CPUSet
	one.Set(core)
	if unix.SchedGetaffinity(0, &former) != nil || unix.SchedSetaffinity(0, &one) != nil {
		return runtime.UnlockOSThread
	}
	return func() {
		unix.SchedSetaffinity(0, &former)
		runtime.UnlockOSThread()
	}
}

// threadTime is the processor time of the calling thread; zero when it is not known.
func threadTime() time.Duration {
	var t unix.Timespec
	if unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &t) != nil {
		return 0
	}
	return time.Duration(t.Nano())
}
