package measure

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// kernelTick is the unit of the kernel's accounts in /proc: a hundredth of a second on every platform that Go runs on.
const kernelTick = 10 * time.Millisecond

// parseProcess reads the processor time of a process from its /proc/PID/stat.
func parseProcess(text string) (time.Duration, error) {
	// The name is in parentheses, and may hold some itself.
	end := strings.LastIndexByte(text, ')')
	fields := strings.Fields(text[end+1:])
	const user, system = 11, 12 // places after the name
	if end < 0 || len(fields) <= system {
		return 0, errors.New("/proc/PID/stat is not as expected")
	}
	var sum uint64
	for _, field := range fields[user : system+1] {
		n, err := strconv.ParseUint(field, 10, 64)
		if err != nil {
			return 0, fmt.Errorf("/proc/PID/stat: %w", err)
		}
		sum += n
	}
	return time.Duration(sum) * kernelTick, nil
}

// parseResident reads the memory of a process from its /proc/PID/status, in bytes; zero when it is not there.
func parseResident(text string) int64 { return parseStatus(text, "VmRSS:") }

// ParseHighest reads the most memory that a process ever had, likewise.
func ParseHighest(text string) int64 { return parseStatus(text, "VmHWM:") }

func parseStatus(text, name string) int64 {
	for line := range strings.Lines(text) {
		if rest, ok := strings.CutPrefix(line, name); ok {
			kilobytes, _ := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64)
			return kilobytes << 10
		}
	}
	return 0
}

// coreTimes is how long a core has been idle, was taken by the hypervisor, and has been there at all.
type coreTimes struct{ idle, stolen, all time.Duration }

// parseCores reads the accounts of all cores from /proc/stat, by the core's number.
func parseCores(text string) map[int]coreTimes {
	const idle, wait, stolen, kinds = 3, 4, 7, 8 // of user, nice, system, idle, iowait, irq, softirq, steal
	out := map[int]coreTimes{}
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		if len(fields) < 1+kinds || !strings.HasPrefix(fields[0], "cpu") {
			continue
		}
		core, err := strconv.Atoi(fields[0][len("cpu"):])
		if err != nil {
			continue // the sum of all
		}
		var t coreTimes
		for i, field := range fields[1 : 1+kinds] {
			n, _ := strconv.ParseInt(field, 10, 64)
			d := time.Duration(n) * kernelTick
			t.all += d
			switch i {
			case idle, wait:
				t.idle += d
			case stolen:
				t.stolen += d
			}
		}
		out[core] = t
	}
	return out
}

// parseModel reads the processor's name from /proc/cpuinfo.
func parseModel(text string) string {
	for line := range strings.Lines(text) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return "a processor without a name"
}
