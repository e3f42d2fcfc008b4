package frame_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"longwire/links/s5066/frame"
)

// infoset is what a text means to a parser that is none of ours: elements by namespace, attributes in order, character data.
func infoset(t testing.TB, text []byte) (all []any) {
	d := xml.NewDecoder(bytes.NewReader(text))
	for {
		tok, err := d.Token()
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		switch x := tok.(type) {
		case xml.StartElement:
			attr := slices.DeleteFunc(slices.Clone(x.Attr), func(a xml.Attr) bool { return a.Name.Local == "xmlns" || a.Name.Space == "xmlns" })
			slices.SortFunc(attr, func(a, b xml.Attr) int {
				return bytes.Compare([]byte(a.Name.Space+" "+a.Name.Local), []byte(b.Name.Space+" "+b.Name.Local))
			})
			all = append(all, x.Name, attr)
		case xml.EndElement:
			all = append(all, "end")
		case xml.CharData:
			if s, ok := last(all).(string); ok && s != "end" {
				all[len(all)-1] = s + string(x)
			} else {
				all = append(all, string(x))
			}
		}
	}
}

func last(all []any) any {
	if len(all) == 0 {
		return nil
	}
	return all[len(all)-1]
}

// A far end has taken what of the stream, by number.
type farEnd struct {
	d     *frame.Decoder
	taken uint32
}

// Through a thousand outages, whatever was lost, came twice, came late or damaged, and whoever began anew, no stanza comes that was not sent, and what comes has
// the infoset of what was sent. A complaint is all that it takes to go on.
func TestOutages(t *testing.T) {
	outages := 1000
	if testing.Short() {
		outages = 100
	}
	r := rand.New(rand.NewPCG(11, 12))
	e, far := newEncoder(), farEnd{d: newDecoder()}
	e.Start(1)
	var sent [][]byte // by number, from 1
	text := func(n uint32) []byte {
		for uint32(len(sent)) < n {
			if s := plain(r); r.IntN(3) > 0 {
				sent = append(sent, s)
			} else {
				sent = append(sent, stanza(r))
			}
		}
		return sent[n-1]
	}
	acked, refused, wrong := uint32(0), 0, 0
	introduce := true
	var late [][]byte
	take := func(b []byte) (complain bool) {
		f, err := frame.Parse(b)
		if err != nil {
			return true
		}
		h, texts, err := far.d.Decode(&f, known(far.taken, 0))
		if err != nil {
			refused++
			return true
		}
		for i, x := range texts {
			n := h.Seq + uint32(i)
			if n > far.taken+1 {
				return true
			}
			if !reflect.DeepEqual(infoset(t, x), infoset(t, text(n))) {
				wrong++
				t.Errorf("number %d is %q, and %q was sent", n, x, text(n))
			}
			far.taken = max(far.taken, n)
		}
		return false
	}
	for out := 0; out < outages; {
		var batch [][]byte
		for i := range uint32(1 + r.IntN(5)) {
			batch = append(batch, text(e.Next()+i))
		}
		h := names
		h.Names, h.Far = introduce, e.Next() > acked+frame.MaxNear
		b, n, err := e.Encode(nil, h, batch, 500)
		if err != nil {
			t.Fatal(err)
		}
		if n > 0 {
			introduce = false
		}
		complain := false
		switch what := r.IntN(20); {
		case what > 5:
			complain = take(b)
		case what == 0: // lost
			out++
		case what == 1: // damaged
			bad := bytes.Clone(b)
			bad[r.IntN(len(bad))] ^= byte(1 + r.IntN(255))
			complain = take(bad)
			out++
		case what == 2: // late
			late = append(late, b)
			out++
		case what == 3: // twice, and something late
			complain = take(b)
			take(b)
			if len(late) > 0 {
				take(late[0])
				late = late[1:]
			}
			out++
		case what == 4: // the far end begins anew: it knows how far it is, and no history
			far.d = newDecoder()
			complain = take(b)
			out++
		case what == 5: // the sender does
			e = newEncoder()
			acked = far.taken
			e.Start(acked + 1)
			introduce = true
			out++
			continue
		}
		if r.IntN(3) == 0 && !complain {
			acked = max(acked, min(far.taken, e.Next()-1))
		}
		if complain || e.Next() > acked+90 {
			acked = max(acked, far.taken)
			e.Start(acked + 1)
			introduce = true
		} else if r.IntN(15) == 0 { // a contact ended
			if !e.Back(acked + 1) {
				e.Start(acked + 1)
				introduce = true
			}
		}
	}
	t.Logf("%d stanzas taken, %d frames refused", far.taken, refused)
	if int(far.taken) < outages || wrong > 0 {
		t.Errorf("%d stanzas came, %d of them wrong", far.taken, wrong)
	}
}

// plain is a short message, as most are once they were folded.
func plain(r *rand.Rand) []byte {
	b := []byte("<message from='" + people[r.IntN(len(people))].name + "@north.example' to='base@south.example' type='chat'><body>")
	return append(append(b, bodies[r.IntN(len(bodies))]...), "</body></message>"...)
}

// How much what is decoded against another history looks like a frame: it ends where it should, so that only the check stands against it.
func TestWrongHistory(t *testing.T) {
	rounds := 20
	if testing.Short() {
		rounds = 4
	}
	r := rand.New(rand.NewPCG(21, 22))
	tried, ended := 0, 0
	for range rounds {
		a, b := newEncoder(), newEncoder()
		a.Start(1)
		b.Start(1)
		d := newDecoder()
		for n := range uint32(20) {
			encode(t, a, names, plain(r))
			decode(t, d, encode(t, b, names, plain(r)), known(n, 0))
		}
		for range 25 {
			x := encode(t, a, names, plain(r))
			if !a.Back(21) {
				t.Fatal("cannot go back")
			}
			f := parse(t, x)
			if _, s, err := d.Decode(&f, known(20, 0)); err == nil && len(s) > 0 {
				t.Errorf("%q is taken", s)
			}
			tried++
			if frame.Ends(d, &f) {
				ended++
			}
		}
	}
	t.Logf("%d of %d end as they should", ended, tried)
	if ended*5 > tried {
		t.Errorf("%d of %d end as they should, more than one in 5", ended, tried)
	}
}
