package admin_test

import (
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"longwire/firmware/admin"
	"longwire/links/pair"
	"longwire/store"
)

var kitToken = pair.Token{3}

var kitDoc = `
domains = ["headquarters.net"]
data = "data"
[pairing]
key = "` + pair.PrivateKey{1}.Text() + `"
[[link]]
name = "5066 link"
type = "s5066"
local_5066_address = "1.1.0.1"
[[peer]]
name = "field"
domains = ["field.net"]
links = ["5066 link"]
[peer.pairing]
token = "` + kitToken.Text() + `"
`

// What an operator sees and does while the node is stopped.
func TestKitsOfAStoppedNode(t *testing.T) {
	c := load(t, kitDoc)
	a := admin.Stopped(c)
	one := func() admin.Kit {
		t.Helper()
		kits, err := a.Kits()
		if err != nil || len(kits) != 1 {
			t.Fatal(kits, err)
		}
		return kits[0]
	}
	if k := one(); k.State != "invited" || k.Words != "invited, not heard yet" || k.Invitation != kitToken.Invitation().String() || k.Name != "field" {
		t.Errorf("before the first start: %+v", k)
	}
	if err := os.MkdirAll(c.Data, 0o700); err != nil {
		t.Fatal(err)
	}
	key := pair.PrivateKey{9}.Public()
	put := func(p store.Pairing) {
		t.Helper()
		db, err := store.Open(c.StorePath(), store.Options{})
		if err != nil {
			t.Fatal(err)
		}
		p.Invitation = kitToken.Invitation()
		if err := db.Update(func(tx *store.Tx) error { return tx.PutPairing("field", p) }); err != nil {
			t.Fatal(err)
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
	}
	now := time.Now()
	put(store.Pairing{Key: key[:], Counter: 7, Address: "1.1.0.9", First: now, Heard: now})
	if k := one(); k.State != "heard" || k.Key != key.Short() || k.Address != "1.1.0.9" || k.Silent {
		t.Errorf("%+v", k)
	}
	put(store.Pairing{Key: key[:], Counter: 7, Address: "1.1.0.9", First: now, Paired: now, Heard: now.Add(-25 * time.Hour), Rival: []byte{1}, RivalAt: now, Refused: 2})
	if k := one(); k.State != "paired" || !k.Silent || k.Conflict != "conflict: another kit uses this token" || k.Refused != 2 {
		t.Errorf("%+v", k)
	}
	put(store.Pairing{Key: key[:], Counter: 7, First: now, Paired: now, Heard: now, Rival: []byte{1}, RivalAt: now.Add(-8 * 24 * time.Hour), Refused: 2})
	if k := one(); k.State != "paired" || k.Silent || k.Conflict != "" {
		t.Errorf("the other kit was not heard for a week: %+v", k)
	}
	if k, err := a.ForgetKit("field.net", false); err != nil || k.State != "withdrawn" || k.Key != "" || k.Conflict != "" {
		t.Errorf("%+v, %v", k, err)
	}
	if k, err := a.ForgetKit("field", true); err != nil || k.State != "invited" {
		t.Errorf("%+v, %v", k, err)
	}
	if _, err := a.ForgetKit("fields", false); !errors.Is(err, admin.ErrMisuse) || !strings.Contains(err.Error(), "the kits are: field") {
		t.Error(err)
	}
	if _, err := admin.Stopped(load(t, doc)).ForgetKit("field", false); !errors.Is(err, admin.ErrMisuse) || !strings.Contains(err.Error(), "the config invites none") {
		t.Error(err)
	}
	// With another token it is another invitation.
	c = load(t, strings.Replace(kitDoc, kitToken.Text(), pair.Token{4}.Text(), 1))
	a = admin.Stopped(c)
	if k := one(); k.State != "invited" {
		t.Errorf("%+v", k)
	}
}
