package screen

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/quicstep/quicstep/protocol/admin"
)

// TestSlowTicksAreSavedToAFile: the key asks for its name, and for a yes.
func TestSlowTicksAreSavedToAFile(t *testing.T) {
	s := newStage(t, 120, 24)
	s.keys("enter", "C", "ctrl+u", "enter")
	s.wantOn("say something")
	s.types("slow.json")
	s.keys("enter")
	s.wantOn("save the slow ticks of lobby into slow.json?")
	got := s.keys("y")
	s.wantAct(got, admin.Request{Act: admin.ActCapture, Room: "b1"})
	if len(got) == 1 && got[0].file != "slow.json" {
		t.Errorf("they go to %q", got[0].file)
	}
}

func TestWhatIsSavedIsJSONOrAProfile(t *testing.T) {
	var text bytes.Buffer
	a := admin.Answer{Captures: []admin.Capture{{Room: "ab", Parts: []string{"flight"}, Ticks: []admin.SlowTick{{Tick: 7, Parts: []int64{90}}, {Tick: 9}}}}}
	if err := save(&text, &a); err != nil || a.Text != "2 ticks that took too long" {
		t.Errorf("it says %q, %v", a.Text, err)
	}
	var got struct {
		Captures []struct {
			Ticks []struct {
				Parts map[string]int `json:"parts_us"`
			}
		}
	}
	if err := json.Unmarshal(text.Bytes(), &got); err != nil || len(got.Captures) != 1 || len(got.Captures[0].Ticks) != 2 || got.Captures[0].Ticks[0].Parts["flight"] != 90 {
		t.Errorf("it holds %s, %v", text.Bytes(), err)
	}
	profile := admin.Answer{Data: []byte{1, 2}, Text: "1 s"}
	text.Reset()
	if err := save(&text, &profile); err != nil || profile.Text != "1 s" || text.Len() != 2 {
		t.Errorf("of a profile it says %q and holds %v, %v", profile.Text, text.Bytes(), err)
	}
}
