package codec_test

import (
	"bytes"
	"testing"

	"longwire/links/codec"
	"longwire/links/codec/arith"
)

var stanzas = [][]byte{
	[]byte(`<message from='a@x.example' to='b@y.example' type='chat' id='1'><body>Convoy left the bridge at 1440, all well</body></message>`),
	[]byte(`<message from='b@y.example' to='a@x.example' type='chat' id='2'><body>Roger, over &amp; out</body></message>`),
	[]byte(`<presence from='a@x.example/home' to='b@y.example'><show>away</show></presence>`),
	[]byte(`<message from='a@x.example' to='b@y.example' type='chat' id='3'><body>Convoy left the bridge at 1515, all well</body></message>`),
}

func TestTextsComeBack(t *testing.T) {
	in, out := codec.Base().Model(), codec.Base().Model()
	var e arith.Encoder
	var d arith.Decoder
	var plan []arith.Choice
	for _, s := range stanzas {
		text, err := codec.Canonical(s)
		if err != nil {
			t.Fatal(err)
		}
		e.Begin()
		for _, c := range in.Plan(text, plan[:0]) {
			e.Encode(c)
		}
		d.Begin(e.Finish())
		got, ok := out.Decode(&d, 10000)
		if !ok || !bytes.Equal(got, text) {
			t.Fatalf("%q comes back as %q, %v", text, got, ok)
		}
	}
}

// size is how many bytes it takes m to say text.
func size(m *codec.Model, text []byte) int {
	var e arith.Encoder
	e.Begin()
	for _, c := range m.Plan(text, nil) {
		e.Encode(c)
	}
	return len(e.Finish())
}

func TestProvisionMakesItKnown(t *testing.T) {
	s, err := codec.Canonical([]byte(`<message from='okwara@ridge.example' to='tamsin@quarry.example' type='chat'><body>Zeppelin watch to gondola nine</body></message>`))
	if err != nil {
		t.Fatal(err)
	}
	base := codec.Base()
	last := size(base.Model(), s)
	ids := map[[4]byte]bool{base.ID(): true}
	for _, p := range []codec.Provision{
		{JIDs: []string{"okwara@ridge.example", "tamsin@quarry.example"}},
		{JIDs: []string{"tamsin@quarry.example", "okwara@ridge.example"}, Phrases: []string{"zeppelin watch"}},
	} {
		l, err := base.With(p)
		if err != nil {
			t.Fatal(err)
		}
		if ids[l.ID()] {
			t.Error("another provision has the same ID")
		}
		ids[l.ID()] = true
		n := size(l.Model(), s)
		if n >= last {
			t.Errorf("%d bytes with %v, %d without", n, p, last)
		}
		last = n
	}
	if _, err := base.With(codec.Provision{Phrases: []string{string(make([]byte, 1<<20))}}); err == nil {
		t.Error("a provision of a megabyte is taken")
	}
}
