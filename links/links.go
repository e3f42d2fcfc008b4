// Package links carries what waits for a peer to it, and what the peer sends in, over any kind of link.
//
// A kind of link is something that makes Sessions; the Pump is the same for all. The Pump keeps custody: it numbers what
// it sends and notes what it took, both on flash, so that nothing is lost or doubled by any cut or crash. The Session
// says the same things in its link's own words: nonzas of XEP-0198 on an XML stream, headers and confirmations where a
// link frames and confirms by itself.
package links

import (
	"context"
	"errors"
	"fmt"
	"time"

	"longwire/store"
	"longwire/xmpp/stanza"
)

// A Link is one way to a peer. Open and Accept may be called at the same time, each by one goroutine.
type Link interface {
	// Open makes a contact; it returns when the far node can hear us.
	Open(ctx context.Context) (Session, error)
	// Accept waits for the peer to make one. A link that does not listen waits until ctx is done.
	Accept(ctx context.Context) (Session, error)
	fmt.Stringer
}

// A Session is one contact. One goroutine sends, one receives; Close may be called by any, and unblocks both.
type Session interface {
	// Send puts a batch on the link in one go, and waits while the link is full. The batch and its bytes are the Session's until it
	// returns.
	Send(batch []Piece) (Cost, error)
	// Recv waits for the next piece. Errors: *stream.Error when the peer broke a rule (Close tells it), *RemoteError when it said so of
	// us, io.EOF when it closed.
	Recv() (Piece, error)
	// Limits are what Send takes at once.
	Limits() Limits
	// Close ends the contact at once. A *stream.Error is told to the peer first, if that needs no waiting.
	Close(why error)
	// String is the peer's address.
	fmt.Stringer
}

// A Drainer is a Session that knows how much of what Send took the peer's transport has not confirmed. Where the peer has no stream
// management, that is the best there is.
type Drainer interface {
	Pending() (bytes int, known bool)
}

// A Husher is a Session whose transport sends by itself, as to see whether the peer is there, and can leave that.
type Husher interface{ Hush(on bool) }

// Limits of one Send.
type Limits struct {
	Stanzas int // at most so many
	Bytes   int // and about so many bytes of them
}

// Cost is what a Send took: bytes before compression, after it, and with the link's framing.
type Cost struct{ Raw, Compressed, Wire int }

// Kind tells what a Piece is.
type Kind uint8

// What crosses a link. But for stanzas these are the words of XEP-0198 §3 to §5; a link with frames of its own says the same in headers.
const (
	Stanza  Kind = iota + 1
	Enable       // the sender's stream begins: its next stanza is number 1. ID names the stream between Longwire nodes
	Enabled      // the answer: ID names the answerer's stream, Seq its next number when that is not 1
	Resume       // ID is the peer's stream, taken up to H; Seq is the sender's next number, without it the sender waits
	Resumed      // the answer: H as above, and Seq
	Failed       // the answer when ID is not known, or numbers are missing
	Ack          // stanzas up to H are taken
	Request      // asks for Ack
	Bye          // nothing follows
)

// A Piece is one thing that crosses a link.
type Piece struct {
	Kind    Kind
	ID      string
	H, Seq  uint32
	HasH    bool
	HasSeq  bool
	Resumes bool          // Enable, Enabled: the stream outlives the contact
	Max     time.Duration // Enabled: for so long
	Cause   string        // Failed: a condition of RFC 6120 §8.3.3

	Data   []byte         // Stanza that is sent: serialised
	Stanza *stanza.Stanza // Stanza that was received
	Raw    int            // bytes of what was received, before compression,
	Wire   int            // and on the wire, since the piece before
}

// Inbound takes a stanza of the peer into the node. It is called for one after the other, in order, and does not wait for
// the flash. It commits mark together with what the stanza causes, and calls done after the commit, in the same order. A
// *Violation means that the stanza was dropped, yet committed as taken; any other error that it was not, and the peer must send it again.
//
// At most 256 stanzas of a peer are between call and done.
type Inbound func(peer string, s *stanza.Stanza, mark func(*store.Tx) error, done func(error))

// A Violation is a stanza that the peer may not send. The link closes with the condition when there are many.
type Violation struct{ Condition string }

func (v *Violation) Error() string { return "links: peer broke the rules: " + v.Condition }

// A RemoteError is a stream error that the peer sent.
type RemoteError struct{ Condition, Text string }

func (e *RemoteError) Error() string {
	if e.Text == "" {
		return "links: peer closed with " + e.Condition
	}
	return "links: peer closed with " + e.Condition + ": " + e.Text
}

// Management is how the ends of a link tell each other what they took.
type Management uint8

const (
	// Pipelined: whoever has something to send begins with Enable or Resume; between Longwire nodes (ZeroRTT) stanzas follow at once.
	Pipelined Management = iota
	// Implicit: both counts start at 0 with the contact; only Request and Ack are said, and nothing is resumed.
	Implicit
	// Off: nothing is said. A stanza counts as delivered when the transport has it.
	Off
)

// Config is how a Pump drives its link. Zero fields mean the default.
type Config struct {
	Link, Peer string // names

	Management Management
	ZeroRTT    bool // the peer is a Longwire node: resume without waiting

	Dial bool // open contacts, not only accept them

	AckEvery   int           // stanzas; 8
	AckIdle    time.Duration // 60 s
	AckTimeout time.Duration // 120 s; three round trips if that is more
	ResumeMax  time.Duration // 24 h; between Longwire nodes there is no end
	IdleClose  time.Duration // 0: keep the contact
	BackoffMin time.Duration // 5 s
	BackoffMax time.Duration // 300 s

	Rate int // bit/s of the link, for what things cost; 0: not known

	// LocalDomain and PeerDomain are the ends of what fills the place of a cancelled stanza.
	LocalDomain, PeerDomain string
}

func (c Config) orDefault() Config {
	set := func(d *time.Duration, v time.Duration) {
		if *d <= 0 {
			*d = v
		}
	}
	if c.AckEvery <= 0 {
		c.AckEvery = 8
	}
	set(&c.AckIdle, 60*time.Second)
	set(&c.AckTimeout, 120*time.Second)
	set(&c.ResumeMax, 24*time.Hour)
	set(&c.BackoffMin, 5*time.Second)
	set(&c.BackoffMax, 300*time.Second)
	c.BackoffMax = max(c.BackoffMax, c.BackoffMin)
	return c
}

// Why a contact ended, beside errors of the session.
var (
	errBye     = errors.New("links: peer said goodbye")
	errIdle    = errors.New("links: nothing to carry")
	errStopped = errors.New("links: stopped")
	errSilent  = errors.New("links: peer does not answer")
)
