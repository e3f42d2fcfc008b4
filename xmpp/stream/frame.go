package stream

import (
	"bytes"
	"errors"
	"fmt"
	"sync"

	"longwire/xmpp/jid"
	"longwire/xmpp/markup"
	"longwire/xmpp/stanza"
)

// frame takes one element at the top of a stream to pieces while its bytes arrive. Offsets count from its '<'.
type frame struct {
	scan  *markup.Scanner
	ns    string // the content namespace; "" when it has no name
	first place
	st    *stanza.Stanza // nil: a nonza
	bad   *AddrError
	kids  []stanza.Child
	inner int              // where the children begin
	redo  bool             // something leans on a declaration outside it, or names the content namespace
	scope []markup.Binding // when redo: the declarations in force around the children; after a header: on the stream
}

// place tells whether the element may be, or must be, the start tag of the stream.
type place uint8

const (
	afterHeader place = iota
	mayBeHeader
	mustBeHeader
)

var frames = sync.Pool{New: func() any { return new(frame) }}

// newFrame gets ready for an element within scope. Frames are pooled, so that an idle stream holds none.
func newFrame(ns string, scope []markup.Binding, first place) *frame {
	f := frames.Get().(*frame)
	*f = frame{scan: markup.NewScanner(), ns: ns, first: first, kids: f.kids[:0], scope: f.scope[:0]}
	f.scan.Reset(ns, scope)
	if ns == NSClient {
		f.scan.NarrowNames()
	}
	return f
}

// free lets the element go.
func (f *frame) free() {
	f.scan.Free()
	if cap(f.kids) > 64 || cap(f.scope) > 64 {
		return
	}
	clear(f.kids)
	clear(f.scope)
	*f = frame{kids: f.kids[:0], scope: f.scope[:0]}
	frames.Put(f)
}

// next works on b, which begins with the element; n is its length once it is whole. Until then the error is
// markup.ErrMore.
func (f *frame) next(b []byte, final bool) (ev Event, n int, err error) {
	for {
		t, err := f.scan.Next(b, final)
		if err != nil {
			return Event{}, 0, err
		}
		depth := f.scan.Depth()
		if t.Kind != markup.EndTag {
			if t.Kind == markup.StartTag {
				depth--
			}
			switch depth {
			case 0:
				open, err := f.top(b, t)
				if open || err != nil {
					return Event{Kind: Open, Header: f.header(b)}, t.End, err
				}
			case 1:
				if err := f.child(t); err != nil {
					return Event{}, 0, err
				}
			}
		}
		if t.Kind == markup.StartTag {
			continue
		}
		switch f.scan.Depth() {
		case 0:
			ev, err = f.finish(b[:t.End], t)
			return ev, t.End, err
		case 1:
			f.closeChild(t)
		}
	}
}

// top reads the start tag of the element itself, and tells whether it opens the stream.
func (f *frame) top(b []byte, t markup.Token) (open bool, err error) {
	f.inner = t.End
	if t.Name.Space == NSStream && !bytes.HasPrefix(b, []byte("<stream:")) {
		return false, &Error{Condition: BadNamespacePrefix} // RFC 6120 §4.8.5
	}
	if f.first == mustBeHeader || t.Name == (markup.Name{Space: NSStream, Local: "stream"}) {
		return true, f.checkHeader(t)
	}
	kind, ok := kinds[t.Name]
	if !ok {
		f.redo = t.Name.Space == "" && t.Explicit
		return false, nil
	}
	f.st = &stanza.Stanza{Kind: kind}
	f.attributes(b, t)
	return false, nil
}

func (f *frame) attributes(b []byte, t markup.Token) {
	var tag string // the values are parts of it
	value := func(a markup.RawAttr) string {
		if !a.Plain() {
			return a.Value(b)
		}
		if tag == "" {
			tag = string(b[t.Start:t.End])
		}
		return tag[a.Start-t.Start : a.End-t.Start]
	}
	st := f.st
	for i := range f.scan.NumAttr() {
		a, ok := f.scan.Attr(b, i)
		if !ok {
			continue
		}
		switch a.Name {
		case markup.Name{Local: "to"}:
			st.To = f.address(value(a), false)
		case markup.Name{Local: "from"}:
			st.From = f.address(value(a), true)
		case markup.Name{Local: "id"}:
			st.ID = value(a)
		case markup.Name{Local: "type"}:
			st.Type = f.scan.Value(b, a)
		case markup.Name{Space: markup.NSXML, Local: "lang"}:
			st.Lang = f.scan.Value(b, a)
		default:
			st.Extra = append(st.Extra, markup.Attr{Name: a.Name, Value: value(a)})
		}
	}
}

