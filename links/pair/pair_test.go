package pair_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"testing"
	"time"

	"longwire/links/pair"
)

// Keys of the tests: fixed, so that the vectors are.
var (
	token = pair.Token{0: 0x10, 15: 0x1f}
	kit   = pair.PrivateKey{0: 0x20, 31: 0x2f}
	hq    = pair.PrivateKey{0: 0x30, 31: 0x3f}
	at    = time.Date(2026, 7, 23, 10, 15, 0, 0, time.UTC)
)

func sessions(t testing.TB) (atKit, atHQ pair.Session) {
	t.Helper()
	a, err := pair.AtKit(token, kit, hq.Public())
	if err != nil {
		t.Fatal(err)
	}
	b, err := pair.AtHeadquarters(token, hq, kit.Public())
	if err != nil {
		t.Fatal(err)
	}
	return a, b
}

func read(t testing.TB, updu []byte) pair.Message {
	t.Helper()
	m, err := pair.Parse(updu)
	if err != nil {
		t.Fatalf("%x: %v", updu, err)
	}
	return m
}

// Kept so that a later version of it understands a kit of today.
func TestVectors(t *testing.T) {
	a, b := sessions(t)
	for _, v := range []struct {
		name string
		updu []byte
		size int
		want string
	}{
		{"hello", a.Hello(0x0102, nil), pair.HelloSize, vectorHello},
		{"hello with data", a.Hello(0x0102, []byte("data")), pair.HelloSize + 4, vectorHelloData},
		{"answer", b.Answer(0x0102, pair.Paired, at, nil), pair.AnswerSize, vectorAnswer},
		{"answer without time", b.Answer(0x0102, pair.Conflict, time.Time{}, []byte("data")), pair.AnswerSize + 4, vectorConflict},
		{"question", token.Question(at), pair.QuestionSize, vectorQuestion},
	} {
		if got := hex.EncodeToString(v.updu); got != v.want || len(v.updu) != v.size {
			t.Errorf("%s, %d bytes:\ngot  %s\nwant %s", v.name, len(v.updu), got, v.want)
		}
	}
	t.Logf("hello %d bytes (%.1f s at 75 bit/s, %.1f s at 300), answer %d (%.1f s, %.1f s), question %d", pair.HelloSize, air(pair.HelloSize, 75), air(pair.HelloSize, 300),
		pair.AnswerSize, air(pair.AnswerSize, 75), air(pair.AnswerSize, 300), pair.QuestionSize)
}

func air(n, rate int) float64 { return float64(n*8) / float64(rate) }

func TestBothEndsUnderstandEachOther(t *testing.T) {
	a, b := sessions(t)
	h := read(t, a.Hello(7, []byte("first")))
	if !b.Verify(h) || h.Kind != pair.KindHello || h.Counter != 7 || h.Key != kit.Public() || string(h.Data) != "first" || h.Invitation != token.Invitation() {
		t.Errorf("hello: %+v", h)
	}
	r := read(t, b.Answer(7, pair.Occupied, at, []byte("back")))
	if !a.Verify(r) || r.Kind != pair.KindAnswer || r.Counter != 7 || r.Status != pair.Occupied || !r.Time.Equal(at) || string(r.Data) != "back" {
		t.Errorf("answer: %+v", r)
	}
	q := read(t, token.Question(at))
	if !token.Verify(q) || !q.Time.Equal(at) || a.Verify(q) || b.Verify(q) || token.Verify(h) {
		t.Errorf("question: %+v", q)
	}
	// What a clock of 1970 says is no time.
	if r := read(t, b.Answer(7, pair.Paired, time.Unix(0, 0), nil)); !r.Time.IsZero() {
		t.Errorf("told %v", r.Time)
	}
}

// Each bit counts, and so does all that is behind.
func TestWhatWasChangedIsRefused(t *testing.T) {
	a, b := sessions(t)
	for name, c := range map[string]struct {
		updu   []byte
		verify func(pair.Message) bool
	}{
		"hello":    {a.Hello(300, []byte("data")), b.Verify},
		"answer":   {b.Answer(300, pair.Paired, at, []byte("data")), a.Verify},
		"question": {token.Question(at), token.Verify},
	} {
		for i := range len(c.updu) * 8 {
			bad := bytes.Clone(c.updu)
			bad[i/8] ^= 1 << (i % 8)
			if m, err := pair.Parse(bad); err == nil && c.verify(m) {
				t.Errorf("%s: taken with bit %d changed", name, i)
			}
		}
		for n := range c.updu {
			if m, err := pair.Parse(c.updu[:n]); err == nil && c.verify(m) {
				t.Errorf("%s: taken when cut to %d bytes", name, n)
			}
		}
		if m, err := pair.Parse(append(bytes.Clone(c.updu), 0)); err == nil && c.verify(m) {
			t.Errorf("%s: taken with a byte more", name)
		}
	}
}

