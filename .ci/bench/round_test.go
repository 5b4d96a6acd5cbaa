package main

import (
	"testing"
	"time"
)

func TestFloorFigures(t *testing.T) {
	const text = "listening 127.0.0.1:1\n" +
		`{"at":"2026-11-24T18:00:01Z","skipped":1,"allocs":50}` + "\n" +
		`{"at":"2026-11-24T18:00:02Z","skipped":2,"allocs":100}` + "\n" +
		`{"at":"2026-11-24T18:00:04Z","skipped":5,"allocs":700}` + "\n" +
		`{"at":"2026-11-24T18:00:05Z","skipped":9,"allocs":9000}` + "\n" + `{"at":"2026-11-`
	begin := time.Date(2026, 11, 24, 18, 0, 1, 500, time.UTC)
	if allocs, skipped := floorFigures(text, begin, begin.Add(3*time.Second)); allocs != 300 || skipped != 3 {
		t.Errorf("it allocated %v a second and skipped %d, want 300 and 3", allocs, skipped)
	}
	if allocs, skipped := floorFigures(text, begin, begin.Add(time.Second)); allocs != 0 || skipped != 0 {
		t.Errorf("with one line in the window it allocated %v and skipped %d, want none", allocs, skipped)
	}
}
