// Package forecast tells when what waits for a peer will be at its node, and how sure that is.
//
// A Model learns one way to one peer from what happens on it: entries are sent, and arrive. It fits what a turn costs
// (key-up, preamble, interleaver, confirmation) and what a byte costs, both as of late, since a link's rate changes during the
// day; and it keeps a record of how often its own words were kept, from which it says how late it may get.
//
//	Sent, Arrived -> turns (bytes, seconds) -> fit: fixed + bytes × s --+
//	Up, Down      -> outages -> how long one usually lasts -------------+-> Estimate -> Forecast{About, Most}
//	Promise, Arrived -> said against seen -> how late it gets ----------+
//
// All times are spans since any fixed moment, by a clock that nobody sets (monotonic).
package forecast

import (
	"fmt"
	"time"
)

// A Forecast says when an entry will be known to be at the peer's node, from now: the news of it has a way too, and nobody on this side sees more.
type Forecast struct {
	Known bool
	Why   string        // why it is not known; or what it waits for
	About time.Duration // as likely earlier as later
	Most  time.Duration // nine times in ten it takes no longer
}

// String is the forecast in words: "about 4 min, at most 9 min".
func (f Forecast) String() string {
	if !f.Known {
		if f.Why == "" {
			return "not known"
		}
		return "not known: " + f.Why
	}
	about, most := Words(f.About), Words(f.Most)
	if about == most {
		return "about " + about
	}
	return "about " + about + ", at most " + most
}

// Words is a span as people say it, no more exact than a forecast can be.
func Words(d time.Duration) string {
	switch {
	case d < time.Second:
		return "1 s"
	case d < 10*time.Second:
		return fmt.Sprintf("%d s", (d+time.Second/2)/time.Second)
	case d < 100*time.Second:
		return fmt.Sprintf("%d s", (d+5*time.Second/2)/(5*time.Second)*5)
	case d < 100*time.Minute:
		return fmt.Sprintf("%d min", (d+time.Minute/2)/time.Minute)
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h", (d+time.Hour/2)/time.Hour)
	}
	return fmt.Sprintf("%d days", (d+12*time.Hour)/(24*time.Hour))
}

// Work is what must arrive for an entry to arrive.
type Work struct {
	Entry uint64 // if it is under way, the Model knows what is before it; Ahead and Own do not matter then
	Ahead int    // bytes that wait before it and are not under way
	Own   int    // its bytes
	Turn  bool   // it goes with the next turn, whatever else waits (express lane)
}

// Outlook is what is known of the link beside what the Model learns.
type Outlook struct {
	Windows []Window // when it may transmit, from now, in order; nil: always
	Silent  bool     // nobody knows for how long: EMCON, no way configured
	Why     string   // of Silent
}

// A Window is a span from now in which the link may transmit.
type Window struct{ From, To time.Duration }
