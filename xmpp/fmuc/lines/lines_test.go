package lines_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"longwire/xmpp/fmuc/lines"
)

var day = time.Date(2026, 7, 23, 9, 0, 0, 0, time.UTC)

func vector(pairs ...lines.Pair) *lines.Vector {
	v := &lines.Vector{}
	for i, p := range pairs {
		v.Set(p.Origin, p.N, day.Add(time.Duration(i)*time.Minute))
	}
	return v
}

func TestSaidText(t *testing.T) {
	for _, c := range []struct {
		name string
		said lines.Said
		text string
	}{
		{"nothing", lines.Said{}, ""},
		{"a question", lines.Said{Ask: true}, "?"},
		{"one", lines.Said{Pairs: []lines.Pair{{1, 170}}}, "AAAAAAAB4q"},
		{"two", lines.Said{Ask: true, Pairs: []lines.Pair{{1, 170}, {2, 1}}}, "?AAAAAAAB4q AAAAAAAC1"},
		{"others and a horizon", lines.Said{Pairs: []lines.Pair{{1 << 40, 35}}, Rest: true, Hash: 63, Horizon: 7}, "AQAAAAAAz #AAAAAAA_ !AAAAAAAH"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := c.said.String(); got != c.text {
				t.Fatalf("written %q, want %q", got, c.text)
			}
			back, err := lines.Parse(c.text)
			if err != nil || back.String() != c.text {
				t.Fatalf("read back as %+v, %v", back, err)
			}
		})
	}
}

func TestBadSaidIsRefused(t *testing.T) {
	for _, text := range []string{" ", "?x", "AAAAAAAB", "AAAAAAAB0", "AAAAAAAB01", "AAAAAAABA", "AAAAAAAB4q AAAAAAAB4q", "AAAAAAAC1 AAAAAAAB1", "AAAAAAAA1", "#AAAAAAAA", "AAAAAAAB1 #AAA",
		"AAAAAAAB1 #AAAAAAAB #AAAAAAAB", "AAAAAAAB1 !AAAAAAAA", "*AAAAAAAC1", "AAAAAAABzzzzzzzzzzzz", "AAAAAA.B1", "AAAAAAAB1  AAAAAAAC1"} {
		if s, err := lines.Parse(text); err == nil {
			t.Errorf("%q was read as %+v", text, s)
		}
	}
}

