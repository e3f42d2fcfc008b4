package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"longwire/firmware/admin"
	"longwire/links/pair"
	"longwire/store"
)

// What 'kit key' prints is what both configs need, and fits together.
func TestKitKeyMakesBothSides(t *testing.T) {
	link := `
[[link]]
name = "5066 link"
type = "s5066"
local_5066_address = "1.1.0.1"
[[peer]]
name = "field"
domains = ["field.net"]
links = ["5066 link"]
s5066.remote_5066_address = "1.1.0.2"
`
	use(t, "domains = [\"headquarters.net\"]\n"+link)
	code, out, errs := longwire(t, "", "kit", "key")
	parts := strings.Split(out, "\n\n")
	if code != 0 || len(parts) != 3 || errs != "" {
		t.Fatal(code, out, errs)
	}
	for name, doc := range map[string]string{
		"headquarters": "domains = [\"headquarters.net\"]\n" + parts[0] + link + parts[1],
		"kit":          "domains = [\"headquarters.net\"]\n" + link + parts[2],
	} {
		path := use(t, doc)
		if code, out, _ := longwire(t, "", "check"); code != 0 || strings.Contains(out, "warning") {
			t.Errorf("%s: %s\n%s", name, out, doc)
		}
		if name == "headquarters" {
			// The next kit has the same headquarters, and a token of its own.
			_, next, _ := longwire(t, "", "kit", "key", "--config", path)
			if strings.Contains(next, "[pairing]") || !strings.Contains(next, parts[2][strings.Index(parts[2], "headquarters_key"):]) || strings.Contains(next, parts[1]) {
				t.Errorf("%s\nand then\n%s", out, next)
			}
		}
	}
}

func TestKitsAreListedAndForgotten(t *testing.T) {
	token := pair.Token{1, 2}
	path := use(t, `
domains = ["headquarters.net"]
data = "data"
pairing.key = "`+pair.PrivateKey{1}.Text()+`"
[[link]]
name = "5066 link"
type = "s5066"
local_5066_address = "1.1.0.1"
[[peer]]
name = "field"
domains = ["field.net"]
links = ["5066 link"]
pairing.token = "`+token.Text()+`"
`)
	says := func(want []string, args ...string) {
		t.Helper()
		code, out, errs := longwire(t, "", args...)
		for _, w := range want {
			if code != 0 || !strings.Contains(strings.Join(strings.Fields(out+errs), " "), w) {
				t.Errorf("%q: no %q in\n%s%s", args, w, out, errs)
			}
		}
		if strings.Contains(out+errs, token.Text()) {
			t.Errorf("%q tells the token", args)
		}
	}
	says([]string{"KIT DOMAINS STATE HEARD ADDRESS KEY REFUSED WAITING", "field field.net invited - - - 0 0", "field: invited, not heard yet"}, "kit", "list")
	dir := filepath.Join(filepath.Dir(path), "data")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	db, err := store.Open(filepath.Join(dir, "longwire.db"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	key, rival := pair.PrivateKey{1: 1}.Public(), pair.PrivateKey{1: 2}.Public()
	at := time.Now().Add(-50 * time.Hour)
	rec := store.Pairing{Invitation: token.Invitation(), Key: key[:], Counter: 3, Address: "1.1.0.2", First: at, Paired: at, Heard: at}
	put := func() {
		t.Helper()
		if err := db.Update(func(tx *store.Tx) error { return tx.PutPairing("field", rec) }); err != nil {
			t.Fatal(err)
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
	}
	put()
	says([]string{"field field.net silent 2d02h ago 1.1.0.2 " + key.Short() + " 0 0", "field: silent since 2d02h ago"}, "kit", "list")
	if db, err = store.Open(filepath.Join(dir, "longwire.db"), store.Options{}); err != nil {
		t.Fatal(err)
	}
	rec.Heard, rec.Rival, rec.RivalAt, rec.Refused = time.Now(), rival[:], time.Now(), 2
	put()
	says([]string{"paired, CONFLICT", "field: conflict: another kit uses this token, with the key " + rival.Short() + ", heard 0s ago; if that one is the right one: longwire kit forget field --again"}, "kit", "list")
	_, out, _ := longwire(t, "", "kit", "list", "--json")
	var kits []admin.Kit
	if err := json.Unmarshal([]byte(out), &kits); err != nil || len(kits) != 1 || kits[0].State != "paired" || kits[0].Conflict != "conflict: another kit uses this token" || kits[0].Refused != 2 {
		t.Errorf("%v: %s", err, out)
	}
	says([]string{"field is forgotten", "Its token is good for nobody", "No node is running here; the change is in"}, "kit", "forget", "field.net")
	says([]string{"field field.net withdrawn", "field: taken back: it needs a new token"}, "kit", "list")
	says([]string{"The next kit that introduces itself with its token (invitation " + token.Invitation().String() + ") is field"}, "kit", "forget", "field", "--again")
	says([]string{"field field.net invited"}, "kit", "list")
	if code, _, errs := longwire(t, "", "kit", "forget", "fields"); code != 2 || !strings.Contains(errs, `there is no kit "fields"; the kits are: field`) {
		t.Error(code, errs)
	}
}
