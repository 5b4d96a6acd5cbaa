package pong_test

import (
	"os"
	"strings"
	"testing"
)

// TestTheReadmeShowsPongInFull keeps the README's game the one that is tested here.
func TestTheReadmeShowsPongInFull(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	game, err := os.ReadFile("pong.go")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(readme), "```go\n"+strings.TrimSpace(string(game))+"\n```\n") {
		t.Error("README.md does not show pong.go as it is: paste it there")
	}
}
