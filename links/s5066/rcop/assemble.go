package rcop

import (
	"bytes"
	"errors"
	"fmt"
	"hash/maphash"
	"time"

	"longwire/xmpp/stanza"
	"longwire/xmpp/stream"
)

// Limits bound what is kept of PDUs that are not complete. Zero fields mean the default.
type Limits struct {
	Stanza   int           // bytes of one stanza; 68 KiB
	Partials int           // of one source; 4
	All      int           // of all sources; 64
	Bytes    int           // of all; 1 MiB
	Age      time.Duration // since the latest segment; 30 min
}

func (l Limits) orDefault() Limits {
	set := func(n *int, v int) {
		if *n <= 0 {
			*n = v
		}
	}
	set(&l.Stanza, 68<<10)
	set(&l.Partials, 4)
	set(&l.All, 64)
	set(&l.Bytes, 1<<20)
	if l.Age <= 0 {
		l.Age = 30 * time.Minute // from one segment to the next: no longer than a U_PDU waits for the air by default
	}
	return l
}

var (
	// ErrStanza means that the PDU does not hold one stanza and nothing else. It wraps what the parser says.
	ErrStanza = errors.New("rcop: PDU is not one stanza")
	// ErrDropped means that fragments were thrown away to make room for others, or because the PDU is too long.
	ErrDropped = errors.New("rcop: fragments dropped")
)

// A Source is who sends a PDU: S5066 F, the address and SAP that it comes from, and the connection.
type Source struct {
	Address    string // any form that tells addresses apart
	SAP        uint8
	Connection uint8
}

// A PDU is one that is complete.
type PDU struct {
	Header Header // of its first segment
	Text   []byte
	Stanza *stanza.Stanza
}

// An Assembler puts segments together. RCOP has no sign of the last segment: a PDU ends where the XML of its stanza does, which is where
// the parser says. Segments may come twice, and in any order. Fragments that never become whole go when they are old or when others
// need the room. One goroutine uses it.
type Assembler struct {
	l     Limits
	open  []*partial // oldest first
	bytes int
	done  []finished // the latest
	seed  maphash.Seed
}

// A partial is a PDU that is not whole.
type partial struct {
	source Source
	first  Header
	latest time.Time
	in     map[uint16][]byte
	bytes  int

	next int // segment that the parser waits for
	feed feed
	read *stream.Reader
}

// finished remembers a PDU of several segments, as a late copy of one of them must not be taken for a fragment of another PDU.
type finished struct {
	source Source
	id     uint8
	sums   []uint64
}

const mostFinished = 16

// overhead is what a segment takes beside its bytes.
const overhead = 64

// NewAssembler makes an empty one.
func NewAssembler(l Limits) *Assembler { return &Assembler{l: l.orDefault(), seed: maphash.MakeSeed()} }

// Pending is how many PDUs are not complete, and the bytes of them.
func (a *Assembler) Pending() (pdus, bytes int) { return len(a.open), a.bytes }

// Add takes a segment. It returns a PDU when that is whole. An error tells of something that was thrown away; wraps ErrStanza or ErrDropped.
func (a *Assembler) Add(now time.Time, s Source, h Header, data []byte) (*PDU, error) {
	dropped := a.expire(now)
	sum := maphash.Bytes(a.seed, data)
	if a.late(s, h, sum) {
		return nil, dropped
	}
	p := a.find(s, h)
	if p != nil {
		if old, ok := p.in[h.Segment]; ok {
			if bytes.Equal(old, data) {
				return nil, dropped // a copy
			}
			// The id came round again: what is there will never be whole.
			a.drop(p)
			dropped = errors.Join(dropped, fmt.Errorf("%w: id %d is used anew", ErrDropped, h.ID))
			p = nil
		}
	}
	if p == nil {
		p = &partial{source: s, first: h, in: map[uint16][]byte{}}
		p.read = stream.NewReader(&p.feed, stream.Options{NS: stream.NSServer, HeaderLess: true, MaxBytes: a.l.Stanza})
		a.open = append(a.open, p)
	}
	p.latest = now
	p.in[h.Segment] = bytes.Clone(data)
	p.bytes += len(data)
	a.bytes += len(data) + overhead
	pdu, err := a.advance(p)
	if err != nil {
		a.drop(p)
		return nil, errors.Join(dropped, err)
	}
	if pdu != nil {
		a.finish(p)
		a.drop(p)
	} else {
		dropped = errors.Join(dropped, a.shrink(s, p))
	}
	return pdu, dropped
}

