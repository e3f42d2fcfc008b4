package s5066

import (
	"context"
	"encoding/hex"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"longwire/links"
	"longwire/links/codec"
	"longwire/links/codecs"
	"longwire/links/s5066/frame"
)

// A dialect is how stanzas are coded between us and one peer, in both lanes: each end says with its name what it can read, and each codes by the best method
// that the other has too. It is guarded by the desk's turn.
//
//	ours    mix with the provision -> mix without -> light -> raw        theirs    as told with the peer's name
//	          first of ours that is among theirs: what we code by
//
// What the peer reads is not kept on flash. While nothing is known it is taken to read what we do: if it does not, it answers the first frame with what
// it has, and that is the only transmission that a difference costs. A peer whose tables have become ours tells so with its next frame, as its name goes with
// it again, and we go back.
type dialect struct {
	ours   []codecs.Method // the best first; raw is not among them
	theirs []codecs.Codec  // what the peer said it reads,
	told   bool            // if it has,
	all    bool            // and these are all; else others may be

	failed map[codecs.Codec]int // frames that begin a run and could not be read, in a row
	shown  CodecStatus
}

// CodecStatus tells how stanzas are coded on a link with the mapping longwire.
type CodecStatus struct {
	Out   string    // by what we code: "mix 1a2b3c4d"
	In    string    // by what the peer codes; empty: not known
	Best  string    // by what we would
	Fault string    // why that is not possible; empty: it is, as far as is known
	Since time.Time // of the fault
}

// mostFailed is how many frames in a row, of those that need no history, may be unreadable before it is the codec that is blamed: a model that computes otherwise
// here than there fails always, damage on the way does not.
const mostFailed = 3

// offer makes ours anew, as after a start or a change of the configuration. False: nothing is new.
func (d *dialect) offer(ours []codecs.Method) bool {
	if slices.EqualFunc(d.ours, ours, func(a, b codecs.Method) bool { return a.Codec == b.Codec }) {
		return false
	}
	d.ours, d.failed = ours, map[codecs.Codec]int{}
	return true
}

// best is what we code by.
func (d *dialect) best() codecs.Method {
	for i, m := range d.ours {
		if d.reads(i, m.Codec) {
			return m
		}
	}
	return codecs.Method{}
}

// reads tells whether the peer can read c, the i-th of ours.
func (d *dialect) reads(i int, c codecs.Codec) bool {
	if !d.told || slices.Contains(d.theirs, c) {
		return true
	}
	// What it would like best it has told, and it is another.
	return !d.all && i > 0
}

// reading is what we can read beside uses, as it goes with our name: all of it if no stanza does, else only what we like best.
func (d *dialect) reading(uses codecs.Codec, data bool) (r [4]codecs.Codec) {
	n := 0
	for _, m := range d.ours {
		if m.Codec != uses && n < len(r) {
			r[n] = m.Codec
			n++
		}
		if data {
			break
		}
	}
	return r
}

// hear takes in what the peer says it reads.
func (d *dialect) hear(h frame.Header) {
	reads := slices.DeleteFunc(append(h.Reads[:], h.Uses), func(c codecs.Codec) bool { return c.Kind == codecs.Raw })
	if h.Data != frame.None && d.told && len(reads) > 0 && len(d.theirs) > 0 && reads[0] == d.theirs[0] {
		return // it still likes the same best
	}
	d.theirs, d.told, d.all = reads, true, h.Data == frame.None || len(reads) == 0
}

// unread notes that a frame which needs no history could not be read, and whether that was once too often.
func (d *dialect) unread(c codecs.Codec) bool {
	if c.Kind == codecs.Raw || !slices.ContainsFunc(d.ours, func(m codecs.Method) bool { return m.Codec == c }) {
		return false
	}
	if d.failed == nil {
		d.failed = map[codecs.Codec]int{}
	}
	d.failed[c]++
	if d.failed[c] < mostFailed {
		return false
	}
	d.ours = slices.DeleteFunc(slices.Clone(d.ours), func(m codecs.Method) bool { return m.Codec == c })
	return true
}

// codecName is what people read.
func codecName(c codecs.Codec) string {
	switch c.Kind {
	case codecs.Raw:
		return "none"
	case codecs.Light:
		return "light " + hex.EncodeToString(c.ID[:])
	case codecs.Mix:
		return "mix " + hex.EncodeToString(c.ID[:])
	}
	return fmt.Sprintf("method %d %s", c.Kind, hex.EncodeToString(c.ID[:]))
}

func codecNames(all []codecs.Codec) string {
	if len(all) == 0 {
		return "none"
	}
	names := make([]string, len(all))
	for i, c := range all {
		names[i] = codecName(c)
	}
	return strings.Join(names, ", ")
}