var kinds = map[markup.Name]stanza.Kind{
	{Local: "message"}: stanza.Message, {Local: "presence"}: stanza.Presence, {Local: "iq"}: stanza.IQ,
}

func (f *frame) address(s string, from bool) jid.JID {
	j, err := jid.Parse(s)
	if err == nil {
		return j
	}
	if f.bad == nil {
		f.bad = new(AddrError)
	}
	if from {
		f.bad.From, f.bad.RawFrom = err, s
	} else {
		f.bad.To, f.bad.RawTo = err, s
	}
	return jid.JID{}
}

// maxChildren bounds the direct children of a stanza. An index entry is sixteen times as large as the smallest child,
// and lives as long as the stanza.
const maxChildren = 1024

// child notes where a direct child begins.
func (f *frame) child(t markup.Token) error {
	if f.st == nil {
		return nil
	}
	if len(f.kids) == maxChildren {
		return fmt.Errorf("more than %d children: %w", maxChildren, markup.ErrLimit)
	}
	if t.Name.Space == "" && t.Explicit {
		f.redo = true
	}
	f.kids = append(f.kids, stanza.Child{Name: t.Name, Start: t.Start - f.inner, TextStart: t.End - f.inner})
	return nil
}

func (f *frame) closeChild(t markup.Token) {
	if f.st == nil {
		return
	}
	k := &f.kids[len(f.kids)-1]
	k.End = t.End - f.inner
	k.TextEnd = t.Start - f.inner
	if t.Kind == markup.EmptyTag {
		k.TextEnd = k.TextStart
	}
	if !t.Alone {
		f.redo = true
	}
	if f.redo && len(f.scope) == 0 {
		f.scope = append(f.scope, f.scan.Scope()...)
	}
}

// finish makes the event of the whole element b, which the tag t ends.
func (f *frame) finish(b []byte, t markup.Token) (Event, error) {
	if f.st == nil {
		return f.nonza(b, t)
	}
	st := f.st
	if t.Kind == markup.EndTag && t.Start > f.inner {
		in := b[f.inner:t.Start]
		if f.redo {
			if err := f.rewrite(in); err != nil {
				return Event{}, err
			}
		} else {
			st.Inner = append(make([]byte, 0, len(in)), in...)
			st.Children = append(make([]stanza.Child, 0, len(f.kids)), f.kids...)
		}
	}
	return Event{Kind: Stanza, Stanza: st, AddrErr: f.bad}, nil
}

// rewrite is the slow way to Inner: children that lean on what is declared outside them.
func (f *frame) rewrite(in []byte) error {
	out := markup.Rewrite(nil, in, f.ns, f.scope)
	kids, err := markup.Index(out)
	if err != nil {
		return err
	}
	f.st.Inner = out[:len(out):len(out)]
	f.st.Children = make([]stanza.Child, len(kids))
	for i, k := range kids {
		f.st.Children[i] = stanza.Child(k)
	}
	return nil
}

func (f *frame) nonza(b []byte, t markup.Token) (Event, error) {
	var own []byte
	if f.redo || !t.Alone {
		own = markup.Rewrite(nil, b, f.ns, f.scan.Scope())
	} else {
		own = append(make([]byte, 0, len(b)), b...)
	}
	e, err := markup.ParseElement(own)
	return Event{Kind: Nonza, Nonza: e}, err
}

// ParseStanza reads one stanza serialised alone in the content namespace, as the store keeps it.
func ParseStanza(b []byte) (*stanza.Stanza, error) {
	f := newFrame("", alone, afterHeader)
	defer f.free()
	ev, n, err := f.next(b, true)
	switch {
	case err == markup.ErrMore:
		err = fmt.Errorf("element does not end: %w", markup.ErrMalformed)
	case err == nil && (n != len(b) || b[0] != '<' || ev.Kind != Stanza):
		err = errors.New("not one stanza")
	case err == nil && ev.AddrErr != nil:
		err = ev.AddrErr
	}
	if err != nil {
		return nil, fmt.Errorf("stream: parsing a stanza: %w", err)
	}
	return ev.Stanza, nil
}

// alone is the scope of a stanza outside any stream.
var alone = []markup.Binding{{}}
