package main

import (
	"runtime"

	"golang.org/x/sys/unix"
)

// cores are those that the server and the load run on, each alone.
type cores struct {
	server, load int
	pinned       bool
	missing      string // why they are not pinned
}

// chooseCores takes the first two cores that this process may run on.
func chooseCores() cores {
	var may unix.CPUSet
	if err := unix.SchedGetaffinity(0, &may); err != nil {
		return cores{missing: "the kernel does not tell which cores there are: " + err.Error()}
	}
	var list []int
	for core := 0; len(list) < 2 && core < len(may)*64; core++ {
		if may.IsSet(core) {
			list = append(list, core)
		}
	}
	if len(list) < 2 {
		return cores{server: list[0], load: list[0], missing: "there is one core only, which server and load share"}
	}
	return cores{server: list[0], load: list[1], pinned: true}
}

// pinThread keeps the calling goroutine, and processes that it starts, on a core until the returned function is called.
func (c cores) pinThread(core int) (undo func()) {
	if !c.pinned {
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
