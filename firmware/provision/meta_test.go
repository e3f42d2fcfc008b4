package provision

import (
	"bytes"
	"os"
	"reflect"
	"testing"
)

// golden is everything that a meta.json can say.
var golden = Meta{
	Format: 1, Generation: 7, Name: "field", Fleet: "blue", Digest: "aa11", Number: 6, Note: "second try",
	Trust:   []string{"longwire-org-1 AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA= Headquarters"},
	Counter: 6, CounterKey: "org-aaaa-bbbb-cccc-dddd",
	Trial:  &Trial{Previous: 5, Boots: 2},
	Failed: []Failed{{Digest: "bb22", Number: 4, Why: []string{"the node does not answer"}}},
	Files:  map[string]string{NodeFile: "cc33", SISFile: "dd44"},
}

// A kit that was updated reads what the old software wrote: this file never changes, new formats get files of their own.
func TestMetaIsTheGoldenFile(t *testing.T) {
	want, err := os.ReadFile("testdata/meta-1.json")
	if err != nil {
		t.Fatal(err)
	}
	got, err := golden.encode()
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("encoded %s, %v", got, err)
	}
	m, err := decodeMeta(want)
	if err != nil || !reflect.DeepEqual(*m, golden) {
		t.Errorf("decoded %+v, %v", m, err)
	}
}

func TestMetaOfOtherSystems(t *testing.T) {
	if m, err := decodeMeta([]byte(`{"format":1,"generation":3,"name":"field","later":{"x":1}}`)); err != nil || m.Name != "field" {
		t.Errorf("of a newer system that the kit fell back from: %+v, %v", m, err)
	}
	for _, text := range []string{``, `[]`, `{"format":2}`, `{"format":0}`, `{"format":1} x`} {
		if _, err := decodeMeta([]byte(text)); err == nil {
			t.Errorf("%s was taken", text)
		}
	}
}

func FuzzMeta(f *testing.F) {
	seed, err := golden.encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(seed)
	f.Add([]byte(`{"format":1}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := decodeMeta(b)
		if err != nil {
			return
		}
		again, err := m.encode()
		if err != nil {
			t.Fatal(err)
		}
		n, err := decodeMeta(again)
		if err != nil {
			t.Fatalf("%s became %s, %v", b, again, err)
		}
		if third, err := n.encode(); err != nil || !bytes.Equal(again, third) {
			t.Errorf("%s became %s and then %s, %v", b, again, third, err)
		}
	})
}
