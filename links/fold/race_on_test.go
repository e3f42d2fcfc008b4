//go:build race

package fold_test

// The race detector finds nothing more in many cases, and allocates itself.
const (
	raceDetector = true
	cases        = 500
)
