package bundle_test

import (
	"bytes"
	"math/rand/v2"
	"testing"
	"time"

	"longwire/images/bundle"
)

// The keys of all tests; they guard nothing.
const (
	orgSecret      = "longwire-org-secret-1 AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8= Example Relief"
	strangerSecret = "longwire-org-secret-1 AQECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8= Somebody Else"
	identity       = "AGE-SECRET-KEY-1JCTGCTKKSRZSRLF9UZVTSHA95XQJT8SK8DGHFNSGZ6590EJEPPGQ24W6FL"
)

func signer(tb testing.TB, text string) bundle.Signer {
	tb.Helper()
	var s bundle.Signer
	if err := s.UnmarshalText([]byte(text)); err != nil {
		tb.Fatal(err)
	}
	return s
}

func org(tb testing.TB) bundle.Signer      { return signer(tb, orgSecret) }
func stranger(tb testing.TB) bundle.Signer { return signer(tb, strangerSecret) }

func trust(tb testing.TB) []bundle.Key { return []bundle.Key{org(tb).Public()} }

func recipient(tb testing.TB) string {
	tb.Helper()
	r, err := bundle.Recipient(identity)
	if err != nil {
		tb.Fatal(err)
	}
	return r
}

// config is a bundle with something in every field.
func config(tb testing.TB) bundle.Config {
	tb.Helper()
	id, err := bundle.KitID(recipient(tb))
	if err != nil {
		tb.Fatal(err)
	}
	return bundle.Config{
		Head: bundle.Head{
			Counter: 7,
			Target:  bundle.Target{KitID: id, Name: "field", Fleet: "north", Board: "qemu-aarch64"},
			Created: time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC),
			Note:    "second frequency plan",
		},
		Name: "field", Fleet: "north",
		Trust: []bundle.Key{org(tb).Public(), stranger(tb).Public()},
		Docs: bundle.Documents{
			Node: "domains = [\"field.net\"]\n", SIS: "listen = [\"127.0.0.1:5066\"]\n", Kit: "hostname = \"field\"\n",
			TLSCert: []byte("certificate"), TLSKey: []byte("key"),
		},
	}
}

func encode(tb testing.TB, c bundle.Config, s bundle.Signer, recipient string) []byte {
	tb.Helper()
	b, err := c.Encode(s, recipient)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

// picture is an image that compresses about as well as a system does, and is the same each time.
func picture(size int) []byte {
	r := rand.New(rand.NewPCG(1, 2))
	b := make([]byte, 0, size+64)
	for len(b) < size {
		b = append(b, make([]byte, r.IntN(64))...)
		for range r.IntN(64) {
			b = append(b, byte(r.IntN(256)))
		}
	}
	return b[:size]
}

func system(tb testing.TB, image []byte, s bundle.Signer) []byte {
	tb.Helper()
	var b bytes.Buffer
	_, err := bundle.WriteSystem(&b, bundle.System{
		Head:    bundle.Head{Counter: 3, Target: bundle.Target{Board: "qemu-aarch64"}},
		Version: "1.2.3", StoreFormat: 4,
	}, s, bytes.NewReader(image))
	if err != nil {
		tb.Fatal(err)
	}
	return b.Bytes()
}

func openSystem(b []byte, trust []bundle.Key) (*bundle.SystemFile, error) {
	return bundle.OpenSystem(bytes.NewReader(b), int64(len(b)), trust)
}
