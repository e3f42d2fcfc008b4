package provision

import (
	"cmp"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"

	"longwire/images/bundle"
)

// Refusal is why something is not done, for a reader who knows sticks and not formats.
type Refusal struct {
	Problem string // a sentence's worth, without its full stop
	Remedy  string
}

func (r *Refusal) Error() string {
	if r.Remedy == "" {
		return r.Problem
	}
	return r.Problem + "; " + r.Remedy
}

func refuse(remedy, format string, args ...any) *Refusal {
	return &Refusal{Problem: fmt.Sprintf(format, args...), Remedy: remedy}
}

// asRefusal puts any error into words.
func asRefusal(err error) *Refusal {
	var b *bundle.Error
	var r *Refusal
	switch {
	case errors.As(err, &r):
		return r
	case errors.As(err, &b):
		return &Refusal{b.Problem, b.Remedy}
	}
	return &Refusal{Problem: err.Error(), Remedy: "try another stick"}
}

// Verdict is what a bundle is to this kit.
type Verdict uint8

// Verdicts.
const (
	Bad     Verdict = iota // not to be believed, or wrong
	Foreign                // rightly made, for others
	Already                // in force
	Ready                  // it can be applied
)

// Plan is a bundle that was judged whole and found good.
type Plan struct {
	Config *bundle.Config
	Key    bundle.Key // who signed
	Digest string     // hex

	trust []bundle.Key
	docs  documents
}

// Judge tells what a config bundle is to this kit, and changes nothing. anew: a person has just brought it, so that one whose trial
// failed may have another. The plan is there if the verdict is Ready, and the head whenever the signature was right.
func (k *Kit) Judge(b []byte, anew bool) (verdict Verdict, head *bundle.Verified, plan *Plan, err error) {
	v, err := k.head(b)
	switch {
	case v == nil:
		return Bad, nil, nil, err
	case err != nil:
		return Foreign, v, nil, err
	}
	m := k.Meta()
	digest := hex.EncodeToString(v.Digest[:])
	if digest == m.Digest {
		return Already, v, nil, nil
	}
	if err := k.counter(&m, v, digest, anew); err != nil {
		return Bad, v, nil, err
	}
	fresh, err := k.newTrust(v)
	if err != nil {
		return Bad, v, nil, err
	}
	c, err := v.Config(k.identity)
	if err != nil {
		return Bad, v, nil, asRefusal(err)
	}
	docs, err := k.judgeDocuments(c)
	if err != nil {
		return Bad, v, nil, err
	}
	return Ready, v, &Plan{Config: c, Key: v.Key, Digest: digest, trust: fresh, docs: docs}, nil
}

// head verifies a bundle's signature and tells whether it is for this kit: without a head it is not to be believed, and with both a head
// and an error it is for others.
func (k *Kit) head(b []byte) (*bundle.Verified, error) {
	trust, err := k.Trust()
	if err != nil {
		return nil, err
	}
	v, err := bundle.ReadHead(b, trust)
	if err != nil {
		return nil, asRefusal(err)
	}
	m := k.Meta()
	return v, k.target(&m, v.Head.Target, v.Name)
}

// target tells whom else a bundle is for; name is what the kit would be called.
func (k *Kit) target(m *Meta, t bundle.Target, name string) error {
	switch {
	case t.KitID != "" && t.KitID != k.id:
		return refuse("", "it is for another kit, %s", t.KitID)
	case t.Board != "" && k.o.Board != "" && t.Board != k.o.Board:
		return refuse("", "it is for another kind of board, %s", t.Board)
	case m.Digest == "":
		return nil // whoever it makes of this kit
	}
	if t.KitID == "" {
		t.Name = cmp.Or(t.Name, name)
	}
	switch {
	case t.Name != "" && t.Name != m.Name:
		return refuse("to turn this kit into that one, reset it first, or have the bundle made for its id", "it is for the kit %q", t.Name)
	case t.Fleet != "" && t.Fleet != m.Fleet:
		return refuse("", "it is for the fleet %q", t.Fleet)
	}
	return nil
}

// counter enforces the order of bundles.
func (k *Kit) counter(m *Meta, v *bundle.Verified, digest string, anew bool) error {
	n := v.Head.Counter
	if n >= MaxCounter {
		return refuse("have it made again with the next number", "its number is %d, after which no bundle could ever follow", n)
	}
	if m.Digest == "" && m.CounterKey != v.Key.ID() {
		return nil
	}
	const older = "have a new one made; the program that makes them counts up by itself"
	if i := slices.IndexFunc(m.Failed, func(f Failed) bool { return f.Digest == digest }); i >= 0 {
		switch {
		case n < m.Counter:
			return refuse(older, "its number is %d, and this kit has seen number %d", n, m.Counter)
		case !anew:
			why := strings.Join(m.Failed[i].Why, "; ")
			return refuse("repair what was wrong or have a new bundle made; to try this one again as it is, pull the stick out and plug it in again",
				"the kit has tried it already and has gone back (%s)", cmp.Or(why, "the reason is not known"))
		}
		return nil
	}
	switch {
	case n < m.Counter:
		return refuse(older, "it is an old one: its number is %d, and this kit has seen number %d", n, m.Counter)
	case n == m.Counter:
		return refuse(older, "it is not new: this kit has seen another bundle with the same number, %d", n)
	}
	return nil
}

// newTrust are the keys that the kit would trust from then on, if they are others.
func (k *Kit) newTrust(v *bundle.Verified) ([]bundle.Key, error) {
	fresh := v.Trust
	if len(fresh) == 0 {
		old, err := k.pinned()
		if err != nil || len(old) > 0 {
			return old, err
		}
		fresh = []bundle.Key{v.Key}
	}
	if !slices.ContainsFunc(fresh, k.anchored) {
		return nil, refuse("have it made with a key that the image knows", "it gives the kit to keys that this image does not accept")
	}
	return fresh, nil
}