// advance gives the parser what is there in order.
func (a *Assembler) advance(p *partial) (*PDU, error) {
	if p.bytes > a.l.Stanza {
		return nil, fmt.Errorf("%w: more than %d bytes", ErrDropped, a.l.Stanza)
	}
	var ev stream.Event
	for err := errMore; err == errMore; {
		data, ok := p.in[uint16(p.next)]
		if !ok || p.next > 0xFFFF {
			return nil, nil
		}
		p.feed.b = append(p.feed.b, data...)
		p.next++
		if ev, err = p.read.Next(); err != nil && err != errMore {
			return nil, fmt.Errorf("%w: %w", ErrStanza, err)
		}
	}
	if ev.Kind != stream.Stanza {
		return nil, fmt.Errorf("%w: another element", ErrStanza)
	}
	// XEP-0365 (v0.2.1) §4: one stanza, and nothing behind it. Choice: blanks are nothing. Segments behind the last are what is left of a try that
	// was cut otherwise, by a sender that has forgotten it: they may not cost the stanza.
	if _, err := p.read.Next(); err != errMore || p.read.Buffered() > 0 {
		return nil, fmt.Errorf("%w: something behind it", ErrStanza)
	}
	text := make([]byte, 0, p.bytes)
	for n := range p.next {
		text = append(text, p.in[uint16(n)]...)
	}
	return &PDU{Header: p.first, Text: text, Stanza: ev.Stanza}, nil
}

func (a *Assembler) find(s Source, h Header) *partial {
	for _, p := range a.open {
		if p.source == s && p.first.ID == h.ID && p.first.Application == h.Application {
			return p
		}
	}
	return nil
}

func (a *Assembler) late(s Source, h Header, sum uint64) bool {
	for _, f := range a.done {
		if f.source == s && f.id == h.ID && int(h.Segment) < len(f.sums) && f.sums[h.Segment] == sum {
			return true
		}
	}
	return false
}

func (a *Assembler) finish(p *partial) {
	if p.next < 2 {
		return // one segment is a whole PDU, whenever it comes
	}
	f := finished{source: p.source, id: p.first.ID}
	for n := range p.next {
		f.sums = append(f.sums, maphash.Bytes(a.seed, p.in[uint16(n)]))
	}
	if len(a.done) >= mostFinished {
		a.done = append(a.done[:0], a.done[1:]...)
	}
	a.done = append(a.done, f)
}

func (a *Assembler) drop(p *partial) {
	for i, o := range a.open {
		if o == p {
			a.open = append(a.open[:i], a.open[i+1:]...)
			a.bytes -= p.bytes + overhead*len(p.in)
			return
		}
	}
}

// expire drops what is too old.
func (a *Assembler) expire(now time.Time) error {
	var err error
	for i := 0; i < len(a.open); {
		p := a.open[i]
		if now.Sub(p.latest) <= a.l.Age {
			i++
			continue
		}
		err = errors.Join(err, fmt.Errorf("%w: id %d never came to its end", ErrDropped, p.first.ID))
		a.drop(p)
	}
	return err
}

// shrink makes room, so that there is none over the limits: first from those of the source s, but not from keep.
func (a *Assembler) shrink(s Source, keep *partial) error {
	var err error
	for {
		mine := 0
		var oldest, own *partial
		for _, p := range a.open {
			if p == keep {
				continue
			}
			if oldest == nil || p.latest.Before(oldest.latest) {
				oldest = p
			}
			if p.source == s {
				mine++
				if own == nil || p.latest.Before(own.latest) {
					own = p
				}
			}
		}
		over := len(a.open) > a.l.All || a.bytes > a.l.Bytes
		switch {
		case mine+1 > a.l.Partials, over && own != nil:
			a.drop(own)
		case over && oldest != nil:
			a.drop(oldest)
		case a.bytes > a.l.Bytes:
			a.drop(keep)
		default:
			return err
		}
		err = errors.Join(err, fmt.Errorf("%w: too many are not whole", ErrDropped))
	}
}

// A feed is what the parser reads from: after what is there it says that more may come.
type feed struct{ b []byte }

var errMore = errors.New("rcop: more may come")

func (f *feed) Read(p []byte) (int, error) {
	if len(f.b) == 0 {
		return 0, errMore
	}
	n := copy(p, f.b)
	f.b = f.b[n:]
	return n, nil
}
