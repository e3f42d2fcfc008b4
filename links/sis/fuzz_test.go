package sis_test

import (
	"bytes"
	"errors"
	"io"
	"reflect"
	"testing"
	"testing/iotest"

	"longwire/links/sis"
)

// FuzzDecode decodes anything, encodes it, and decodes that: the same primitive; with the strict codec the same bytes.
func FuzzDecode(f *testing.F) {
	for _, v := range vectors() {
		f.Add(unhex(f, v.hex)[5:])
	}
	f.Add(unhex(f, "15 56 E1 01 00 02 16 E1 01 00 01 00 01 00 00 00 00 78"))
	f.Add(unhex(f, "15 56 E1 01 00 02 36 E1 01 00 01 00 01 00 01 00 00 00 02 00 00 78"))
	f.Add(unhex(f, "14 56 61 01 00 02 F3 F9 E3 41 00 00"))
	f.Fuzz(func(t *testing.T, body []byte) {
		body = body[:min(len(body), 65535)]
		for _, codec := range codecs {
			p, err := codec.Decode(body)
			if err != nil {
				if e := (*sis.Error)(nil); !errors.As(err, &e) || e.Offset > len(body)+1 {
					t.Fatalf("% X: %v", body, err)
				}
				continue
			}
			b, err := codec.Append(nil, p)
			if err != nil {
				t.Fatalf("% X became %+v: %v", body, p, err)
			}
			again, n, err := sis.Split(b)
			if err != nil || n != len(b) || codec == sis.Strict && !bytes.Equal(again, body) {
				t.Fatalf("% X became % X, %v", body, again, err)
			}
			if q, err := codec.Decode(again); err != nil || !reflect.DeepEqual(p, q) {
				t.Fatalf("%+v became %+v, %v", p, q, err)
			}
		}
	})
}

// FuzzReader reads anything, at once and byte by byte, from a clean and from a noisy carrier.
func FuzzReader(f *testing.F) {
	whole, _ := stream(f)
	f.Add(whole)
	f.Add(unhex(f, "90 EB 00 00 0F 14 90 EB 00 00 01 11 90 EB 00 00 01 0F"))
	f.Add(unhex(f, "07 90 90 EB 00 90 EB 00 00 01 11 90 EB 01 00 01 0F"))
	f.Add(unhex(f, "90 EB 00 10 00 14 90 EB 00 10 00 14 90 EB 00 00 03 0E 02 01"))
	f.Fuzz(func(t *testing.T, b []byte) {
		b = b[:min(len(b), 16384)]
		for _, noisy := range []bool{false, true} {
			var got [2][]sis.Primitive
			for i, r := range []io.Reader{bytes.NewReader(b), iotest.OneByteReader(bytes.NewReader(b))} {
				rd := sis.NewReader(r)
				rd.Noisy = noisy
				for {
					p, err := rd.Next()
					var bad *sis.Error
					if errors.As(err, &bad) {
						continue
					}
					if err != nil {
						break
					}
					got[i] = append(got[i], p)
				}
			}
			// A noisy carrier's pieces matter: what stands alone for long enough is taken.
			if !noisy && !reflect.DeepEqual(got[0], got[1]) {
				t.Fatalf("%v and %v", got[0], got[1])
			}
		}
	})
}