// Neither half of the secret is enough.
func TestStrangersAreRefused(t *testing.T) {
	_, b := sessions(t)
	for name, s := range map[string]func() (pair.Session, error){
		"another token":          func() (pair.Session, error) { return pair.AtKit(pair.Token{1}, kit, hq.Public()) },
		"another headquarters":   func() (pair.Session, error) { return pair.AtKit(token, kit, pair.PrivateKey{1}.Public()) },
		"another kit":            func() (pair.Session, error) { return pair.AtKit(token, pair.PrivateKey{2}, hq.Public()) },
		"the key, not the token": func() (pair.Session, error) { return pair.AtKit(pair.Token{}, kit, hq.Public()) },
	} {
		x, err := s()
		if err != nil {
			t.Fatal(err)
		}
		if b.Verify(read(t, x.Hello(1, nil))) {
			t.Errorf("%s: hello taken", name)
		}
		if x.Verify(read(t, b.Answer(1, pair.Paired, at, nil))) {
			t.Errorf("%s: answer taken", name)
		}
	}
	// RFC 7748 §6.1: points of small order, of which the result would not depend on our key.
	if _, err := pair.AtHeadquarters(token, hq, pair.PublicKey{}); !errors.Is(err, pair.ErrKey) {
		t.Errorf("%v", err)
	}
	var none pair.Session
	if none.Verify(read(t, b.Answer(1, pair.Paired, at, nil))) {
		t.Error("no session at all")
	}
}

