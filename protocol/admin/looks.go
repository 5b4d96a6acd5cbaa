package admin

import "slices"

// writers are the acts that change something, or take a copy of what the server is doing: the door writes them down.
var writers = []Act{
	ActKick, ActBan, ActUnban, ActSay, ActFreeze, ActStep, ActSlow, ActResume, ActSet, ActUndo, ActClose, ActImpair, ActProfile,
	ActDrain, ActUndrain, ActLogLevel, ActAudit,
}

// Looks tells whether an act only looks, so that it can be repeated, and asked again by whoever got no answer.
func (a Act) Looks() bool { return !slices.Contains(writers, a) }
