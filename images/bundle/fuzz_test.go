package bundle_test

import (
	"bytes"
	"errors"
	"io"
	"reflect"
	"testing"

	"longwire/images/bundle"
)

// plain fails unless an error is one that a person can use.
func plain(t *testing.T, err error) {
	t.Helper()
	var e *bundle.Error
	if err != nil && !errors.As(err, &e) {
		t.Fatalf("not in plain words: %v", err)
	}
}

// FuzzConfigFile reads what may lie on a stick.
func FuzzConfigFile(f *testing.F) {
	f.Add(encode(f, config(f), org(f), ""))
	f.Add(encode(f, config(f), stranger(f), recipient(f)))
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, keys := range [][]bundle.Key{nil, trust(t)} {
			v, err := bundle.ReadHead(b, keys)
			plain(t, err)
			if err == nil {
				_, err = v.Config(identity)
				plain(t, err)
			}
		}
	})
}

// FuzzConfigPayload reads what has a right signature; what is accepted comes back the same once more.
func FuzzConfigPayload(f *testing.F) {
	f.Add(pack(good()))
	f.Add([]byte{0xa1, 0, 2})
	f.Fuzz(func(t *testing.T, payload []byte) {
		b, err := bundle.SignConfig(append([]byte{}, payload...), org(t))
		if err != nil {
			t.Fatal(err)
		}
		v, err := bundle.ReadHead(b, trust(t))
		if plain(t, err); err != nil {
			return
		}
		c, err := v.Config(identity)
		if plain(t, err); err != nil {
			return
		}
		c.Organisation = "Example Relief" // the signer says it
		again, err := bundle.ReadHead(encode(t, *c, org(t), ""), trust(t))
		if err != nil {
			t.Fatal(err)
		}
		c2, err := again.Config("")
		if c.Sealed = false; err != nil || !reflect.DeepEqual(c, c2) {
			t.Fatalf("%v\n%+v\n%+v", err, c, c2)
		}
	})
}

// FuzzSystemFile reads what may lie on a stick.
func FuzzSystemFile(f *testing.F) {
	f.Add(system(f, picture(3000), org(f)))
	f.Add(system(f, picture(1), stranger(f)))
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, keys := range [][]bundle.Key{nil, trust(t)} {
			s, err := openSystem(b, keys)
			if plain(t, err); err == nil {
				plain(t, s.Check(t.Context(), nil))
			}
		}
	})
}

// FuzzSystemPayload reads manifest and payload of what has a right signature. However large the payload says it is when
// decompressed, no more than the manifest says comes out.
func FuzzSystemPayload(f *testing.F) {
	b := system(f, picture(3000), org(f))
	s, err := openSystem(b, trust(f))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(pack(goodSystem()), []byte("data"))
	f.Add(pack(goodSystem()), b[int64(len(b))-s.PayloadSize:])
	f.Fuzz(func(t *testing.T, payload, data []byte) {
		b, err := bundle.SignSystem(append([]byte{}, payload...), org(t))
		if err != nil {
			t.Fatal(err)
		}
		s, err := openSystem(append(append(bundle.Preamble(len(b)), b...), data...), trust(t))
		if plain(t, err); err != nil {
			return
		}
		r, err := s.Image()
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		n, err := io.Copy(io.Discard, r)
		if plain(t, err); n > s.ImageSize || err == nil && n != s.ImageSize {
			t.Fatalf("%d bytes of %d, %v", n, s.ImageSize, err)
		}
	})
}

// FuzzKeys reads files of keys; what is accepted comes back the same.
func FuzzKeys(f *testing.F) {
	f.Add([]byte("# ours\n\nlongwire-org-1 O2onvM62pC1io6jQKm8Nc2UyFXcd4kOmOsBIoYtZ2ik= Example Relief\n"))
	f.Add([]byte(orgSecret))
	f.Fuzz(func(t *testing.T, b []byte) {
		keys, err := bundle.ParseKeys(b)
		if err != nil {
			return
		}
		var text bytes.Buffer
		for _, k := range keys {
			line, err := k.MarshalText()
			if err != nil {
				t.Fatal(err)
			}
			text.Write(append(line, '\n'))
		}
		again, err := bundle.ParseKeys(text.Bytes())
		if err != nil || !reflect.DeepEqual(keys, again) {
			t.Fatalf("%v: %v\n%v", err, keys, again)
		}
	})
}
