//go:build race

package cas_test

// cases is how many each property is tried on; the race detector finds nothing more in many.
const cases = 500
