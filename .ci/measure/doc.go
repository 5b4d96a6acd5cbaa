// Package measure starts programs on cores of their own and reads what the kernel says that they used; .ci/bench, .ci/hostile and
// .ci/watch compare servers with it, and .ci/soak runs one for long. Read process.go first, then sample.go.
package measure
