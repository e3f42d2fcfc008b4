package telemetry

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"longwire/xmpp/jid"
	"longwire/xmpp/markup"
	"longwire/xmpp/stanza"
)

// An outline is what is left of a stanza when all that was written is gone: the elements with their namespaces, the names of
// attributes, and sizes. What stands for a text is filler of its size. It is drawn in two parts: a skeleton, which many stanzas
// share, and the sizes of one:
//
//	<message type='chat' id='~'><body>~</body><delay xmlns='urn:xmpp:delay' stamp='^'/></message>     [8, 52, 20, 3600]
//
// ~ is filler; ^ is a time stamp, of so many bytes and so many seconds ago. A few words that rules look at stay: those of type,
// and namespaces. Local parts and resources of addresses are pseudonyms of the same size, other ones after each start.
const (
	filler = '~'
	stamp  = '^'
)

const (
	maxSkeleton  = 2 << 10
	maxSkeletons = 1024 // kept at a time; when there are more all are forgotten, and written once more
	maxPieces    = 200
)

// A skeleton is the part of outlines that many share.
type skeleton struct {
	id   uint64
	text string
}

func (s *skeleton) line(now time.Time) []byte {
	b, _ := encode(Record{At: now, Kind: Skeleton, ID: s.id, Text: s.text})
	return b
}

// outliner draws outlines. Its key is never written, so that no name can be found by trying.
type outliner struct {
	key   []byte
	last  uint64
	known map[string]*skeleton
}

// draw puts the outline of s into r. nil means that it is too large, or no XML we understand.
func (o *outliner) draw(r *Record, s *stanza.Stanza) *skeleton {
	if o.key == nil {
		o.key = make([]byte, 16)
		rand.Read(o.key)
	}
	text, sizes, ok := sketch(s, r.At)
	if !ok {
		return nil
	}
	sk := o.known[text]
	if sk == nil {
		if o.known == nil || len(o.known) >= maxSkeletons {
			o.known = make(map[string]*skeleton)
		}
		o.last++
		sk = &skeleton{o.last, text}
		o.known[text] = sk
	}
	r.Kind, r.ID, r.Sizes = Shape, sk.id, sizes
	r.From, r.To = o.pseudonym(s.From), o.pseudonym(s.To)
	if s.Kind == stanza.Presence {
		r.Same = hex.EncodeToString(o.digest(string(s.Inner))[:6])
	}
	return sk
}

func (o *outliner) digest(s string) []byte {
	m := hmac.New(sha256.New, o.key)
	m.Write([]byte(s))
	return m.Sum(nil)
}

// pseudonym is an address of the same size in the same domain: rules are about domains.
func (o *outliner) pseudonym(j jid.JID) string {
	if j.IsZero() {
		return ""
	}
	out := j.Domain()
	if j.Local() != "" {
		out = o.name(j.Local()+"@"+out, len(j.Local())) + "@" + out
	}
	if j.Resource() != "" {
		out += "/" + o.name(j.String(), len(j.Resource()))
	}
	return out
}

func (o *outliner) name(of string, size int) string {
	d := o.digest(of)
	b := make([]byte, size)
	for i := range b {
		b[i] = "abcdefghijkmnpqrstuvwxyz23456789"[d[i%len(d)]%32]
	}
	return string(b)
}

// sketch makes the skeleton and the sizes.
func sketch(s *stanza.Stanza, now time.Time) (string, []int, bool) {
	d := drawing{now: now, in: s.Inner}
	fmt.Fprintf(&d.out, "<%s", s.Kind)
	if s.Type != "" {
		d.out.WriteString(" type='")
		d.word(s.Type)
		d.out.WriteByte('\'')
	}
	for _, a := range []struct{ name, value string }{{"id", s.ID}, {"xml:lang", s.Lang}} {
		if a.value != "" {
			d.out.WriteString(" " + a.name + "='")
			d.fill(a.value)
			d.out.WriteByte('\'')
		}
	}
	d.out.WriteByte('>')
	if !d.inner() {
		return "", nil, false
	}
	fmt.Fprintf(&d.out, "</%s>", s.Kind)
	return d.out.String(), d.sizes, d.out.Len() <= maxSkeleton && len(d.sizes) <= maxPieces
}

// drawing is a sketch that is made.
type drawing struct {
	now   time.Time
	in    []byte
	out   strings.Builder
	sizes []int
}

// fill stands for what somebody wrote; for nothing, nothing.
func (d *drawing) fill(s string) {
	if s != "" {
		d.out.WriteByte(filler)
		d.sizes = append(d.sizes, len(s))
	}
}

// words of attributes called type that say what a stanza is, or a form in it.
var words = map[string]bool{
	"chat": true, "groupchat": true, "normal": true, "headline": true, "error": true, "get": true, "set": true, "result": true,
	"unavailable": true, "probe": true, "subscribe": true, "subscribed": true, "unsubscribe": true, "unsubscribed": true,
	"form": true, "submit": true, "cancel": true, "wait": true, "modify": true, "auth": true, "continue": true,
}

func (d *drawing) word(s string) {
	if words[s] {
		d.out.WriteString(s)
		return
	}
	d.fill(s)
}

// inner draws the children. Tags stay as they are, but for the values of attributes.
func (d *drawing) inner() bool {
	sc := markup.NewScanner()
	defer sc.Free()
	sc.Reset("", []markup.Binding{{}})
	done := 0
	for {
		t, err := sc.Next(d.in, true)
		if err != nil {
			d.fill(string(d.in[done:]))
			return sc.Done(d.in)
		}
		d.fill(string(d.in[done:t.Start]))
		done = t.Start
		if t.Kind != markup.EndTag {
			for i := range sc.NumAttr() {
				a, ok := sc.Attr(d.in, i)
				if !ok {
					continue // a declaration
				}
				d.keep(d.in[done:a.Start])
				d.value(a, string(d.in[a.Start:a.End]))
				done = a.End
			}
		}
		d.keep(d.in[done:t.End])
		done = t.End
		if d.out.Len() > maxSkeleton {
			return false
		}
	}
}

// keep is a part of a tag; what is a mark to us, in a namespace, becomes another byte.
func (d *drawing) keep(b []byte) {
	d.out.WriteString(marks.Replace(string(b)))
}

var marks = strings.NewReplacer(string(filler), "-", string(stamp), "-")

func (d *drawing) value(a markup.RawAttr, v string) {
	switch {
	case a.Name.Local == "type":
		d.word(v)
	case a.Name.Local == "stamp":
		d.time(v)
	default:
		d.fill(v)
	}
}

// layouts of time stamps. XEP-0082; XEP-0091.
var layouts = []string{time.RFC3339Nano, "20060102T15:04:05"}

func (d *drawing) time(v string) {
	for _, l := range layouts {
		if at, err := time.Parse(l, v); err == nil {
			d.out.WriteByte(stamp)
			d.sizes = append(d.sizes, len(v), int(d.now.Sub(at)/time.Second))
			return
		}
	}
	d.fill(v)
}

// seed is what the filler of a presence begins with, so that equal ones are equal.
func seed(same string) uint64 {
	b, err := hex.DecodeString(same)
	if err != nil || len(b) < 6 {
		return 0
	}
	return uint64(binary.BigEndian.Uint32(b))<<16 | uint64(binary.BigEndian.Uint16(b[4:]))
}
