package browser

import (
	"strings"
	"testing"

	"github.com/quicstep/quicstep/examples/arena"
)

// TestThePageSaysWhatIsWrong: and what to do.
func TestThePageSaysWhatIsWrong(t *testing.T) {
	b, s := launch(t), serve(t, arena.Config{})
	elsewhere := "https://elsewhere.example"
	for _, c := range []struct {
		name    string
		spoil   func(p *path)
		says    string
		advises string
	}{
		{"nobody there", func(p *path) { p.gone.Store(true); p.dark.Store(true) }, "can't be reached", "make run"},
		{"another version", func(p *path) { p.info.Store(strings.NewReplacer(`"protocol":1`, `"protocol":99`)) }, "don't fit", "update the server"},
		{"a page from elsewhere", func(p *path) { p.origin.Store(&elsewhere); p.dark.Store(true) }, "can't be reached|does not let you in", "."},
	} {
		t.Run(c.name, func(t *testing.T) {
			way := newPath(t, s.Addr().String())
			c.spoil(way)
			p := b.open(strings.ReplaceAll(c.name, " ", "-"), way.url())
			p.wait(`!document.querySelector("#trouble").hidden`)
			var title, text string
			p.eval(`document.querySelector("#trouble-title").textContent`, &title)
			p.eval(`document.querySelector("#trouble").innerText`, &text)
			t.Logf("%q", text)
			found := false
			for want := range strings.SplitSeq(c.says, "|") {
				found = found || strings.Contains(title, want)
			}
			if !found || !strings.Contains(text, c.advises) {
				t.Errorf("the page says %q, want %q in the title and %q in what to do", text, c.says, c.advises)
			}
			p.screenshot("trouble")
			p.wantNothingWrong()
		})
	}
}
