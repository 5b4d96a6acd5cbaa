// Package schema describes the tables, inputs and events of a game as they travel: fields, how each is
// quantised, which class of viewer may see it, and the columns that it becomes on the wire. It is the
// floor beneath both protocol and world, so that neither needs the other.
//
// A Schema is built from Go types by FromType, sent at join as msgpack (Append, Parse), and is all that
// a reader needs to parse a datagram (docs/protocol.md §8). Read field.go for the quantisation, column.go
// for the wire columns and row.go for the codec.
package schema
