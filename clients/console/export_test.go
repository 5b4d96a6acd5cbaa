package console

// Listed is for the tests of how answers are written.
var Listed = listed
