package crowd_test

import (
	"bytes"
	"compress/flate"
	"fmt"
	"maps"
	"math/rand/v2"
	"strings"
	"testing"

	"longwire/xmpp/fmuc/crowd"
)

const domain = "field.net"

func user(nick string) crowd.Occupant {
	return crowd.Occupant{Nick: nick, JID: strings.ToLower(nick) + "@" + domain}
}

func TestDigestText(t *testing.T) {
	owner := crowd.Occupant{Nick: "Alice", JID: "alice@field.net", Affiliation: "owner"}
	for _, c := range []struct {
		name string
		d    crowd.Digest
		text string
	}{
		{"nothing", crowd.Digest{}, ""},
		{"nobody", crowd.Digest{Whole: true}, "="},
		{"a whole crowd", crowd.Whole(crowd.Of(user("Bob"), owner)), "=Alice\t\to\nBob"},
		{"who comes", crowd.Difference(crowd.Of(user("Bob")), nil), "+Bob"},
		{"who leaves", crowd.Difference(nil, crowd.Of(user("Bob"))), "-Bob"},
		{"another local part", crowd.Difference(crowd.Of(crowd.Occupant{Nick: "The Boss", JID: "carl@field.net"}), nil), "+The Boss\tcarl"},
		{"another domain", crowd.Difference(crowd.Of(crowd.Occupant{Nick: "Bob", JID: "bob@sea.net"}), nil), "+Bob\tbob@sea.net"},
		{"one who may not speak", crowd.Difference(crowd.Of(crowd.Occupant{Nick: "Bob", JID: "bob@field.net", Role: "visitor"}), nil), "+Bob\t\tV"},
		{"a member who moderates", crowd.Difference(crowd.Of(crowd.Occupant{Nick: "Bob", JID: "bob@field.net", Affiliation: "member", Role: "moderator"}), nil), "+Bob\t\tmM"},
		{"another nick", crowd.Difference(crowd.Of(crowd.Occupant{Nick: "Rob", JID: "bob@field.net"}), crowd.Of(user("Bob"))), ">Rob\tbob\t\tBob"},
		{"who is thrown out", crowd.Digest{Changes: []crowd.Change{{Op: crowd.Leave, Occupant: crowd.Occupant{Nick: "Bob"}, Code: "307", Reason: "noise"}}}, "-Bob\t307\tnoise"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := string(c.d.Append(nil, domain)); got != c.text {
				t.Fatalf("written %q, want %q", got, c.text)
			}
			back, err := crowd.Parse(c.text, domain)
			if err != nil || string(back.Append(nil, domain)) != c.text {
				t.Fatalf("read back as %+v, %v", back, err)
			}
		})
	}
}

func TestBadDigestIsRefused(t *testing.T) {
	for _, text := range []string{"Bob", "+", "=\n", "+Bob\n", "*Bob", "+Bob\tb\tx", "+Bob\tb\tVV", ">Bob", ">Bob\t\t", "-Bob\t1\t2\t3\t4", "+" + strings.Repeat("x", 4000),
		"=" + strings.Repeat("B\n", 5000)} {
		if d, err := crowd.Parse(text, domain); err == nil {
			t.Errorf("%.40q was read as %+v", text, d)
		}
	}
}

func TestWholeCrowdTellsOnlyWhatIsNew(t *testing.T) {
	had := crowd.Of(user("Alice"), user("Bob"))
	now, changed := had.Apply(crowd.Whole(crowd.Of(user("Bob"), user("Carl"))))
	if len(changed) != 2 || changed[0].Op != crowd.Leave || changed[0].Nick != "Alice" || changed[1].Op != crowd.Enter || changed[1].Nick != "Carl" {
		t.Errorf("changes are %+v", changed)
	}
	if len(now) != 2 || len(had) != 2 {
		t.Errorf("the crowd is %v and was %v", now, had)
	}
}

func TestReasonGoesWithTheLeave(t *testing.T) {
	d := crowd.Difference(crowd.Of(user("Bob")), crowd.Of(user("Bob"), user("Carl")))
	d.Because("Carl", "301", "enough")
	d.Because("Bob", "307", "not he")
	_, changed := crowd.Of(user("Carl")).Apply(d)
	if len(changed) != 1 || changed[0].Code != "301" || changed[0].Reason != "enough" {
		t.Errorf("changes are %+v", changed)
	}
}

func TestRenameToATakenNickIsALeaveAndAnEntry(t *testing.T) {
	d, err := crowd.Parse(">Rob\tbob\t\tBob", domain)
	if err != nil {
		t.Fatal(err)
	}
	now, changed := crowd.Of(user("Bob"), user("Rob")).Apply(d)
	if len(now) != 1 || now["Rob"].JID != "bob@field.net" || len(changed) != 2 || changed[0].Op != crowd.Leave || changed[1].Op != crowd.Enter {
		t.Errorf("%v by %+v", now, changed)
	}
}

// randomCrowd is some of a few nicks, with few JIDs and standings, so that all cases are met.
func randomCrowd(r *rand.Rand) crowd.Crowd {
	c := crowd.Crowd{}
	for i := range 6 {
		if r.IntN(2) == 0 {
			continue
		}
		o := crowd.Occupant{Nick: fmt.Sprint("N", i), JID: fmt.Sprintf("n%d@%s", r.IntN(8), []string{domain, "sea.net"}[r.IntN(2)])}
		o.Affiliation = []string{"", "", "member", "owner"}[r.IntN(4)]
		o.Role = []string{"", "", "visitor"}[r.IntN(3)]
		c[o.Nick] = o
	}
	return c
}

