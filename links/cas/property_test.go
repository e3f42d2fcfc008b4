package cas_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"longwire/links/cas"
	"longwire/links/dts"
)

// linkCase has some nodes send, call, break and restart at random over a bad channel. Everything comes to an end, what is confirmed was
// delivered, and what comes twice was under way when a link broke.
func linkCase(t *testing.T, seed uint64) (confirmed, failed int) {
	r := rand.New(rand.NewPCG(seed, 4))
	count := 2 + r.IntN(3)
	idle := []time.Duration{0, -1, time.Minute, cas.Never}[r.IntN(4)]
	x := newNet(t, count, seed, cas.Config{Idle: idle, MaxLinks: 1 + r.IntN(3), SoftMax: time.Minute, CalledMin: 10 * time.Second})
	x.Miss, x.Lose, x.Flip, x.Copy = 0.2*r.Float64(), 0.2*r.Float64(), 0.1*r.Float64(), 0.1
	type unit struct {
		text      string
		from, to  int
		delivered int
		broken    bool // a link of its sender or receiver broke meanwhile
		open      bool
	}
	units := map[string]*unit{}
	byID := map[string]*unit{}
	x.on = func(i int, e cas.Event) {
		switch e := e.(type) {
		case cas.Delivery:
			u := units[string(e.SPDU)]
			if u == nil || u.to != i || e.From != address(u.from) {
				t.Fatalf("seed %d: node %d got %q from %v", seed, i, e.SPDU, e.From)
			}
			if u.delivered++; u.delivered > 1 && !u.broken {
				t.Fatalf("seed %d: %q came twice", seed, e.SPDU)
			}
		case dts.Confirmed:
			confirmed++
			u := byID[fmt.Sprint(i, e.ID)]
			if u == nil || !u.open || u.delivered == 0 {
				t.Fatalf("seed %d: %+v confirmed", seed, u)
			}
			u.open = false
		case dts.Failed:
			failed++
			u := byID[fmt.Sprint(i, e.ID)]
			if u == nil || !u.open {
				t.Fatalf("seed %d: %+v failed", seed, u)
			}
			u.open = false
		case cas.Broken, cas.Made:
			for _, u := range units {
				u.broken = u.broken || u.open && (u.from == i || u.to == i)
			}
		}
	}
	for k := range 1 + r.IntN(12) {
		from := r.IntN(count)
		to := (from + 1 + r.IntN(count-1)) % count
		switch r.IntN(12) {
		case 0:
			x.nodes[from].Establish(x.Now, address(to))
		case 1:
			x.nodes[from].Break(x.Now, address(to), cas.BreakRequested)
		default:
			u := cas.Unit{To: address(to), Priority: uint8(r.IntN(16))}
			if r.IntN(4) == 0 {
				u.Service = dts.ServiceExpedited
			}
			if r.IntN(4) == 0 {
				u.Expires = x.Now.Add(time.Duration(r.IntN(90)) * time.Second)
			}
			text := fmt.Sprint(k, " ", strings.Repeat("u", r.IntN(300)))
			u.SPDU = []byte(text)
			id, err := x.nodes[from].Send(x.Now, u)
			if err != nil {
				t.Fatal(err)
			}
			units[text] = &unit{text: text, from: from, to: to, open: true}
			byID[fmt.Sprint(from, id)] = units[text]
		}
		x.run(time.Duration(r.IntN(60)) * time.Second)
	}
	x.run(3 * time.Hour)
	for i := range x.nodes {
		for j := range x.nodes {
			if i != j { // exclusive links keep others waiting
				x.nodes[i].Break(x.Now, address(j), cas.BreakRequested)
			}
		}
	}
	x.run(100 * time.Hour)
	for _, u := range units {
		if u.open {
			t.Fatalf("seed %d: %.20q has no end: %+v %+v", seed, u.text, x.nodes[u.from].Links(), x.nodes[u.from].Station().Status(address(u.to)))
		}
	}
	before := x.Transmissions
	x.run(24 * time.Hour)
	if x.Transmissions != before {
		t.Fatalf("seed %d: %d transmissions of an idle channel", seed, x.Transmissions-before)
	}
	return confirmed, failed
}

func TestLinksComeToAnEnd(t *testing.T) {
	confirmed, failed := 0, 0
	for seed := range uint64(cases) {
		c, f := linkCase(t, seed)
		confirmed, failed = confirmed+c, failed+f
	}
	t.Logf("%d confirmed, %d failed", confirmed, failed)
	if confirmed < 2*cases {
		t.Errorf("only %d confirmed", confirmed)
	}
}