// methods are ours for a peer, by the configuration.
func methods(l Config, p PeerConfig) []codecs.Method {
	if !l.Compress {
		return nil
	}
	if p.Methods == nil {
		m, _ := codecs.For(codecs.Mix, codec.Provision{}) // nothing can be too long
		return m
	}
	return p.Methods
}

// untoldWords is how many frames that nobody confirms take our name along when what we read has changed.
const untoldWords = 2

// retune makes the methods those of a configuration. The caller holds turn, or nobody else knows of l yet.
func (l *lanes) retune(ours []codecs.Method) {
	if !l.dialect.offer(ours) {
		return
	}
	for _, w := range []*longwire{l.ordinary, l.express} {
		w.into.dec.Methods = ours
		w.out.untold = untoldWords
		w.wake()
	}
	l.show(time.Now())
}

// retune makes the methods of all peers those of c, which is the same otherwise.
func (b *bind) retune(c Config) {
	for _, p := range b.ports {
		l, ok := p.m.(*lanes)
		i := slices.IndexFunc(c.Peers, func(pc PeerConfig) bool { return pc.Peer == p.c.Peer })
		if !ok || i < 0 {
			continue
		}
		p.desk.Turn.Lock()
		l.retune(methods(c, c.Peers[i]))
		p.desk.Turn.Unlock()
	}
}

// hear takes in what the peer says with its name. The caller holds turn.
func (l *lanes) hear(h frame.Header) {
	d := &l.dialect
	d.hear(h)
	if h.Data != frame.None {
		d.shown.In = codecName(h.Uses)
		delete(d.failed, h.Uses)
	}
	l.show(time.Now())
}

// unread notes that a frame of the peer, which needs no history, could not be read. The caller holds turn.
func (l *lanes) unread(c codecs.Codec) {
	if !l.dialect.unread(c) {
		return
	}
	l.p.log.Error("what the peer codes by our own codec comes out wrong again and again: it is not used until the next start, or a change of the configuration", "codec", codecName(c))
	for _, w := range []*longwire{l.ordinary, l.express} {
		w.into.dec.Methods = l.dialect.ours
	}
	l.show(time.Now())
}

// show makes visible how stanzas are coded, and tells of it when that has become worse or better. The caller holds turn.
func (l *lanes) show(now time.Time) {
	d := &l.dialect
	s := CodecStatus{Out: codecName(d.best().Codec), In: d.shown.In, Best: "none", Since: d.shown.Since}
	if len(d.ours) > 0 {
		s.Best = codecName(d.ours[0].Codec)
	}
	if s.Out != s.Best {
		s.Fault = fmt.Sprintf("the peer cannot read %s, but %s: %s", s.Best, codecNames(d.theirs), codecs.Remedy)
	} else if d.told && len(d.theirs) > 0 && !slices.ContainsFunc(d.ours, func(m codecs.Method) bool { return m.Codec == d.theirs[0] }) {
		s.Fault = fmt.Sprintf("the peer would code by %s, which is not here: %s", codecName(d.theirs[0]), codecs.Remedy)
	}
	if s.Fault == "" {
		s.Since = time.Time{}
	} else if d.shown.Fault == "" {
		s.Since = now
	}
	was := d.shown
	d.shown = s
	l.mu.Lock()
	l.codec = s
	l.mu.Unlock()
	switch {
	case s.Fault != was.Fault && s.Fault != "":
		l.p.log.Warn("stanzas take more of the air than they need: codec fallen back", "by", s.Out, "instead of", s.Best, "why", s.Fault)
		l.p.event(links.Event{Kind: links.EventCodec, Reason: s.Out + ": " + s.Fault})
	case s.Fault == "" && (was.Fault != "" || was.Out != s.Out):
		level := slog.LevelInfo
		if was.Out == "" {
			level = slog.LevelDebug
		}
		l.p.log.Log(context.Background(), level, "stanzas are coded by the best method of both sides", "by", s.Out)
		if was.Fault != "" {
			l.p.event(links.Event{Kind: links.EventCodec, Reason: s.Out})
		}
	}
}

// idleExpress is how long the express lane may be still before what it codes by is given up; a stream of few stanzas has it again at once.
const idleExpress = 10 * time.Minute

// relax gives up the models of an express lane that is still. The caller holds turn.
func (w *longwire) relax(now time.Time) {
	if !w.fast || len(w.out.items) > 0 || now.Sub(w.used) < idleExpress {
		return
	}
	w.out.enc.Rest()
	w.into.dec.Rest()
}
