package browser

import (
	"bufio"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// chromium is a browser that drive.mjs drives.
type chromium struct {
	t       *testing.T
	answers *bufio.Reader
	orders  io.Writer
}

// launch starts Chromium, which make browser names in CHROMIUM; without that the test is left out.
func launch(t *testing.T) *chromium {
	t.Helper()
	path := os.Getenv("CHROMIUM")
	if path == "" {
		t.Skip("CHROMIUM names no browser; make browser does")
	}
	driver := exec.CommandContext(t.Context(), "node", "drive.mjs", path)
	driver.Stderr = os.Stderr
	in, err := driver.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := driver.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := driver.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		driver.Wait()
	})
	return &chromium{t: t, answers: bufio.NewReader(out), orders: in}
}

// page is one of its pages.
type page struct {
	*chromium
	name string
}

// order is a command of drive.mjs.
type order struct {
	Do   string `json:"do"`
	Page string `json:"page"`
	URL  string `json:"url,omitempty"`
	JS   string `json:"js,omitempty"`
	Key  string `json:"key,omitempty"`
	Down bool   `json:"down,omitempty"`
	Path string `json:"path,omitempty"`
}

// do has the browser do something; what comes of it goes to value, unless that is nil.
func (p *page) do(o order, value any) {
	p.t.Helper()
	o.Page = p.name
	line, err := json.Marshal(o)
	if err != nil {
		p.t.Fatal(err)
	}
	if _, err := p.orders.Write(append(line, '\n')); err != nil {
		p.t.Fatalf("%s %s: %v", o.Do, o.JS, err)
	}
	line, err = p.answers.ReadBytes('\n')
	if err != nil {
		p.t.Fatalf("%s %s: the browser has ended: %v", o.Do, o.JS, err)
	}
	var answer struct {
		Value json.RawMessage
		Error string
	}
	if err := json.Unmarshal(line, &answer); err != nil {
		p.t.Fatal(err)
	}
	if answer.Error != "" {
		if o.Do != "screenshot" {
			p.screenshot("failed")
		}
		p.t.Fatalf("%s %s on page %s: %s", o.Do, o.JS, p.name, answer.Error)
	}
	if value != nil {
		if err := json.Unmarshal(answer.Value, value); err != nil {
			p.t.Fatal(err)
		}
	}
}

// open opens the page of a server. On a machine that has much else to do it takes a while to join.
func (c *chromium) open(name, url string) *page {
	c.t.Helper()
	p := &page{chromium: c, name: name}
	p.do(order{Do: "open", URL: strings.TrimSuffix(url, "/") + "/?timeout=60"}, nil)
	return p
}

func (p *page) eval(js string, value any) { p.t.Helper(); p.do(order{Do: "eval", JS: js}, value) }
func (p *page) wait(js string)            { p.t.Helper(); p.do(order{Do: "wait", JS: js}, nil) }

func (p *page) hold(key string)    { p.t.Helper(); p.do(order{Do: "press", Key: key, Down: true}, nil) }
func (p *page) release(key string) { p.t.Helper(); p.do(order{Do: "press", Key: key}, nil) }

// wantNothingWrong fails when an error has reached nobody on the page.
func (p *page) wantNothingWrong() {
	p.t.Helper()
	var wrong []string
	if p.do(order{Do: "wrong"}, &wrong); len(wrong) > 0 {
		p.t.Errorf("page %s: %q", p.name, wrong)
	}
}

// screenshot leaves what the page shows in bin/browser.
func (p *page) screenshot(what string) {
	p.t.Helper()
	path, err := filepath.Abs(filepath.Join("../../bin/browser", filepath.Base(p.t.Name())+"-"+p.name+"-"+what+".png"))
	if err != nil {
		p.t.Fatal(err)
	}
	p.do(order{Do: "screenshot", Path: path}, nil)
	p.t.Log("screenshot: ", path)
}
