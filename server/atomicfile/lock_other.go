//go:build !darwin && !dragonfly && !freebsd && !linux && !netbsd && !openbsd && !windows

package atomicfile

import "os"

// take does nothing: there is no lock here that is given back when its process ends.
func take(*os.File) error { return nil }

// tryTake does nothing, likewise.
func tryTake(*os.File) error { return nil }
