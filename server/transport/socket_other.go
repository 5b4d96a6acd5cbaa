//go:build !linux

package transport

import (
	"net"
	"syscall"
)

// sendBytes is the size of the kernel's buffer of what is not acknowledged yet.
const sendBytes = 64 << 10

// errAddrInUse is the error of a port that is taken.
const errAddrInUse = syscall.EADDRINUSE

// keepShort keeps the kernel's queue short. Without it a client that is slow is only noticed seconds later.
func keepShort(conn net.Conn) {
	if tcp, ok := conn.(*net.TCPConn); ok {
		tcp.SetWriteBuffer(sendBytes) // else the queue is longer
	}
}