func check(t *testing.T, had, want crowd.Crowd, d crowd.Digest) {
	t.Helper()
	text := string(d.Append(nil, domain))
	back, err := crowd.Parse(text, domain)
	if err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	now, changed := had.Apply(back)
	if !maps.Equal(now, want) {
		t.Fatalf("%q makes %v out of %v, want %v", text, now, had, want)
	}
	if now.Sum() != want.Sum() {
		t.Fatal("equal crowds have different sums")
	}
	// What is shown, change by change, ends in the same crowd.
	shown := maps.Clone(had)
	if shown == nil {
		shown = crowd.Crowd{}
	}
	for _, c := range changed {
		if c.Op == crowd.Rename {
			delete(shown, c.Was)
		}
		if delete(shown, c.Nick); c.Op != crowd.Leave {
			shown[c.Nick] = c.Occupant
		}
	}
	if !maps.Equal(shown, want) {
		t.Fatalf("%q: shown %v by %+v, want %v", text, shown, changed, want)
	}
}

func TestDifferenceMakesTheCrowd(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 3000 {
		a, b, c := randomCrowd(r), randomCrowd(r), randomCrowd(r)
		check(t, a, b, crowd.Difference(b, a))
		check(t, a, b, crowd.Whole(b))
		check(t, a, c, crowd.Difference(c, a, b)) // nobody knows which of the two the other has
		check(t, b, c, crowd.Difference(c, a, b))
	}
}

// TestLostAndReplacedDigests plays what a queue does: a digest that waits is replaced; one that was sent may or may not have arrived when
// it waits again; and the queue may drop one, which the ledger hears of.
func TestLostAndReplacedDigests(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 2000 {
		var l crowd.Ledger
		var far, now crowd.Crowd // what the other node has; who is here
		var waiting *crowd.Digest
		fate := crowd.Left
		for range 40 {
			switch r.IntN(6) {
			case 0, 1, 2: // somebody comes or goes
				now = randomCrowd(r)
				d := l.Tell(now, fate)
				waiting, fate = &d, crowd.Fresh
				if d.Empty() {
					waiting, fate = nil, crowd.Left
				}
			case 3: // it is sent and arrives
				if waiting != nil {
					far, _ = far.Apply(*waiting)
					waiting, fate = nil, crowd.Left
				}
			case 4: // it is sent, and may arrive, but nobody hears of that
				if waiting != nil {
					if r.IntN(2) == 0 {
						far, _ = far.Apply(*waiting)
					}
					fate = crowd.Repeat
				}
			case 5: // it is dropped
				if waiting != nil && r.IntN(4) == 0 {
					l.Lose()
					waiting, fate = nil, crowd.Left
				}
			}
		}
		d := l.Tell(now, fate)
		far, _ = far.Apply(d)
		if !maps.Equal(far, now) {
			t.Fatalf("the other node has %v, want %v", far, now)
		}
	}
}

func TestJoinAndLeaveInTheQueueCostNothing(t *testing.T) {
	l := crowd.Ledger{Told: crowd.Crowd{}}
	if d := l.Tell(crowd.Of(user("Bob")), crowd.Left); string(d.Append(nil, domain)) != "+Bob" {
		t.Errorf("a join is told as %+v", d)
	}
	if d := l.Tell(nil, crowd.Fresh); !d.Empty() {
		t.Errorf("a join that was undone in the queue is told as %+v", d)
	}
	if d := l.Tell(crowd.Of(user("Carl")), crowd.Left); string(d.Append(nil, domain)) != "+Carl" {
		t.Errorf("the next join is told as %+v", d)
	}
}

func TestSizes(t *testing.T) {
	nicks := strings.Fields("Alice Bob Carol Dave Erin Frank Grace Heidi Ivan Judy Mallory Niaj Olivia Peggy Rupert Sybil Trent Victor Walter Yvonne")
	c, names := crowd.Crowd{}, 0
	for _, n := range nicks {
		c[n] = user(n)
		names += len(n)
	}
	size := func(text []byte) (raw, packed int) {
		var b bytes.Buffer
		w, _ := flate.NewWriter(&b, 9)
		w.Write(text)
		w.Flush()
		return len(text), b.Len()
	}
	whole, packed := size(crowd.Whole(c).Append(nil, domain))
	t.Logf("20 occupants with %d letters of nicks: %d bytes, deflated %d", names, whole, packed)
	if whole > names+len(nicks) {
		t.Errorf("a crowd of %d takes %d bytes, its nicks %d", len(nicks), whole, names)
	}
	delete(c, "Bob")
	with := maps.Clone(c)
	with["Bob"] = user("Bob")
	if n, _ := size(crowd.Difference(with, c).Append(nil, domain)); n != 4 {
		t.Errorf("a join takes %d bytes", n)
	}
	if n, _ := size(crowd.Difference(c, with).Append(nil, domain)); n != 4 {
		t.Errorf("a leave takes %d bytes", n)
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"", "=", "=Bob\nAlice\t\to", "+Bob\tbob@sea.net\tmM", "-Bob\t307\tnoise", ">Rob\tbob\t\tBob"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		d, err := crowd.Parse(s, domain)
		if err != nil {
			return
		}
		again, err := crowd.Parse(string(d.Append(nil, domain)), domain)
		if err != nil {
			t.Fatalf("%q written as %q: %v", s, d.Append(nil, domain), err)
		}
		a, _ := crowd.Crowd(nil).Apply(d)
		b, _ := crowd.Crowd(nil).Apply(again)
		if !maps.Equal(a, b) {
			t.Fatalf("%q: %v is not %v", s, a, b)
		}
	})
}
