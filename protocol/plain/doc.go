// Package plain says which texts may travel: what people read in the names of rooms, in chat, and in the rows of inputs and
// requests (docs/protocol.md §1). Equal bytes are equal to the eye as far as that can be had: a text is in Unicode's
// normal form NFC, and nothing in it is invisible, turns what stands around it, or piles up without end.
//
// Servers Check and refuse, and never guess; who sends Cleans first. Names that look alike in two alphabets are not told
// apart here.
package plain
