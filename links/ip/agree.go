package ip

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"syscall"
	"time"

	"longwire/links"
	"longwire/links/codecs"
	"longwire/links/ip/block"
	"longwire/xmpp/markup"
	"longwire/xmpp/stream"
)

// An Agreement is how the connections of one link write: in blocks of the best codec that both ends have, or as XML. There is nothing to negotiate:
// each side begins as the configuration says, and reads whatever it can. Only what cannot be read ends a connection, and the next begins with what can.
//
//	ours: mix with the provision -> mix without -> light -> XML, as the link's compression has it
//
// What is known of the peer is what its last preface said. It is not kept on flash, and not for long: a side whose configuration was mended begins
// with the best, and the other, which hears that, goes back to it.
type Agreement struct {
	ours []codecs.Method // the best first; none: XML only
	tell func(CodecStatus)
	idle []sync.Pool // models that no connection uses, by method

	mu     sync.Mutex
	theirs *block.Preface
	barred []time.Time // the peer did not understand what it said it would: not used before
	bare   time.Time   // the peer knows no blocks: XML before
	mute   int         // connections in a row that ended after our first words without a word
	in     string
	status CodecStatus
}

// NoCodec is the name of XML in a CodecStatus.
const NoCodec = "none"

// CodecStatus tells how stanzas are coded on a link.
type CodecStatus struct {
	Out   string    // how we write, from the next connection on at the latest: "mix 1a2b3c4d", or NoCodec
	In    string    // how the peer writes; empty: not known
	Best  string    // how we would
	Fault string    // why that is not possible; empty: it is, as far as is known
	Since time.Time // of the fault
}

// voice is how one direction of a connection is written.
type voice int

const (
	undecided voice = iota // nothing was written
	bare                   // XML
	coded                  // coded + i: blocks, by the i-th method
)

// A dialogue is how both sides of one connection write. It is under the Agreement's mutex.
type dialogue struct {
	out, in voice // in is undecided, bare or coded
	counted bool  // as one that ended without a word
}

// again is how long the best is not tried again with a peer that did not understand it and gives no sign that it would now. Each try costs a connection.
const again = time.Hour

// muteMost is how many connections in a row the peer may close after our first words without one of its own, before it is taken for one that knows no
// blocks and is too old to say so. An outage does not look like that often.
const muteMost = 3

// nsCodec is the namespace of what is said in stream errors about blocks.
const nsCodec = "urn:x-longwire:codec:0"

// notRead is what is told to a peer of whose blocks something cannot be read.
func notRead(what string) *stream.Error {
	return &stream.Error{Condition: stream.UndefinedCondition, Text: what, App: []byte("<unreadable xmlns='" + nsCodec + "'/>")}
}

// blamesCodec tells whether a stream error is notRead of the peer.
func blamesCodec(e *markup.Element) bool {
	for _, c := range e.Children {
		if c.Name.Space == nsCodec {
			return true
		}
	}
	return false
}

// errDeaf means that the peer will not be able to read what it was sent.
var errDeaf = errors.New("links/ip: the peer has another codec")

// NewAgreement makes the Agreement of a link. tell, which may be nil, is called when CodecStatus.Fault changes.
func NewAgreement(ours []codecs.Method, tell func(CodecStatus)) *Agreement {
	if tell == nil {
		tell = func(CodecStatus) {}
	}
	a := &Agreement{ours: ours, tell: tell, idle: make([]sync.Pool, len(ours)), barred: make([]time.Time, len(ours))}
	a.mu.Lock()
	a.unlock()
	return a
}

// Status tells how stanzas are coded.
func (a *Agreement) Status() CodecStatus {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.status
}

// model is one for a connection; done takes it back.
func (a *Agreement) model(i int) codecs.Model {
	if m, ok := a.idle[i].Get().(codecs.Model); ok {
		return m
	}
	return a.ours[i].New()
}

func (a *Agreement) done(i int, m codecs.Model) { a.idle[i].Put(m) }

// decide settles how a connection is written, when the first is.
func (a *Agreement) decide(d *dialogue) voice {
	a.mu.Lock()
	defer a.mu.Unlock()
	if d.out == undecided {
		d.out = a.bestLocked()
	}
	return d.out
}

// bestLocked is how we write as well as the peer can read, as far as is known.
func (a *Agreement) bestLocked() voice {
	now := time.Now()
	if now.Before(a.bare) {
		return bare
	}
	for i, m := range a.ours {
		if now.After(a.barred[i]) && (a.theirs == nil || a.theirs.Reads(m.Codec)) {
			return coded + voice(i)
		}
	}
	return bare
}

// preface is what goes before our blocks by the i-th method.
func (a *Agreement) preface(i int) block.Preface {
	p := block.Preface{Codec: a.ours[i].Codec}
	for j, m := range a.ours {
		if j != i {
			p.Also = append(p.Also, [2]byte(m.ID[:2]))
		}
	}
	return p
}

