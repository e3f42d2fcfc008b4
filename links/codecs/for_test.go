package codecs_test

import (
	"fmt"
	"strings"
	"testing"

	"longwire/links/codec"
	"longwire/links/codecs"
)

// The best comes first, and what is the same with and without names is there once.
func TestFor(t *testing.T) {
	names := codec.Provision{JIDs: []string{"ann@north.example"}}
	for _, tt := range []struct {
		best codecs.Kind
		p    codec.Provision
		want []codecs.Kind
	}{
		{codecs.Mix, names, []codecs.Kind{codecs.Mix, codecs.Mix, codecs.Light, codecs.Light}},
		{codecs.Mix, codec.Provision{}, []codecs.Kind{codecs.Mix, codecs.Light}},
		{codecs.Light, names, []codecs.Kind{codecs.Light, codecs.Light}},
		{codecs.Raw, names, nil},
	} {
		all, err := codecs.For(tt.best, tt.p)
		if err != nil {
			t.Fatal(err)
		}
		var kinds []codecs.Kind
		seen := map[codecs.Codec]bool{}
		for _, m := range all {
			kinds = append(kinds, m.Kind)
			if seen[m.Codec] || m.New == nil || m.Canonical == nil {
				t.Errorf("%d: %v is there twice, or of no use", tt.best, m.Codec)
			}
			seen[m.Codec] = true
		}
		if fmt.Sprint(kinds) != fmt.Sprint(tt.want) {
			t.Errorf("%d: %v, want %v", tt.best, kinds, tt.want)
		}
	}
}

func TestForTooMuch(t *testing.T) {
	for _, best := range []codecs.Kind{codecs.Mix, codecs.Light} {
		if _, err := codecs.For(best, codec.Provision{Strings: []string{strings.Repeat("again ", 1<<16)}}); err == nil {
			t.Errorf("%d: 400 kB of texts are taken", best)
		}
	}
}
