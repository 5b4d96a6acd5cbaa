// Package admin is the door for operators: they see, ask and act on the live state of a server, over a QUIC address of
// its own that is shut unless it is opened, and never without credentials. Read roles.go for who may do what, door.go for
// the life of a connection, acts.go for what is done, and audit.go for what is written down before it is.
//
// metrics.go and health.go tell Prometheus and whoever restarts servers the same figures over HTTP.
package admin
