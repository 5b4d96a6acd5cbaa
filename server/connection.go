package server

import (
	"context"
	"time"

	"github.com/quicstep/quicstep/protocol"
	"github.com/quicstep/quicstep/server/transport"
)

// connection is one way to a client. A session has one at a time, and none that lives while it is held.
type connection struct {
	conn    *transport.Conn
	control *transport.Stream
	reader  frameReader // touched by greet, then by the control reader
	torn    bool        // the control stream ended within a frame; set by its writer, read when that has ended
}

// arrival is a connection that has come to go on with a session.
type arrival struct {
	*connection
	hello protocol.Hello
}

// say writes a message before anybody else writes on the control stream.
func (c *connection) say(message []byte, patience time.Duration) error {
	c.control.SetWriteDeadline(time.Now().Add(patience))
	_, err := c.control.Write(protocol.AppendFrame(nil, message))
	c.control.SetWriteDeadline(time.Time{})
	return err
}

// bye says on the stream what is left to say, and goodbye, gives the client a moment to close, and closes.
func (c *connection) bye(end refusal, left []byte, patience time.Duration) {
	defer c.conn.Close(end.code, end.reason)
	if c.control == nil || c.torn || c.conn.Context().Err() != nil {
		return
	}
	message, err := protocol.AppendGoodbye(nil, protocol.Goodbye{Code: end.code, Reason: end.reason})
	if err != nil {
		return
	}
	c.control.SetWriteDeadline(time.Now().Add(patience))
	if _, err := c.control.Write(protocol.AppendFrame(left, message)); err != nil {
		return
	}
	c.control.Close()
	patient, cancel := context.WithTimeout(c.conn.Context(), patience)
	defer cancel()
	<-patient.Done()
}
