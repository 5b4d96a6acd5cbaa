package bots

import (
	"context"
	"os"
	"runtime/metrics"
)

const (
	// growBlock is how much the heap is grown by at once.
	growBlock = 1 << 20
	// growMost is where garbage is collected at most, for it to be grown: it may be off (GOGC), or left to a bound (GOMEMLIMIT).
	growMost = 2 << 30
)

// growHeap has the heap grow at once to where garbage is collected next, as it would by itself in a minute with a thousand bots.
// Otherwise the kernel's work for each new page, 10 to 20 µs of it on a virtual machine, is in what is measured. The bots play on meanwhile, as well as
// they can.
func growHeap(ctx context.Context) {
	samples := []metrics.Sample{{Name: "/gc/heap/goal:bytes"}, {Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(samples)
	goal, used := samples[0].Value.Uint64(), samples[1].Value.Uint64()
	if goal > growMost {
		return
	}
	for ; used+growBlock < goal && ctx.Err() == nil; used += growBlock {
		block := make([]byte, growBlock)
		for i := 0; i < len(block); i += os.Getpagesize() {
			block[i] = 1
		}
	}
}
