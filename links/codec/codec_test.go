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
