package bundle_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"flag"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"longwire/images/bundle"
)

var update = flag.Bool("update", false, "write the files in testdata anew")

func golden(t *testing.T, name string, make func() []byte) []byte {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, make(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestConfigIsWrittenAsEver(t *testing.T) {
	b := encode(t, config(t), org(t), "")
	want := golden(t, "config-1.lwb", func() []byte { return b })
	if !bytes.Equal(b, want) {
		t.Errorf("got\n%swant\n%s", hex.Dump(b), hex.Dump(want))
	}
}

func TestBundlesOfEveryReleaseAreRead(t *testing.T) {
	want := config(t)
	want.Kind, want.Organisation = bundle.KindConfig, "Example Relief"
	for name, to := range map[string]string{"config-1.lwb": "", "config-sealed-1.lwb": recipient(t)} {
		v, err := bundle.ReadHead(golden(t, name, func() []byte { return encode(t, config(t), org(t), to) }), trust(t))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		got, err := v.Config(identity)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if want.Sealed = to != ""; !reflect.DeepEqual(*got, want) {
			t.Errorf("%s: got  %+v\nwant %+v", name, *got, want)
		}
	}
	image := picture(20000)
	b := golden(t, "system-1.lws", func() []byte { return system(t, image, org(t)) })
	f, err := openSystem(b, trust(t))
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Check(t.Context(), nil); err != nil {
		t.Error(err)
	}
	r, err := f.Image()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, image) || f.Version != "1.2.3" {
		t.Errorf("%+v, %d bytes, %v", f.System, len(got), err)
	}
}

// The signature is checked here from the RFC's text alone, without the library that made it.
func TestSignatureIsThatOfRFC9052(t *testing.T) {
	b := golden(t, "config-1.lwb", nil)
	if !bytes.HasPrefix(b, []byte{0xd2, 0x84, 0x58, 0x4d}) { // tag 18, array of 4, byte string of 77
		t.Fatalf("begins with %x", b[:4])
	}
	protected, rest := b[2:2+2+0x4d], b[2+2+0x4d:]
	if rest[0] != 0xa0 || rest[1] != 0x59 { // empty map, byte string with a length of 2 bytes
		t.Fatalf("goes on with %x", rest[:2])
	}
	n := 3 + int(rest[2])<<8 + int(rest[3])
	payload, rest := rest[1:1+n], rest[1+n:]
	if !bytes.Equal(rest[:2], []byte{0x58, 64}) || len(rest) != 66 {
		t.Fatalf("ends with %x", rest)
	}
	// RFC 9052 §4.4: ["Signature1", body_protected, external_aad, payload].
	signed := append([]byte{0x84, 0x6a}, "Signature1"...)
	signed = append(signed, protected...)
	signed = append(signed, 0x40)
	signed = append(signed, payload...)
	if !ed25519.Verify(org(t).Public().Public, signed, rest[2:]) {
		t.Error("the signature is wrong")
	}
}

func TestIdentityOfABundleIsTheDigestOfItsFile(t *testing.T) {
	b := golden(t, "config-1.lwb", nil)
	v, err := bundle.ReadHead(b, trust(t))
	if err != nil || v.Digest != sha256.Sum256(b) {
		t.Errorf("%x, %v", v.Digest, err)
	}
}
