package light_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"longwire/links/codec"
	"longwire/links/codec/arith"
	"longwire/links/codec/light"
	"longwire/links/codec/lore"
	"longwire/links/codec/token"
)

// A stream is a model at each end.
type stream struct{ out, in *light.Model }

func newStream() *stream { return &stream{light.Base().Model(), light.Base().Model()} }

// send codes a text and reads it again.
func (s *stream) send(t testing.TB, text []byte) []byte {
	t.Helper()
	var e arith.Encoder
	e.Begin()
	for _, c := range s.out.Plan(text, nil) {
		e.Encode(c)
	}
	code := e.Finish()
	var d arith.Decoder
	d.Begin(code)
	got, ok := s.in.Decode(&d, len(text))
	if !ok || !bytes.Equal(got, text) {
		t.Fatalf("%q comes back as %q, %v", text, got, ok)
	}
	return code
}

// texts are stanzas of the data that ships, and odd ones.
func texts(t testing.TB) (list [][]byte) {
	t.Helper()
	for i, s := range lore.Shipped().Stanzas {
		if i%2 == 0 {
			list = append(list, s)
		}
	}
	for _, s := range []string{
		"<presence/>",
		"<message><body/></message>",
		"<message><body>" + strings.Repeat("all the same ", 4000) + "</body></message>",
		"<message><x xmlns='urn:odd'>" + strings.Repeat("<y/>", 900) + "</x></message>",
		"<iq type='weird'><a:b xmlns:a='n' a:c='&lt;'>é水</a:b></iq>",
	} {
		c, err := token.Canonical([]byte(s))
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, c)
	}
	return list
}

func TestTextsComeBack(t *testing.T) {
	s, alone := newStream(), newStream()
	for i, text := range texts(t) {
		s.send(t, text)
		if i%20 == 0 {
			alone.out.Reset()
			alone.in.Reset()
			alone.send(t, text)
		}
	}
}

// Whatever way a text came into the history, by Plan, Decode or Learn, what follows is coded alike.
func TestLearningIsPlanning(t *testing.T) {
	s := newStream()
	list := texts(t)
	for _, text := range list {
		s.send(t, text)
	}
	third := light.Base().Model()
	for _, text := range list {
		third.Learn(text)
	}
	next := []byte("<message from='a@b.example' to='c@d.example' type='chat'><body>all the same after all</body></message>")
	next, err := token.Canonical(next)
	if err != nil {
		t.Fatal(err)
	}
	a, b, c := s.out.Plan(next, nil), s.in.Plan(next, nil), third.Plan(next, nil)
	if fmt.Sprint(a) != fmt.Sprint(b) || fmt.Sprint(a) != fmt.Sprint(c) {
		t.Error("the ends know different things")
	}
}

func TestWhatIsNoStanzaTeachesNothing(t *testing.T) {
	a, b := light.Base().Model(), light.Base().Model()
	b.Learn([]byte("no stanza"))
	text := texts(t)[0]
	if fmt.Sprint(a.Plan(text, nil)) != fmt.Sprint(b.Plan(text, nil)) {
		t.Error("it did")
	}
}

func TestProvisionShortensWhatIsCodedAlone(t *testing.T) {
	p := codec.Provision{JIDs: []string{"harbour@rooms.north.example", "carla@north.example"}, Strings: []string{"RESTRICTED"}}
	lore, err := light.Base().With(p)
	if err != nil {
		t.Fatal(err)
	}
	if lore.ID() == light.Base().ID() {
		t.Error("two lores with one ID")
	}
	text, err := token.Canonical([]byte("<message from='carla@north.example' to='harbour@rooms.north.example' type='chat'><body>Yes</body></message>"))
	if err != nil {
		t.Fatal(err)
	}
	with := &stream{lore.Model(), lore.Model()}
	if a, b := len(with.send(t, text)), len(newStream().send(t, text)); a > b-20 {
		t.Errorf("%d bytes with it, %d without", a, b)
	}
}

func TestAProvisionIsBounded(t *testing.T) {
	if _, err := light.Base().With(codec.Provision{Strings: []string{strings.Repeat("x", 300<<10)}}); err == nil {
		t.Error("300 KiB were taken")
	}
}

// What a decoder holds is bounded by what it may give out.
func TestGarbageIsRefusedOrShort(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	m := light.Base().Model()
	code := make([]byte, 300)
	for range 3000 {
		for i := range code {
			code[i] = byte(r.Uint32())
		}
		var d arith.Decoder
		d.Begin(code[:1+r.IntN(len(code))])
		m.Reset()
		if text, ok := m.Decode(&d, 500); ok && len(text) > 500 {
			t.Fatalf("%d bytes of 500", len(text))
		}
	}
}

func FuzzDecode(f *testing.F) {
	s := newStream()
	for i, text := range texts(f) {
		if i%100 == 0 && len(text) < 1000 {
			s.out.Reset()
			s.in.Reset()
			f.Add(s.send(f, text))
		}
	}
	f.Fuzz(func(t *testing.T, code []byte) {
		s := newStream()
		var d arith.Decoder
		d.Begin(code)
		text, ok := s.in.Decode(&d, 10000)
		if !ok {
			return
		}
		if len(text) > 10000 {
			t.Fatalf("%d bytes", len(text))
		}
		// Nobody has to make tokens as we do; so what follows is a stream of its own.
		if text, err := token.Canonical(text); err == nil {
			newStream().send(t, text)
		}
	})
}

func BenchmarkPlan(b *testing.B) {
	list := texts(b)[:400]
	m := light.Base().Model()
	var out []arith.Choice
	for b.Loop() {
		m.Reset()
		for _, t := range list {
			out = m.Plan(t, out[:0])
		}
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*len(list)), "µs/stanza")
}

func BenchmarkTokens(b *testing.B) {
	list := texts(b)[:400]
	t := token.New(nil, nil)
	var out []byte
	for b.Loop() {
		t.Reset()
		for _, s := range list {
			out, _ = t.Append(out[:0], s)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*len(list)), "µs/stanza")
}
