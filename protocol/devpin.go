package protocol

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
)

// DevPinFile is where a server with the development certificate leaves that certificate's pin, as written
// by FormatPin, and where clients on the same machine find it. The path is relative to the user's cache
// folder (os.UserCacheDir) and has forward slashes.
const DevPinFile = "quicstep/development.sha256"

// A pin is the SHA-256 of a certificate in DER form. A client that knows it accepts exactly that
// certificate, which takes the place of a chain to a trusted root.

// FormatPin returns the pin as 64 lower-case hexadecimal digits.
func FormatPin(pin [sha256.Size]byte) string { return hex.EncodeToString(pin[:]) }

// ParsePin reads what FormatPin wrote; upper case and white space around it are accepted. It returns an
// error for anything else than 64 hexadecimal digits.
func ParsePin(text string) ([sha256.Size]byte, error) {
	var pin [sha256.Size]byte
	text = strings.TrimSpace(text)
	if len(text) != hex.EncodedLen(len(pin)) {
		return pin, fmt.Errorf("certificate pin has %d characters, want %d", len(text), hex.EncodedLen(len(pin)))
	}
	digits, err := hex.DecodeString(text)
	if err != nil {
		return pin, fmt.Errorf("certificate pin: %w", err)
	}
	copy(pin[:], digits)
	return pin, nil
}
