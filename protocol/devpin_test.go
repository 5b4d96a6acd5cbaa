package protocol

import (
	"crypto/sha256"
	"strings"
	"testing"
)

func TestPinRoundTrip(t *testing.T) {
	pin := sha256.Sum256([]byte("certificate"))
	for _, text := range []string{FormatPin(pin), FormatPin(pin) + "\n", " " + strings.ToUpper(FormatPin(pin)) + "\r\n"} {
		if got, err := ParsePin(text); err != nil || got != pin {
			t.Errorf("ParsePin(%q) = %x, %v; want %x", text, got, err, pin)
		}
	}
}

func TestParsePinRefuses(t *testing.T) {
	good := FormatPin(sha256.Sum256(nil))
	for _, text := range []string{"", good[1:], good + "0", "0x" + good[2:], good + " " + good} {
		if _, err := ParsePin(text); err == nil {
			t.Errorf("ParsePin(%q) accepted it", text)
		}
	}
}
