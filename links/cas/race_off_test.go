//go:build !race

package cas_test

// cases is how many each property is tried on.
const cases = 10000
