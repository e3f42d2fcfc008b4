package bundle

import (
	"errors"
	"fmt"
)

// Why a bundle is refused. What the functions here return is an *Error that wraps one of them.
var (
	ErrNotBundle     = errors.New("not a bundle")                // something else altogether
	ErrKind          = errors.New("the other kind of bundle")    // a system bundle where settings were wanted, or the reverse
	ErrTruncated     = errors.New("cut short")                   // the end is missing
	ErrTooLarge      = errors.New("too large")                   // beyond the bounds
	ErrDamaged       = errors.New("damaged")                     // its parts do not fit together
	ErrUntrusted     = errors.New("signed by a stranger")        // rightly or not: the key is not one of ours
	ErrSignature     = errors.New("wrong signature")             // the key is ours, the signature is not
	ErrNewer         = errors.New("made by a newer program")     // a version or a field that is unknown here
	ErrInvalid       = errors.New("wrongly made")                // signed rightly, and still not as it must be
	ErrSealed        = errors.New("sealed")                      // no identity to open it with
	ErrSealedToOther = errors.New("sealed to another kit's key") // this identity does not open it
)

// Error tells in plain words, for a reader who knows sticks and not formats, what is wrong and what to do.
type Error struct {
	Reason  error  // one of the above; which to test for with errors.Is
	Problem string // a sentence's worth, without its full stop
	Remedy  string // the same; never empty
}

func (e *Error) Error() string { return e.Problem + "; " + e.Remedy }

func (e *Error) Unwrap() error { return e.Reason }

const (
	copyAgain = "copy the file to the stick again and eject the stick before pulling it out"
	makeAnew  = "ask the maker of the bundle for a new one"

	updateFirst = "update this kit's system first, or make the bundle with the tools of the kit's release"
)

func refuse(reason error, remedy, format string, args ...any) *Error {
	return &Error{Reason: reason, Problem: fmt.Sprintf(format, args...), Remedy: remedy}
}
