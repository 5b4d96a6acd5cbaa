// Package quota bounds what one network address may do and have, so that one client can't take what is for all. Rates
// bound how often, Counts how many at once. Both are asked with a key, which KeyOf makes of an address (CountsOf takes other keys, too), and the memory
// of both is bounded. What past a bound happens, and is counted, is for whoever asks.
package quota
