// Package console is the operator's side of a server's admin door: it comes in with a profile, asks, subscribes and acts.
// The command line uses it, and so may any program.
//
//	c, err := console.Open(ctx, console.Config{})
//	rooms, err := c.Do(ctx, admin.Request{Act: admin.ActRooms})
package console