func TestJudge(t *testing.T) {
	other := pair.PrivateKey{9}
	hello := func(k pair.PrivateKey, t2 pair.Token, n uint16) pair.Message {
		s, err := pair.AtKit(t2, k, hq.Public())
		if err != nil {
			t.Fatal(err)
		}
		return read(t, s.Hello(n, nil))
	}
	used := pair.Known{Used: true, Key: kit.Public(), Counter: 5}
	rival := used
	rival.Rival, rival.RivalLast = other.Public(), 3
	gone := pair.Known{Withdrawn: true}
	goneRival := pair.Known{Withdrawn: true, Rival: kit.Public(), RivalLast: 6}
	freed := pair.Known{Rival: kit.Public(), RivalLast: 6}
	for _, c := range []struct {
		name  string
		known pair.Known
		m     pair.Message
		want  pair.Verdict
	}{
		{"first", pair.Known{}, hello(kit, token, 1), pair.Accepted},
		{"first, of a kit that has tried for long", pair.Known{}, hello(kit, token, 900), pair.Accepted},
		{"again", used, hello(kit, token, 5), pair.Repeated},
		{"a new one", used, hello(kit, token, 6), pair.Accepted},
		{"an old one", used, hello(kit, token, 4), pair.Replayed},
		{"another kit", used, hello(other, token, 1), pair.Rivalled},
		{"another kit again", rival, hello(other, token, 4), pair.Rivalled},
		{"another kit's old one", rival, hello(other, token, 3), pair.Replayed},
		{"ours beside a rival", rival, hello(kit, token, 6), pair.Accepted},
		{"without the token", pair.Known{}, hello(kit, pair.Token{7}, 1), pair.Forged},
		{"taken back", gone, hello(kit, token, 6), pair.TakenBack},
		{"taken back, again", goneRival, hello(kit, token, 6), pair.Replayed},
		{"taken back, a new one", goneRival, hello(kit, token, 7), pair.TakenBack},
		{"for one kit more, an old one of the kit before", freed, hello(kit, token, 6), pair.Replayed},
		{"for one kit more, the kit before after all", freed, hello(kit, token, 7), pair.Accepted},
		{"for one kit more, another kit", freed, hello(other, token, 1), pair.Accepted},
	} {
		if got, _ := pair.Judge(c.known, token, hq, c.m); got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
}

func TestOtherTrafficIsNotPairing(t *testing.T) {
	a, _ := sessions(t)
	hello := a.Hello(1, nil)
	for name, b := range map[string][]byte{
		"nothing":             nil,
		"header alone":        hello[:6],
		"longwire frame":      {0x40, 0, 6, 'a', 'b', 'c', 'd', 'e', 'f', 0, 1, 2},
		"RCOP of XEP-0365":    {0, 1, 0, 0, 0x80, 0x01, '<', 'a', '/', '>'},
		"another connection":  append([]byte{0x10}, hello[1:]...),
		"a second segment":    append([]byte{0, 1, 0, 1}, hello[4:]...),
		"RCOP of Ed.1 (text)": {0, 1, 0, 0, '<', 'm', 'e'},
	} {
		if _, err := pair.Parse(b); !errors.Is(err, pair.ErrNotPairing) || pair.Is(b) {
			t.Errorf("%s: %v", name, err)
		}
	}
	later := bytes.Clone(hello)
	later[6] = 0x21
	if _, err := pair.Parse(later); !errors.Is(err, pair.ErrVersion) {
		t.Errorf("later version: %v", err)
	}
	later[6] = 0x14
	if _, err := pair.Parse(later); !errors.Is(err, pair.ErrFormat) {
		t.Errorf("unknown kind: %v", err)
	}
}

func TestTextForms(t *testing.T) {
	if got, err := pair.ParseToken(token.Text()); err != nil || got != token || len(token.Text()) != 26 {
		t.Errorf("%v, %v", got, err)
	}
	shouted := "CAAA-AAAA-AAAA-AAAA-AAAA-AAAA-D4"
	if got, err := pair.ParseToken(shouted); err != nil || got != token {
		t.Errorf("%x, %v", got[:], err)
	}
	for _, s := range []string{"", "a", token.Text() + "a", token.Text()[:25], token.Text()[:25] + "5", token.Text()[:25] + "1", pair.Token{}.Text()} {
		if _, err := pair.ParseToken(s); err == nil {
			t.Errorf("token %q was taken", s)
		}
	}
	if k, err := pair.ParsePrivateKey(hq.Text()); err != nil || k != hq {
		t.Error(err)
	}
	if k, err := pair.ParsePublicKey(hq.Public().String()); err != nil || k != hq.Public() {
		t.Error(err)
	}
	for _, s := range []string{"", hq.Text(), "longwire-pair-1 ", "longwire-pair-1 AAAA", hq.Public().String() + "\n"} {
		if _, err := pair.ParsePublicKey(s); err == nil {
			t.Errorf("public key %q was taken", s)
		}
	}
	t1, t2, k1, k2 := pair.NewToken(), pair.NewToken(), pair.NewPrivateKey(), pair.NewPrivateKey()
	if t1 == t2 || k1 == k2 {
		t.Error("made the same twice")
	}
	for _, s := range []string{token.String(), hq.String()} { // what may get into a log
		if bytes.Contains([]byte(s), []byte(token.Text())) || bytes.Contains([]byte(s), []byte(hq.Text())) {
			t.Errorf("%q tells a secret", s)
		}
	}
}

func FuzzParse(f *testing.F) {
	a, b := sessions(f)
	for _, u := range [][]byte{a.Hello(1, nil), a.Hello(2, []byte("x")), b.Answer(1, pair.Paired, at, []byte("y")), token.Question(at), {}, {0, 0, 0, 0, 0x80, 2, 0x11}} {
		f.Add(u)
	}
	f.Fuzz(func(t *testing.T, updu []byte) {
		m, err := pair.Parse(updu)
		if (err == nil || !errors.Is(err, pair.ErrNotPairing)) != pair.Is(updu) {
			t.Fatalf("Is and Parse differ: %v", err)
		}
		if err != nil {
			return
		}
		// Who verifies it knows exactly who made it, so what verifies is what the maker would make.
		var want []byte
		switch {
		case m.Kind == pair.KindHello && b.Verify(m):
			want = a.Hello(m.Counter, m.Data)
		case m.Kind == pair.KindAnswer && a.Verify(m):
			want = b.Answer(m.Counter, m.Status, m.Time, m.Data)
		case token.Verify(m):
			want = token.Question(m.Time)
		default:
			return
		}
		if !bytes.Equal(want, updu) {
			t.Fatalf("%x verifies, and is made as %x", updu, want)
		}
	})
}
