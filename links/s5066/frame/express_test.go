package frame_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"testing"

	"longwire/links/s5066/frame"
)

// A U_PDU of the express lane is the byte and a frame; to who does not know the lane it is none, and not RCOP either.
func TestExpressIsNoFrameToOthers(t *testing.T) {
	var enc frame.Encoder
	enc.Start(1)
	b, _, err := enc.Encode([]byte{frame.Express}, frame.Header{Names: true, Out: "abcdef.Xyz0"}, [][]byte{[]byte("<message/>")}, 2048)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := frame.Parse(b); !errors.Is(err, frame.ErrFormat) {
		t.Errorf("others read it: %v", err)
	}
	if b[0]&0x0f == 0 {
		t.Error("it looks like RCOP")
	}
	const golden = "a461000b6162636465662e58797a300001"
	if got := hex.EncodeToString(b); got[:len(golden)] != golden {
		t.Errorf("%s, want %s…", got, golden)
	}
	rest, express := frame.Cut(b)
	if f, err := frame.Parse(rest); !express || err != nil || f.Peek().Out != "abcdef.Xyz0" {
		t.Errorf("%t %v", express, err)
	}
	late := append([]byte{frame.After, 7}, rest...)
	if _, err := frame.Parse(late); !errors.Is(err, frame.ErrFormat) || late[0] != 0xac {
		t.Errorf("others read what is to wait: %x %v", late[0], err)
	}
	if again, n, ok := frame.Behind(late); !ok || n != 7 || !bytes.Equal(again, rest) {
		t.Error("what is to wait is not read")
	}
	for _, ordinary := range [][]byte{nil, rest, {0x20}} {
		if got, express := frame.Cut(ordinary); express || !bytes.Equal(got, ordinary) {
			t.Errorf("%x is taken for express", ordinary)
		}
		if got, _, behind := frame.Behind(ordinary); behind || !bytes.Equal(got, ordinary) {
			t.Errorf("%x is to wait", ordinary)
		}
	}
}
