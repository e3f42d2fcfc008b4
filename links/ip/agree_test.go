package ip_test

import (
	"bytes"
	"errors"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"longwire/links"
	"longwire/links/codec/arith"
	"longwire/links/codecs"
	"longwire/links/ip"
	"longwire/links/ip/block"
	"longwire/links/linktest"
	"longwire/xmpp/stream"
)

// hollow is a model that knows nothing: eight even bits a byte, 0 at the end. One that is broken reads each letter as the next.
type hollow struct{ broken bool }

func (*hollow) Reset()       {}
func (*hollow) Learn([]byte) {}

func (*hollow) Plan(text []byte, out []arith.Choice) []arith.Choice {
	for _, c := range append(bytes.Clone(text), 0) {
		for i := 7; i >= 0; i-- {
			out = append(out, arith.Choose(int(c>>i)&1, 1<<15))
		}
	}
	return out
}

func (m *hollow) Decode(d *arith.Decoder, max int) (text []byte, ok bool) {
	for len(text) <= max && !d.Over() {
		c := byte(0)
		for range 8 {
			c = c<<1 | byte(d.Decode(1<<15))
		}
		if c == 0 {
			return text, !m.broken
		}
		text = append(text, c)
	}
	return nil, false
}

// method is a codec whose ID begins with the name.
func method(kind codecs.Kind, name string) codecs.Method {
	m := codecs.Method{Codec: codecs.Codec{Kind: kind}, New: func() codecs.Model { return new(hollow) }, Canonical: func(b []byte) ([]byte, error) { return b, nil }}
	copy(m.ID[:], name+"----")
	return m
}

func broken(m codecs.Method) codecs.Method {
	m.New = func() codecs.Model { return &hollow{broken: true} }
	return m
}

var (
	provisioned = method(codecs.Mix, "prov")
	otherwise   = method(codecs.Mix, "oter")
	shipped     = method(codecs.Mix, "ship")
	light       = method(codecs.Light, "lght")
)

func set(m ...codecs.Method) []codecs.Method { return m }

// scene is two nodes on pipes, of which the first dials, that write to each other. hq and field are what they can read.
type scene struct {
	t        *testing.T
	p, q     *pipes
	a, b     *linktest.Node
	contacts atomic.Int32
	wrote    int
}

func newScene(t *testing.T, o ip.Options, hq, field []codecs.Method) *scene {
	s := &scene{t: t, a: linktest.NewNode(t, "headquarters.net", "field.net"), b: linktest.NewNode(t, "field.net", "headquarters.net")}
	s.p, s.q = newPipes(o)
	s.p.agree(hq...)
	s.q.agree(field...)
	s.a.Events = func(e links.Event) {
		if e.Kind == links.EventUp {
			s.contacts.Add(1)
		}
	}
	s.a.Start(links.Config{ZeroRTT: true, Dial: true}, s.p)
	s.b.Start(links.Config{ZeroRTT: true}, s.q)
	return s
}

// write lets both write, the given one first, and waits until all has come once and in order.
func (s *scene) write(n int, first, second *linktest.Node) {
	s.t.Helper()
	for range n {
		s.wrote++
		text := strings.Repeat("m", s.wrote)
		first.Send(text)
		time.Sleep(time.Second)
		second.Send(text)
		time.Sleep(20 * time.Minute)
	}
	for _, e := range []*linktest.Node{s.a, s.b} {
		got := e.Received()
		if len(got) < s.wrote {
			s.t.Fatalf("%d of %d came", len(got), s.wrote)
		}
		for i, text := range got {
			if text != strings.Repeat("m", i+1) {
				s.t.Fatalf("message %d is %q", i+1, text)
			}
		}
	}
}

func (s *scene) speaks(hq, field string) {
	s.t.Helper()
	a, b := s.p.o.Agreement.Status(), s.q.o.Agreement.Status()
	if !strings.HasPrefix(a.Out, hq) || !strings.HasPrefix(b.Out, field) {
		s.t.Errorf("they write %q and %q, want %q and %q", a.Out, b.Out, hq, field)
	}
	if (a.Out != a.Best) != (a.Fault != "") || (b.Out != b.Best) != (b.Fault != "" && b.Best != "none") {
		s.t.Errorf("status %+v, %+v", a, b)
	}
}

const (
	inProv = "mix 70726f76"
	inShip = "mix 73686970"
	inLght = "light 6c676874"
	inXML  = "none"
)