// heard takes in the peer's preface on a connection, and tells which method of ours reads what is behind it. An error ends the connection.
func (a *Agreement) heard(p block.Preface, d *dialogue) (method int, err error) {
	a.mu.Lock()
	defer a.unlock()
	d.in = coded
	a.theirs, a.bare, a.mute, a.in = &p, time.Time{}, 0, name(p.Codec)
	method = -1
	for i, m := range a.ours {
		if m.Codec == p.Codec {
			method = i
		}
	}
	best := a.bestLocked()
	switch {
	case len(a.ours) == 0:
		return method, notRead("codec is none here")
	case method < 0:
		return method, notRead(name(p.Codec) + " is not known here")
	case d.out >= coded && !p.Reads(a.ours[d.out-coded].Codec):
		return method, errDeaf
	case d.out == bare && best != bare, d.out > best && best >= coded:
		// RFC 6120 §4.9.3.16: there is something better to offer than when the stream began.
		return method, &stream.Error{Condition: "reset", Text: "for a better codec"}
	}
	return method, nil
}

// heardXML notes that the peer does not write blocks.
func (a *Agreement) heardXML(d *dialogue) {
	a.mu.Lock()
	defer a.unlock()
	d.in = bare
	a.mute, a.in = 0, NoCodec
	if len(a.ours) == 0 {
		a.theirs = nil
	}
}

// ended takes in how a connection ended. blamed: the peer's last words were that it could not read our blocks. It may be called for both ways of a connection.
func (a *Agreement) ended(d *dialogue, err error, blamed bool) {
	a.mu.Lock()
	defer a.unlock()
	if d.out < coded {
		return
	}
	i := d.out - coded
	var told *links.RemoteError
	lost := errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
	switch {
	case blamed && d.in >= coded:
		if a.theirs != nil && a.theirs.Reads(a.ours[i].Codec) {
			a.barred[i] = time.Now().Add(again) // it has the codec, and yet: one of the two computes wrong
		}
	case d.in == undecided && lost && !d.counted:
		d.counted = true
		if a.mute++; a.mute >= muteMost {
			a.bareLocked()
		}
	case d.in == bare && (lost || errors.As(err, &told) && !passing[told.Condition]):
		a.bareLocked()
	}
}

// passing are the stream errors of a peer that have nothing to do with how it was written to.
var passing = map[string]bool{"reset": true, "conflict": true, "system-shutdown": true, "connection-timeout": true, "internal-server-error": true,
	"resource-constraint": true}

// bareLocked notes that the peer knows no blocks.
func (a *Agreement) bareLocked() {
	a.theirs, a.bare, a.mute = nil, time.Now().Add(again), 0
}

// heardNew notes a peer whose blocks are of a later version: it reads our XML.
func (a *Agreement) heardNew() {
	a.mu.Lock()
	defer a.unlock()
	a.in = "a later version"
	a.bareLocked()
}

// unlock makes visible how stanzas are coded, lets mu go, and tells when it has become worse, or better again.
func (a *Agreement) unlock() {
	best := a.bestLocked()
	s := CodecStatus{Out: a.nameLocked(best), In: a.in, Best: a.nameLocked(undecided), Since: a.status.Since}
	switch {
	case len(a.ours) == 0 && a.theirs != nil:
		s.Fault = fmt.Sprintf("codec is none here, and the peer has %s", name(a.theirs.Codec))
	case len(a.ours) == 0 || best == coded:
	case a.theirs != nil && a.theirs.Reads(a.ours[0].Codec):
		s.Fault = fmt.Sprintf("the peer could not read %s, which it says it has: report it, with the versions of both sides", s.Best)
	case a.theirs != nil:
		s.Fault = fmt.Sprintf("the peer has not %s, but %s: %s", s.Best, name(a.theirs.Codec), codecs.Remedy)
	default:
		s.Fault = fmt.Sprintf("the peer does not read %s: set its codec to the same on both sides, or to none here", s.Best)
	}
	if s.Fault == "" {
		s.Since = time.Time{}
	} else if a.status.Fault == "" {
		s.Since = time.Now()
	}
	was := a.status
	a.status = s
	a.mu.Unlock()
	if s.Fault != was.Fault {
		a.tell(s)
	}
}

// nameLocked is a voice in words; undecided is what we would like.
func (a *Agreement) nameLocked(v voice) string {
	switch {
	case v >= coded:
		return name(a.ours[v-coded].Codec)
	case v == undecided && len(a.ours) > 0:
		return name(a.ours[0].Codec)
	}
	return NoCodec
}

// name is what people read.
func name(c codecs.Codec) string {
	kind := "method"
	switch c.Kind {
	case codecs.Raw:
		return NoCodec
	case codecs.Light:
		kind = "light"
	case codecs.Mix:
		kind = "mix"
	}
	return kind + " " + hex.EncodeToString(c.ID[:])
}

// codecTeller is what tells of a Fault in the log and on the trace.
func codecTeller(log *slog.Logger, trace func(links.Event), link, peer string) func(CodecStatus) {
	return func(s CodecStatus) {
		reason := s.Out
		if s.Fault != "" {
			log.Warn("stanzas take more bytes than they need: codec fallen back", "by", s.Out, "instead of", s.Best, "why", s.Fault)
			reason += ": " + s.Fault
		} else {
			log.Info("stanzas are coded by the best method of both sides", "by", s.Best)
		}
		trace(links.Event{Kind: links.EventCodec, At: time.Now(), Link: link, Peer: peer, Reason: reason})
	}
}
