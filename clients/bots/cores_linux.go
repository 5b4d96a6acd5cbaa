package bots

import (
	"bufio"
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// coreTimes is how long the cores that this process may run on have been idle, and at all, in the kernel's ticks.
type coreTimes struct{ idle, all float64 }

// readCores reads the kernel's accounts; without them it knows nothing.
func readCores() (t coreTimes) {
	var may unix.CPUSet
	if unix.SchedGetaffinity(0, &may) != nil {
		return t
	}
	f, err := os.Open("/proc/stat")
	if err != nil {
		return t
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var core int
		var user, nice, system, idle, wait, irq, soft, steal float64
		rest, ok := strings.CutPrefix(lines.Text(), "cpu")
		if n, _ := fmt.Sscan(rest, &core, &user, &nice, &system, &idle, &wait, &irq, &soft, &steal); !ok || n < 9 || strings.HasPrefix(rest, " ") || !may.IsSet(core) {
			continue
		}
		t.idle += idle + wait
		t.all += user + nice + system + idle + wait + irq + soft + steal
	}
	return t
}

// idleSince is the share of the time since then that the cores were idle, from 0 to 1; 0 when nobody knows.
func (t coreTimes) idleSince(then coreTimes) float64 {
	if t.all <= then.all {
		return 0
	}
	return (t.idle - then.idle) / (t.all - then.all)
}
