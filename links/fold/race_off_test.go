//go:build !race

package fold_test

const (
	raceDetector = false
	cases        = 5000 // that each property is tried on
)
