package bots

import (
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"testing"
)

// residentBytes is what the process has of the machine's memory; zero where /proc does not tell.
func residentBytes() int {
	var size, pages int
	text, _ := os.ReadFile("/proc/self/statm")
	fmt.Sscan(string(text), &size, &pages)
	return pages * os.Getpagesize()
}

// TestTheHeapGrowsAtOnce: what is live stays some, and the heap becomes as large as garbage may make it.
func TestTheHeapGrowsAtOnce(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(300))
	live := make([]byte, 32<<20)
	runtime.GC()
	debug.FreeOSMemory() // what other tests have left
	held := func() (goal, bytes uint64) {
		samples := []metrics.Sample{{Name: "/gc/heap/goal:bytes"}, {Name: "/memory/classes/heap/objects:bytes"}, {Name: "/memory/classes/heap/free:bytes"}}
		metrics.Read(samples)
		return samples[0].Value.Uint64(), samples[1].Value.Uint64() + samples[2].Value.Uint64()
	}
	goal, before := held()
	resident := residentBytes()
	growHeap(t.Context())
	if grew := residentBytes() - resident; resident > 0 && grew < int(goal-before)/2 {
		t.Errorf("the process has %d MB more of the machine's memory, with a heap of %d MB that may have %d", grew>>20, before>>20, goal>>20)
	}
	if _, after := held(); after < goal*9/10 || before > goal/2 {
		t.Errorf("the heap had %d MB, and has %d; garbage is collected at %d", before>>20, after>>20, goal>>20)
	}
	debug.SetGCPercent(-1)
	_, before = held()
	growHeap(t.Context())
	if _, after := held(); after > before+growBlock {
		t.Errorf("the heap has grown from %d to %d MB although garbage is never collected", before>>20, after>>20)
	}
	runtime.KeepAlive(live)
}