// Each pair writes by the best that both have, after no more contacts than it takes to find out; nothing is lost, doubled or out of order, whoever begins.
func TestTheBestOfBothIsFound(t *testing.T) {
	zlib := ip.Options{Compress: true, Dense: true}
	for _, tt := range []struct {
		name      string
		o         ip.Options
		hq, field []codecs.Method
		a, b      string
		contacts  int32
	}{
		{"alike", zlib, set(provisioned, shipped, light), set(provisioned, shipped, light), inProv, inProv, 1},
		{"other provisions", zlib, set(provisioned, shipped, light), set(otherwise, shipped, light), inShip, inShip, 2},
		{"one without provision", zlib, set(provisioned, shipped, light), set(shipped, light), inShip, inShip, 2},
		{"other versions of mix", zlib, set(provisioned, shipped, light), set(otherwise, method(codecs.Mix, "new"), light), inLght, inLght, 2},
		{"one with light", zlib, set(provisioned, shipped, light), set(light), inLght, inLght, 2},
		{"nothing in common", zlib, set(provisioned, shipped), set(otherwise, light), inXML, inXML, 2},
		{"one without codec, zlib", zlib, set(provisioned, shipped, light), nil, inXML, inXML, 2},
		{"one without codec, XML", ip.Options{}, set(provisioned, shipped, light), nil, inXML, inXML, 2},
		{"none", zlib, nil, nil, inXML, inXML, 1},
		{"one computes wrong", zlib, set(provisioned, shipped), set(broken(provisioned), shipped), inShip, inProv, 2},
	} {
		for _, who := range []string{"the opener begins", "the other begins"} {
			for _, turned := range []bool{false, true} {
				name := tt.name + ", " + who
				hq, field, a, b := tt.hq, tt.field, tt.a, tt.b
				if turned {
					name += ", turned"
					hq, field, a, b = field, hq, b, a
				}
				t.Run(name, func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						s := newScene(t, tt.o, hq, field)
						first, second := s.a, s.b
						if who == "the other begins" {
							first, second = second, first
						}
						s.write(3, first, second)
						s.speaks(a, b)
						if n := s.contacts.Load(); n > tt.contacts {
							t.Errorf("it took %d contacts", n)
						}
					})
				})
			}
		}
	}
}

// A side whose configuration is mended begins with the best, and the other follows by itself.
func TestMendedSidesGoBack(t *testing.T) {
	best := set(provisioned, shipped, light)
	for _, tt := range []struct {
		name string
		bad  []codecs.Method
		left int32 // contacts that it takes to go back
	}{
		{"another provision", set(otherwise, shipped, light), 2},
		{"light only", set(light), 2},
		{"nothing in common", set(otherwise), 2},
		{"none", nil, 2},
	} {
		for _, mends := range []string{"opener", "acceptor"} {
			t.Run(tt.name+", the "+mends+" mends", func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					hq, field := best, tt.bad
					if mends == "opener" {
						hq, field = tt.bad, best
					}
					s := newScene(t, ip.Options{Compress: true, Dense: true}, hq, field)
					s.write(2, s.a, s.b)
					before := s.contacts.Load()
					if mends == "opener" {
						s.a.Stop()
						s.p.agree(best...)
						s.a.Start(links.Config{ZeroRTT: true, Dial: true}, s.p)
					} else {
						s.b.Stop()
						s.q.agree(best...)
						s.b.Start(links.Config{ZeroRTT: true}, s.q)
					}
					s.write(2, s.b, s.a)
					s.speaks(inProv, inProv)
					if n := s.contacts.Load() - before; n > tt.left {
						t.Errorf("it took %d contacts", n)
					}
				})
			})
		}
	}
}

