package replicate_test

import (
	cmdline "flag" // a flag is a row of the property test
	"testing"
)

var propertySeeds = cmdline.Int("property.seeds", 0, "run so many seeds of the property test; zero: 1500, and 100 with the race detector")

// seeds is how many seeds a test runs.
func seeds(t *testing.T) int {
	switch {
	case *propertySeeds > 0:
		return *propertySeeds
	case testing.Short():
		return 50
	case raceEnabled:
		return 100
	}
	return 1500
}
