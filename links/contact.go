package links

import (
	"sync"
	"sync/atomic"
	"time"

	"longwire/links/custody"
	"longwire/store"
)

// speech is how far our stream is on a contact.
type speech uint8

const (
	silent    speech = iota // not announced
	announced               // Enable or Resume said, and stanzas may follow
	waiting                 // Resume said; nothing may follow before the answer
	answered                // the peer has answered, or we answered it
)

// A contact is one Session and what was said on it.
//
// The pump's turn is held to change what stands under it: by the sender while it makes a batch, by the receiver for every word but stanzas
// and requests. mu guards the rest and is never held while waiting.
type contact struct {
	p      *Pump
	s      Session
	book   *custody.Book
	opened bool // we opened it
	since  time.Time
	kick   chan struct{} // wakes the sender; room for one
	over   chan struct{} // closed when the contact has failed
	spoken atomic.Bool   // the peer was heard

	plainFlight chan struct{} // one token for each stanza between Inbound and commit that has no number

	// Under the pump's turn.
	out     speech
	said    Kind          // Enable or Resume: the announcement that is not answered,
	saidH   uint32        // and the mark it told
	again   []store.Entry // what is to be sent again, in order
	repeats int           // so many of the batch at hand were sent before
	plain   bool          // no stream management with this peer

	spokeBefore bool    // our stream was announced here before another contact or link carried it
	answers     []Piece // words that wait to be sent

	mu       sync.Mutex
	err      error  // why it is over
	outID    string // our numbering, as announced here
	heard    time.Time
	lastOut  time.Time // last stanza sent
	lastAny  time.Time // last stanza either way
	in       bool      // the peer's stream is announced here, inPos is its last number
	inPos    uint32
	epoch    int  // of the book, when it was
	ignore   bool // after Failed: stanzas are not counted, as the peer sends them again
	owed     int  // taken, or discarded as known, since we last told
	owedAt   time.Time
	urgent   bool      // the answers must not wait
	question bool      // the peer asked for an ack
	saidAt   time.Time // when the announcement was sent
	asked    time.Time // when the Request that is not answered was sent; zero: none
	lastAsk  time.Time
	askedSeq uint32 // number of the last stanza before it
	unasked  int    // stanzas sent since the last Request
	flight   []inFlight
	size     int // bytes of them
	leaving  bool
	goodbye  bool // the peer said Bye
	misdeeds int
	quiet    bool // nothing may be sent on the link, when the clock was looked at last
	waits    bool // another link has to yield first
}

// inFlight is a stanza that was sent here and not confirmed.
type inFlight struct {
	seq  uint32
	size int
	at   time.Time
}

// wake makes the sender look at the contact.
func (k *contact) wake() {
	select {
	case k.kick <- struct{}{}:
	default:
	}
}

// fail ends the contact; the first reason counts. It does not wait.
func (k *contact) fail(err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.err == nil {
		if err == nil {
			err = errStopped
		}
		k.err = err
		close(k.over)
	}
}

// cause is why the contact is over.
func (k *contact) cause() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.err
}

// landed takes what the peer confirmed off the flight.
func (k *contact) landed(h uint32) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for len(k.flight) > 0 && int32(k.flight[0].seq-h) <= 0 {
		k.size -= k.flight[0].size
		k.flight = k.flight[1:]
	}
	if len(k.flight) == 0 {
		k.flight = nil
	}
}

// What may be under way, sent and not confirmed. More would only lie in the buffers of the path, where it can neither be overtaken nor
// replaced, and would have to be sent again after a cut.
const (
	windowStanzas = 256
	windowBytes   = 64 << 10
)

// full tells whether the window is.
func (k *contact) full() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return len(k.flight) >= windowStanzas || k.size >= windowBytes
}

func (k *contact) peerSaidBye() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.goodbye
}

// parted tells whether either side has said Bye.
func (k *contact) parted() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.goodbye || k.leaving
}
