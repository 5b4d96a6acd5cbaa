//go:build !unix

package atomicfile

// syncFolder does nothing: a folder can't be opened for it here.
func syncFolder(string) error { return nil }
