// Package typescript writes the TypeScript types of a game, as clients/ts wants them: what the rows of a table are as plain
// objects, what an input is, and the schema that they were made from, by which a client finds out at join whether it still fits.
//
// Read generate.go for a file, rows.go for how structs become interfaces, and words.go for what is said of a field.
package typescript
