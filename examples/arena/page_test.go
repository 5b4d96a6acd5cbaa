package arena_test

import (
	"io/fs"
	"regexp"
	"strings"
	"testing"

	"github.com/quicstep/quicstep/examples/arena"
)

// TestThePageIsWhole has every file that the page names among its files, and nothing come from elsewhere.
func TestThePageIsWhole(t *testing.T) {
	page := arena.New(arena.Config{}).Page()
	html, err := fs.ReadFile(page, "index.html")
	if err != nil {
		t.Fatal(err)
	}
	css, err := fs.ReadFile(page, "arena.css")
	if err != nil {
		t.Fatal(err)
	}
	named := regexp.MustCompile(`(?:src|href)="?([^"\s>]+)|url\(([^)]+)\)|@import\s+(\S+)`).FindAllStringSubmatch(string(html)+string(css), -1)
	if len(named) < 3 {
		t.Errorf("the page names %d files, want its script, its styles and its icon at least", len(named))
	}
	for _, m := range named {
		name := m[1] + m[2] + m[3]
		if strings.HasPrefix(name, "data:") {
			continue
		}
		if _, err := fs.Stat(page, name); err != nil {
			t.Errorf("the page names %s: %v", name, err)
		}
	}
}
