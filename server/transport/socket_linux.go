package transport

import (
	"net"

	"golang.org/x/sys/unix"
)

// unsentBytes is how much the kernel takes of a connection beyond what is on its way: more of it would only wait there,
// and grow old.
const unsentBytes = 8 << 10

// errAddrInUse is the error of a port that is taken.
const errAddrInUse = unix.EADDRINUSE

// keepShort keeps the kernel's queue of what is not on its way yet short. Without it a client that is slow is only noticed
// seconds later.
func keepShort(conn net.Conn) {
	tcp, ok := conn.(*net.TCPConn)
	if !ok {
		return
	}
	if raw, err := tcp.SyscallConn(); err == nil {
		raw.Control(func(fd uintptr) {
			unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_NOTSENT_LOWAT, unsentBytes) // else the queue is longer
		})
	}
}
