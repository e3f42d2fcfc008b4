package codec_test

import (
	"bytes"
	"errors"
	"testing"

	"longwire/links/codec"
	"longwire/links/codec/arith"
	"longwire/links/codec/lore"
)

func small(lines ...string) *codec.Lore {
	d := lore.Data{Stanzas: stanzas}
	for _, l := range lines {
		d.Lines = append(d.Lines, []byte(l))
	}
	l, err := codec.New(d)
	if err != nil {
		panic(err)
	}
	return l
}

func TestSnapshotKnowsTheSame(t *testing.T) {
	first := small("the boat is late", "the bridge is closed")
	snap := first.Snapshot()
	second := small("the boat is late", "the bridge is closed")
	if err := second.Restore(snap); err != nil {
		t.Fatal(err)
	}
	a, b := first.Model(), second.Model()
	for _, s := range stanzas {
		s, err := codec.Canonical(s)
		if err != nil {
			t.Fatal(err)
		}
		if !equal(a.Plan(s, nil), b.Plan(s, nil)) {
			t.Fatal("a restored lore plans otherwise")
		}
	}
	if !bytes.Equal(second.Snapshot(), snap) {
		t.Error("its snapshot is another")
	}
}

func equal(a, b []arith.Choice) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

func TestBadSnapshotsAreRefused(t *testing.T) {
	l := small("the boat is late")
	good := l.Snapshot()
	if err := small("another").Restore(good); !errors.Is(err, codec.ErrOther) {
		t.Errorf("of other data: %v", err)
	}
	for i := 0; i < len(good); i += 1 + len(good)/50 {
		bad := bytes.Clone(good)
		bad[i] ^= 4
		if err := small("the boat is late").Restore(bad); !errors.Is(err, codec.ErrSnapshot) && !errors.Is(err, codec.ErrOther) {
			t.Errorf("byte %d changed: %v", i, err)
		}
		if err := small("the boat is late").Restore(good[:i]); !errors.Is(err, codec.ErrSnapshot) {
			t.Errorf("cut at %d: %v", i, err)
		}
	}
}