// An old node closes without a word what it cannot read. It is found out, and an outage is not taken for it.
func TestPeerThatOnlyCloses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := ip.NewAgreement(set(provisioned), nil)
		var first []byte
		for range 4 {
			x, y := net.Pipe()
			s := ip.NewSession(x, ip.Options{Compress: true, Agreement: a})
			go func() {
				s.Send([]links.Piece{{Kind: links.Enable}})
				s.Recv()
			}()
			b := make([]byte, 64)
			n, _ := y.Read(b)
			y.Close()
			synctest.Wait()
			s.Close(nil)
			first = append(first, b[:min(n, 1)]...)
		}
		if want := []byte{block.Magic, block.Magic, block.Magic, 0x78}; !bytes.Equal(first, want) {
			t.Errorf("connections begin with %x, want %x", first, want)
		}
		if s := a.Status(); s.Out != "none" || !strings.Contains(s.Fault, "set its codec") {
			t.Errorf("%+v", s)
		}
		time.Sleep(time.Hour + time.Minute)
		x, y := net.Pipe()
		go ip.NewSession(x, ip.Options{Compress: true, Agreement: a}).Send([]links.Piece{{Kind: links.Enable}})
		b := make([]byte, 64)
		if y.Read(b); b[0] != block.Magic {
			t.Errorf("an hour later it begins with %x", b[0])
		}
	})
}

// What is no block ends the connection with a word that the peer understands.
func TestBlocksThatAreRefused(t *testing.T) {
	o := func(m ...codecs.Method) ip.Options {
		return ip.Options{MaxStanza: 10_000, Agreement: ip.NewAgreement(m, nil)}
	}
	preface := block.Preface{Codec: provisioned.Codec}.Append(nil)
	w := block.NewWriter(new(hollow), provisioned.Canonical)
	message := []byte("<message from='a@headquarters.net' to='b@field.net'><body>x</body></message>")
	good := w.Append(bytes.Clone(preface), []links.Piece{{Kind: links.Stanza, Data: message}})
	w = block.NewWriter(new(hollow), provisioned.Canonical)
	large := w.Append(bytes.Clone(preface), []links.Piece{{Kind: links.Stanza, Data: bytes.Replace(message, []byte("x<"), append(bytes.Repeat([]byte("x"), 12_000), '<'), 1)}})
	w = block.NewWriter(new(hollow), provisioned.Canonical)
	comment := w.Append(bytes.Clone(preface), []links.Piece{{Kind: links.Stanza, Data: []byte("<!-- x -->")}})
	for _, tt := range []struct {
		name string
		o    ip.Options
		in   []byte
		want error
	}{
		{"good", o(provisioned), good, nil},
		{"no codec here", o(), good, &stream.Error{Condition: "undefined-condition", Text: "codec is none here"}},
		{"another codec here", o(light), good, &stream.Error{Condition: "undefined-condition", Text: "mix 70726f76 is not known here"}},
		{"a later version", o(provisioned), []byte{block.Magic, 0x38}, &stream.Error{Condition: "undefined-condition", Text: "a later version of blocks"}},
		{"garbage", o(provisioned), append(bytes.Clone(preface), 3, 1, 2, 3), &stream.Error{Condition: "undefined-condition", Text: "a block is damaged"}},
		{"a stanza too large", o(provisioned), large, &stream.Error{Condition: "policy-violation", Text: "stanza too large"}},
		{"a block too large", o(provisioned), append(bytes.Clone(preface), 0xFF, 0xFF, 0xFF, 0x7F), &stream.Error{Condition: "policy-violation"}},
		{"what XML may not have", o(provisioned), comment, &stream.Error{Condition: "restricted-xml"}},
		{"cut in the preface", o(provisioned), preface[:3], io.ErrUnexpectedEOF},
		{"cut in a block", o(provisioned), good[:12], io.ErrUnexpectedEOF},
		{"cut between blocks", o(provisioned), preface, io.EOF},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if p, err := receive(t, tt.o, tt.in); !errors.Is(err, tt.want) {
				t.Errorf("%+v, %v; want %v", p, err, tt.want)
			}
		})
	}
}

// FuzzBlocks feeds a session with a codec anything behind a preface.
func FuzzBlocks(f *testing.F) {
	w := block.NewWriter(new(hollow), provisioned.Canonical)
	for _, tt := range wire {
		f.Add(w.Append(nil, []links.Piece{tt.piece, {Kind: links.Stanza, Data: []byte("<message from='a@b.c' to='d@e.f'/>")}}))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		a, b := net.Pipe()
		defer a.Close()
		go func() {
			b.Write(append(block.Preface{Codec: provisioned.Codec}.Append(nil), in...))
			b.Close()
		}()
		s := ip.NewSession(a, ip.Options{Agreement: ip.NewAgreement(set(provisioned), nil)})
		for {
			p, err := s.Recv()
			if err != nil {
				return
			}
			if p.Kind == 0 || p.Kind == links.Stanza && p.Stanza == nil {
				t.Fatalf("%+v", p)
			}
		}
	})
}
