// Package world is where a game is defined and where its state lives and steps.
//
// A game developer embeds *GameOf[Input], adds typed tables, singletons and events with AddTable,
// AddSingleton and AddEvent, and says what happens with OnStart, OnJoin, OnLeave, OnInput and OnTick.
// The same definition serves server, clients and tests.
//
// A World is one running instance. Its state changes in one way only: Step takes the Commands of one tick
// and returns the ChangeSet and the View of that tick. The package has no clock, socket, goroutine, logger
// or global randomness: the same Commands give the same state on every run and every processor, provided
// that the game keeps to what Tx offers, ranges over no map where order shows, and writes
// float64(x*y)+z where a compiler might fuse a multiplication with an addition.
//
// Read game.go for definitions, table.go and tx.go for what game code may do, step.go for the tick,
// commit.go for how its end is published, view.go for what readers get.
package world
