package console

import "github.com/quicstep/quicstep/protocol/admin"

// listed has the list of an act there, also when it is empty: none at all would say that it was not asked for.
func listed(act admin.Act, a admin.Answer) admin.Answer {
	switch act {
	case admin.ActRooms:
		a.Rooms = there(a.Rooms)
	case admin.ActPlayers:
		a.Players = there(a.Players)
	case admin.ActTables:
		a.Tables = there(a.Tables)
	case admin.ActReport:
		a.Report = there(a.Report)
	case admin.ActEdits:
		a.Edits = there(a.Edits)
	case admin.ActBans:
		a.Bans = there(a.Bans)
	case admin.ActSight:
		a.Sight = there(a.Sight)
	case admin.ActCapture:
		a.Captures = there(a.Captures)
	case admin.ActAudit:
		a.Audit = there(a.Audit)
	}
	return a
}

func there[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

// emptyLists names the lists that are there, and empty, as the wire does.
func emptyLists(a *admin.Answer) (names []string) {
	for _, list := range []struct {
		name  string
		empty bool
	}{
		{"rooms", isEmpty(a.Rooms)}, {"players", isEmpty(a.Players)}, {"tables", isEmpty(a.Tables)}, {"report", isEmpty(a.Report)},
		{"edits", isEmpty(a.Edits)}, {"bans", isEmpty(a.Bans)}, {"sight", isEmpty(a.Sight)}, {"captures", isEmpty(a.Captures)}, {"audit", isEmpty(a.Audit)},
	} {
		if list.empty {
			names = append(names, list.name)
		}
	}
	return names
}

func isEmpty[T any](list []T) bool { return list != nil && len(list) == 0 }
