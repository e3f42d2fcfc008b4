package links

import (
	"time"

	"longwire/links/plan"
)

// A Way is how a link of a peer that may have several learns what it is to carry, and tells how it does. Any number of goroutines may use it; no method waits.
type Way interface {
	// May is what the link may take from the queue now, and whether what it has sent may be sent on it again.
	May() plan.Load
	// Wanted tells whether the link should be open even while it may take nothing: to show whether it works again.
	Wanted() bool
	// Express is what may go in a lane of its own on this link, whichever carries the rest. It may be May, or more.
	Express() plan.Load
	// Silent tells whether nothing at all may be sent, not even what was taken: emission control, a transmit window that is closed, a link that only receives.
	Silent() bool
	// Alternatives is after what time without a word of the peer another link will carry instead, so that a peer that owes confirmations is to be asked
	// earlier than that. 0: there is no other.
	Alternatives() time.Duration
	// Changed is closed when what the methods before tell has changed.
	Changed() <-chan struct{}
	// Report tells the state of the link, whenever it changes.
	Report(Report)
	// Confirmed tells that the link worked at a time: the peer was heard on it then, or is known to have taken what was sent on it then.
	Confirmed(at time.Time)
}

// Report is the state of a link to a peer, as a Way is told it.
type Report struct {
	State plan.Condition
	Fault string        // why it is not up, in words
	Until time.Time     // when it is tried again; zero: not known
	RTT   time.Duration // 0: not measured
}

// Alone is the Way of a link that is the only one.
type Alone struct{}

var _ Way = Alone{}

// May implements Way: everything.
func (Alone) May() plan.Load { return plan.Everything() }

// Wanted implements Way.
func (Alone) Wanted() bool { return false }

// Express implements Way.
func (Alone) Express() plan.Load { return plan.Everything() }

// Silent implements Way.
func (Alone) Silent() bool { return false }

// Alternatives implements Way.
func (Alone) Alternatives() time.Duration { return 0 }

// Changed implements Way.
func (Alone) Changed() <-chan struct{} { return nil }

// Report implements Way.
func (Alone) Report(Report) {}

// Confirmed implements Way.
func (Alone) Confirmed(time.Time) {}
