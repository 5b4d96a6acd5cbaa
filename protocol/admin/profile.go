package admin

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/quicstep/quicstep/protocol"
)

// ProfileFile is where a console looks for a Profile when it is given none, and DoorFolder where the server keeps what
// belongs to the door: credentials, certificate, audit log, bans. Both are relative to the user's configuration folder
// (os.UserConfigDir), with forward slashes.
const (
	DoorFolder  = "quicstep/admin"
	ProfileFile = DoorFolder + "/console.json"
)

// maxProfile bounds a profile's file, in bytes.
const maxProfile = 64 << 10

// Profile is all that a console needs to come in: a file for its owner's eyes alone.
type Profile struct {
	// Addr is the door's, "host:port".
	Addr string
	// Pin is the SHA-256 of the door's certificate.
	Pin [sha256.Size]byte
	// Token is TokenBytes long. Never log it.
	Token []byte
}

// profileJSON is how it is written.
type profileJSON struct {
	Addr  string `json:"addr"`
	Pin   string `json:"pin"`
	Token string `json:"token"`
}

// Format writes a profile as JSON.
func (p Profile) Format() []byte {
	b, err := json.MarshalIndent(profileJSON{p.Addr, protocol.FormatPin(p.Pin), hex.EncodeToString(p.Token)}, "", "  ")
	if err != nil {
		panic(fmt.Sprintf("admin: write a profile: %v", err)) // it is three texts
	}
	return append(b, '\n')
}

// ParseProfile reads what Format wrote. The error never repeats a token.
func ParseProfile(b []byte) (p Profile, err error) {
	var read profileJSON
	if len(b) > maxProfile {
		return p, fmt.Errorf("a profile has %d bytes, at most %d are read", len(b), maxProfile)
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(&read); err != nil {
		return p, errors.New("it is no profile: admin init and admin add write one")
	}
	if p.Pin, err = protocol.ParsePin(read.Pin); err != nil {
		return Profile{}, err
	}
	p.Addr = read.Addr
	if p.Token, err = hex.DecodeString(read.Token); err != nil || len(p.Token) != TokenBytes {
		return Profile{}, fmt.Errorf("its token is not %d hexadecimal digits", 2*TokenBytes)
	}
	return p, nil
}