func TestNumberText(t *testing.T) {
	for text, n := range map[string]lines.Number{"AAAAAAAB4q": {Origin: 1, N: 170}, "AAAAAAAB1!": {Origin: 1, N: 1, Hole: true}, "AAAAAAAC1+AAAAAAAB4q": {Origin: 2, N: 1, After: lines.Pair{1, 170}}} {
		if got, err := lines.ParseNumber(text); err != nil || got != n || n.String() != text {
			t.Errorf("%q: %+v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "AAAAAAAB", "AAAAAAAB0", "AAAAAAAB!", "AAAAAAAB4Q", "AAAAAAAA1", "AAAAAAAB.1", "AAAAAAAB1!!", "AAAAAAABzzzzzzzzzzz", "AAAAAAAB-1", "AAAAAA+B1", "1",
		"AAAAAAAC1+", "AAAAAAAC2+AAAAAAAB4q", "AAAAAAAC1!+AAAAAAAB4q", "AAAAAAAC1+AAAAAAAC4q", "AAAAAAAC1+AAAAAAAB0", "AAAAAAAC1+AAAAAAAB4!", "AAAAAAAC1+AAAAAAAB4+AAAAAAAB4"} {
		if n, err := lines.ParseNumber(text); err == nil {
			t.Errorf("%q was read as %+v", text, n)
		}
	}
}

func TestPlaceOfALine(t *testing.T) {
	v := vector(lines.Pair{5, 10})
	v.Forget(3)
	for _, c := range []struct {
		n    lines.Number
		want lines.Place
	}{
		{lines.Number{Origin: 5, N: 10}, lines.Before},
		{lines.Number{Origin: 5, N: 11}, lines.Next},
		{lines.Number{Origin: 5, N: 12}, lines.Gap},
		{lines.Number{Origin: 5, N: 12, Hole: true}, lines.Next},
		{lines.Number{Origin: 9, N: 1}, lines.Next},
		{lines.Number{Origin: 9, N: 2}, lines.Gap},
		{lines.Number{Origin: 3, N: 1}, lines.Before},
		{lines.Number{Origin: 9, N: 1, After: lines.Pair{5, 10}}, lines.Next},
		{lines.Number{Origin: 9, N: 1, After: lines.Pair{5, 11}}, lines.Gap},
		{lines.Number{Origin: 9, N: 1, After: lines.Pair{8, 1}}, lines.Gap},
		{lines.Number{Origin: 9, N: 1, After: lines.Pair{3, 7}}, lines.Next}, // forgotten
		{lines.Number{Origin: 5, N: 1, After: lines.Pair{8, 1}}, lines.Before},
	} {
		if got := v.Place(c.n); got != c.want {
			t.Errorf("%s is at %d, want %d", c.n, got, c.want)
		}
	}
}

// Whichever lines get through, and how often: what a node takes of another one is in order over all its origins.
func TestWhatIsTakenIsInOrderOverOrigins(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for range 200 {
		var all []lines.Number
		for o, last := lines.Origin(1), (lines.Pair{}); o < 6; o++ {
			o := o ^ lines.Origin(r.IntN(8))<<4 // names do not tell the order
			for n := range uint64(1 + r.IntN(4)) {
				l := lines.Number{Origin: o, N: n + 1}
				if n == 0 {
					l.After = last
				}
				all, last = append(all, l), lines.Pair{Origin: o, N: l.N}
			}
		}
		v, taken := &lines.Vector{}, 0
		for range 2000 {
			i := r.IntN(len(all))
			if v.Place(all[i]) != lines.Next {
				continue
			}
			if i != taken {
				t.Fatalf("%s is taken as number %d of %v", all[i], taken, all)
			}
			v.Set(all[i].Origin, all[i].N, day)
			taken++
		}
		if taken != len(all) {
			t.Fatalf("%d of %d taken", taken, len(all))
		}
	}
}

func TestOriginsAreNewAndSortByBirth(t *testing.T) {
	v := &lines.Vector{}
	seen := map[lines.Origin]bool{}
	for i := range 1000 {
		o := v.NewOrigin(day)
		if seen[o] {
			t.Fatalf("%s came twice", o)
		}
		seen[o] = true
		v.Set(o, 1, day.Add(time.Duration(i)))
		if back, err := lines.ParseOrigin(o.String()); err != nil || back != o {
			t.Fatalf("%s read back as %s, %v", o, back, err)
		}
	}
	newest := slices.Max(v.Origins())
	if o := v.NewOrigin(day.Add(time.Hour)); o <= newest {
		t.Errorf("an hour later %s is not behind %s", o, newest)
	}
	if o := v.NewOrigin(time.Unix(0, 0)); o>>28 < newest>>28 {
		t.Errorf("a clock in the past makes %s, which is older than %s", o, newest)
	}
	if o := v.NewOrigin(day.AddDate(200, 0, 0)); o <= newest {
		t.Errorf("when the slots are used up %s is not behind %s", o, newest)
	}
}

func TestHorizonBoundsAVector(t *testing.T) {
	v := &lines.Vector{}
	for i := range lines.MaxOrigins + 3 {
		v.Set(lines.Origin(i+1), 1, day)
		for o := v.Over(); o != 0; o = v.Over() {
			v.Forget(o)
		}
	}
	if v.Len() != lines.MaxOrigins || v.Horizon() != 3 {
		t.Errorf("%d origins, horizon %d", v.Len(), v.Horizon())
	}
	old := vector(lines.Pair{2, 9}, lines.Pair{100, 1})
	if d := old.Compare(v.Say(true, true)); len(d.Send) != 0 || len(d.Want) == 0 || d.Unclear {
		t.Errorf("what is behind the other's horizon is offered: %+v", d)
	}
	if s := v.Say(true, true).String(); len(s) > 60_000 {
		t.Errorf("the largest vector takes %d bytes and fits in no stanza", len(s))
	}
}

// randomPair makes two vectors with a common past.
func randomPair(r *rand.Rand) (a, b *lines.Vector) {
	a, b = &lines.Vector{}, &lines.Vector{}
	at := day
	for i := range r.IntN(40) {
		o, n := lines.Origin(10*i+r.IntN(10)+1), uint64(1+r.IntN(30))
		at = at.Add(time.Duration(r.IntN(100)) * time.Second)
		switch r.IntN(12) {
		case 0:
			a.Set(o, n, at)
		case 1:
			b.Set(o, n, at)
		case 2:
			a.Set(o, n, at)
			b.Set(o, 1+uint64(r.IntN(30)), at.Add(time.Duration(r.IntN(2000))*time.Second))
		default:
			a.Set(o, n, at)
			b.Set(o, n, at)
		}
	}
	return a, b
}

// owed is what a must send b.
func owed(a, b *lines.Vector) map[lines.Origin]uint64 {
	m := map[lines.Origin]uint64{}
	for _, o := range a.Origins() {
		if a.Known(o) > b.Known(o) {
			m[o] = b.Known(o)
		}
	}
	return m
}

func sent(t *testing.T, m map[lines.Origin]uint64, spans []lines.Span) {
	t.Helper()
	for i, s := range spans {
		if i > 0 && s.Origin <= spans[i-1].Origin {
			t.Fatalf("not by age: %+v", spans)
		}
		m[s.Origin] = s.After
	}
}

// wanted are the spans that an answer asks for, through text.
func wanted(t *testing.T, want []lines.Pair) (spans []lines.Span) {
	t.Helper()
	s, err := lines.Parse(lines.Said{Pairs: want}.String())
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range s.Pairs {
		spans = append(spans, lines.Span{Origin: p.Origin, After: p.N - 1})
	}
	return spans
}

// TestExchangeFindsTheDifference plays a question and its answer, which is a question with the whole vector when the hashes differ.
func TestExchangeFindsTheDifference(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	ask := func(v *lines.Vector, whole bool) lines.Said {
		s, err := lines.Parse(v.Say(true, whole).String())
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	unclear := 0
	for range 3000 {
		a, b := randomPair(r)
		fromA, fromB := map[lines.Origin]uint64{}, map[lines.Origin]uint64{}
		d := b.Compare(ask(a, false))
		sent(t, fromB, d.Send)
		if d.Unclear {
			unclear++
			d = a.Compare(ask(b, true))
			sent(t, fromA, d.Send)
			sent(t, fromB, wanted(t, d.Want))
		} else {
			sent(t, fromA, wanted(t, d.Want))
		}
		if want := owed(a, b); !maps.Equal(fromA, want) {
			t.Fatalf("a sends %v, owes %v", fromA, want)
		}
		if want := owed(b, a); !maps.Equal(fromB, want) {
			t.Fatalf("b sends %v, owes %v", fromB, want)
		}
	}
	if unclear == 0 {
		t.Error("no case had old origins that differ")
	}
}

func TestEqualVectorsNeedNothing(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for range 1000 {
		a, _ := randomPair(r)
		b := &lines.Vector{}
		for _, o := range a.Origins() {
			b.Set(o, a.Known(o), day.Add(time.Duration(r.IntN(9999))*time.Second)) // other times, other choice of whom to tell
		}
		if d := b.Compare(a.Say(true, false)); len(d.Send) > 0 || len(d.Want) > 0 || d.Unclear {
			t.Fatalf("equal vectors differ by %+v", d)
		}
	}
}

func TestOneOldLineChangesTheHash(t *testing.T) {
	a, b := &lines.Vector{}, &lines.Vector{}
	for i := range 60 {
		a.Set(lines.Origin(i+1), 7, day.Add(time.Duration(i)*time.Second))
		b.Set(lines.Origin(i+1), 7, day.Add(time.Duration(i)*time.Second))
	}
	b.Set(3, 8, day)
	if d := b.Compare(a.Say(true, false)); !d.Unclear {
		t.Error("an old line that one lacks was not noticed")
	}
	if d := b.Compare(a.Say(true, true)); d.Unclear || len(d.Send) != 1 || d.Send[0] != (lines.Span{Origin: 3, After: 7}) {
		t.Errorf("the whole vector says %+v", d)
	}
}

func TestSizes(t *testing.T) {
	two := &lines.Vector{}
	many := &lines.Vector{}
	for i := range 60 {
		o := many.NewOrigin(day.Add(time.Duration(i) * time.Hour))
		many.Set(o, uint64(20+i), day.Add(time.Duration(i)*time.Hour))
		if i < 2 {
			two.Set(o, uint64(200*(1+i)), day)
		}
	}
	for _, c := range []struct {
		what  string
		v     *lines.Vector
		whole bool
		most  int
	}{{"2 origins", two, false, 24}, {"60 origins", many, false, 100}, {"60 origins, whole", many, true, 700}} {
		s := c.v.Say(true, c.whole).String()
		t.Logf("%s: %d bytes: %.60s", c.what, len(s), s)
		if len(s) > c.most {
			t.Errorf("%s take %d bytes, want at most %d", c.what, len(s), c.most)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"", "?", "?AAAAAAAB4q AAAAAAAC1", "AAAAAAAB1 #AAAAAAA_ !AAAAAAAB"} {
		f.Add(s)
	}
	v := vector(lines.Pair{1, 5}, lines.Pair{2, 6}, lines.Pair{300, 7})
	f.Fuzz(func(t *testing.T, s string) {
		said, err := lines.Parse(s)
		if err != nil {
			return
		}
		if back, err := lines.Parse(said.String()); err != nil || fmt.Sprint(back) != fmt.Sprint(said) {
			t.Fatalf("%q: %+v, then %+v, %v", s, said, back, err)
		}
		v.Compare(said)
	})
}

func FuzzParseNumber(f *testing.F) {
	for _, s := range []string{"AAAAAAAB4q", "AAAAAAAB1!", "AAAAAAAC1+AAAAAAAB4q", strings.Repeat("z", 12)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if n, err := lines.ParseNumber(s); err == nil && n.String() != s {
			t.Fatalf("%q is written %q", s, n)
		}
	})
}

func BenchmarkSay(b *testing.B) {
	v := &lines.Vector{}
	for i := range 1000 {
		v.Set(lines.Origin(i+1), 9, day.Add(time.Duration(i)*time.Second))
	}
	b.ReportAllocs()
	for b.Loop() {
		v.Say(true, false)
	}
}
