package admin

import (
	"fmt"

	"github.com/quicstep/quicstep/protocol/admin"
)

// Role is what credentials are good for; each one may do what those before it may.
type Role uint8

// The roles.
const (
	Viewer   Role = iota + 1 // sees
	Operator                 // acts on rooms and players
	Owner                    // acts on the server, and reads the audit log
)

var roleNames = [...]string{Viewer: "viewer", Operator: "operator", Owner: "owner"}

// String returns the role's name in lower case.
func (r Role) String() string {
	if int(r) < len(roleNames) && r != 0 {
		return roleNames[r]
	}
	return "nobody"
}

// ParseRole reads a role's name.
func ParseRole(text string) (Role, error) {
	for r := Viewer; r <= Owner; r++ {
		if r.String() == text {
			return r, nil
		}
	}
	return 0, fmt.Errorf("there is no role %q; there are viewer, operator and owner", text)
}

// MarshalText and UnmarshalText write a role into the file of credentials.
func (r Role) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText is the opposite of MarshalText.
func (r *Role) UnmarshalText(text []byte) (err error) {
	*r, err = ParseRole(string(text))
	return err
}

// act is what the door knows of an act: this table is the only place that says who may do what.
type act struct {
	role Role // the least that may do it
	// writes tells that it changes something, or takes a copy of what the server is doing: it is written down first.
	writes bool
	run    func(*call) error
}

// acts are all that can be asked for. What only looks can be subscribed to.
func acts() map[admin.Act]act {
	return map[admin.Act]act{
		admin.ActHealth:  {Viewer, false, (*call).health},
		admin.ActRooms:   {Viewer, false, (*call).rooms},
		admin.ActRoom:    {Viewer, false, (*call).room},
		admin.ActReport:  {Viewer, false, (*call).report},
		admin.ActPlayers: {Viewer, false, (*call).players},
		admin.ActTables:  {Viewer, false, (*call).tables},
		admin.ActQuery:   {Viewer, false, (*call).query},
		admin.ActEdits:   {Viewer, false, (*call).edits},
		admin.ActBans:    {Viewer, false, (*call).bans},

		admin.ActTimeline: {Viewer, false, (*call).timeline},
		admin.ActSight:    {Viewer, false, (*call).sight},
		admin.ActCapture:  {Viewer, false, (*call).capture},

		admin.ActKick:    {Operator, true, (*call).kick},
		admin.ActBan:     {Operator, true, (*call).ban},
		admin.ActUnban:   {Operator, true, (*call).unban},
		admin.ActSay:     {Operator, true, (*call).say},
		admin.ActFreeze:  {Operator, true, (*call).freeze},
		admin.ActStep:    {Operator, true, (*call).step},
		admin.ActSlow:    {Operator, true, (*call).slow},
		admin.ActResume:  {Operator, true, (*call).resume},
		admin.ActSet:     {Operator, true, (*call).set},
		admin.ActUndo:    {Operator, true, (*call).undo},
		admin.ActClose:   {Operator, true, (*call).close},
		admin.ActImpair:  {Operator, true, (*call).impair},
		admin.ActProfile: {Operator, true, (*call).profile},

		admin.ActDrain:    {Owner, true, (*call).drain},
		admin.ActUndrain:  {Owner, true, (*call).undrain},
		admin.ActLogLevel: {Owner, true, (*call).logLevel},
		admin.ActAudit:    {Owner, true, (*call).audit},
	}
}
