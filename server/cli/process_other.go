//go:build !unix

package cli

import "time"

// processTime is zero: nobody here tells the processor time of this process.
func processTime() time.Duration { return 0 }
