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
// A field's net: tag says how it travels: range=min:max and step= quantise a number, wrap makes it an angle, own= is a
// finer step for the row's owner, max= bounds a string; owner and team hide a field from others, - from all clients;
// pos=x and pos=y are what the interest grid goes by. reckon=VX,tolerance=0.5 makes a float dead-reckoned: VX, a float in
// units per second, is its velocity, and others than the owner are told of it only when it is not where they reckon, by
// more than the tolerance, in the field's own units. The game goes on writing both fields as they truly are: a velocity
// that is not what happens costs more than it saves, so what rests should have none. A tolerance of a few steps of the
// position, and a step of the velocity that is small beside tolerance / 10 s, serve well.
//
// Read game.go for definitions, table.go and tx.go for what game code may do, step.go for the tick,
// commit.go for how its end is published, reckon.go for dead reckoning, view.go for what readers get.
package world
