package cli

import (
	"os"
	"reflect"
	"runtime"
	"runtime/metrics"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/quicstep/quicstep/protocol"
	"github.com/quicstep/quicstep/server"
)

// figuresOf is what /stats tells: every figure of the server by its name in snake case, the open rooms, the process, and
// the ticks of the open rooms beside those that their time was enough for.
func figuresOf(s server.Stats, rooms []server.RoomStats, tickRate int, now time.Time) map[string]any {
	out := object(reflect.ValueOf(s))
	rejected := make(map[string]uint64, protocol.RejectCount)
	for r := protocol.Reject(1); int(r) < protocol.RejectCount; r++ {
		rejected[r.String()] = s.Rejected[r]
	}
	out["rejected"] = rejected
	conduct := make(map[string]any, len(s.Conduct))
	for _, c := range s.Conduct {
		conduct[c.Limit] = map[string]uint64{"dropped": c.Dropped, "warned": c.Warned, "disconnected": c.Disconnected}
	}
	out["conduct"] = conduct
	out["tick_us"], out["late_us"] = buckets(s.Ticks), buckets(s.Late)
	delete(out, "late")

	period := time.Second / time.Duration(tickRate)
	var ticks, due uint64
	list := make([]map[string]any, len(rooms))
	for i, r := range rooms {
		ticks += r.Tick
		due += uint64(max(0, now.Sub(r.Opened)/period))
		if r.Private {
			r.Name = "" // it is the code that lets anybody in
		}
		list[i] = object(reflect.ValueOf(r))
	}
	out["rooms"], out["room_list"] = len(rooms), list
	out["ticks"], out["ticks_due"] = ticks, due
	out["tick_rate"], out["at"] = tickRate, now
	out["cpu_us"], out["rss_bytes"] = processTime().Microseconds(), residentBytes()
	out["heap_allocs"], out["heap_bytes"] = figureOf("/gc/heap/allocs:objects"), figureOf("/memory/classes/heap/objects:bytes")
	out["goroutines"], out["fds"] = runtime.NumGoroutine(), openFiles()
	return out
}

// buckets are upper bounds in microseconds, each with its count.
func buckets(d server.Distribution) [][2]int64 {
	out := make([][2]int64, len(d))
	for i, b := range d {
		out[i] = [2]int64{b.Most.Microseconds(), b.Count}
	}
	return out
}

// object is a struct's fields by their names in snake case; times that something took are in microseconds.
func object(v reflect.Value) map[string]any {
	out := map[string]any{}
	for f, at := range v.Fields() {
		name := snake(f.Name)
		switch value := at.Interface().(type) {
		case time.Duration:
			out[name+"_us"] = value.Microseconds()
		case time.Time, server.Distribution:
			out[name] = value
		default:
			if at.Kind() == reflect.Struct {
				out[name] = object(at)
			} else {
				out[name] = value
			}
		}
	}
	return out
}

// snake writes a Go name in snake case.
func snake(name string) string {
	var b strings.Builder
	lower := false
	for _, c := range name {
		if unicode.IsUpper(c) && lower {
			b.WriteByte('_')
		}
		lower = unicode.IsLower(c)
		b.WriteRune(unicode.ToLower(c))
	}
	return b.String()
}

// figureOf is a figure of the Go runtime's.
func figureOf(name string) uint64 {
	sample := []metrics.Sample{{Name: name}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}

// openFiles is how many files and sockets the process has open; zero where the system does not tell it in /proc.
func openFiles() int {
	list, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return 0
	}
	return len(list) - 1 // less the folder itself
}

// residentBytes is the process's memory; zero where the system does not tell it in /proc.
func residentBytes() int64 {
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kilobytes, _ := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64)
			return kilobytes * 1024
		}
	}
	return 0
}
