package protocol

import "testing"

func TestCloseCodeNames(t *testing.T) {
	for code, want := range map[CloseCode]string{
		CloseNormal:     "normal",
		CloseRoomClosed: "room closed",
		CloseProtocol:   "protocol",
		CloseAbandoned:  "abandoned",
		CloseKicked:     "kicked",
		12:              "close code 12",
		1 << 40:         "close code 1099511627776",
	} {
		if got := code.String(); got != want {
			t.Errorf("code %d is %q, want %q", uint64(code), got, want)
		}
	}
}
