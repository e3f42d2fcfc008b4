package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"longwire/images/bundle"
	"longwire/tools/cli"
	"longwire/tools/organisation"
	"longwire/xmpp/sasl"
)

// numbers are the counters of all bundles that were written.
func numbers(t *testing.T) map[string]uint64 {
	t.Helper()
	m := map[string]uint64{}
	files, err := filepath.Glob("bundles/*.lwb")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		v, err := bundle.ReadHead(read(t, f), nil)
		if err != nil {
			t.Fatal(err)
		}
		m[v.Name] = v.Head.Counter
	}
	return m
}

func TestSecondRunChangesNothing(t *testing.T) {
	inHouse(t, starDoc(3)+"[[kit.user]]\nname = \"bob\"\n")
	write(t)
	before := map[string][]byte{}
	for name := range numbers(t) {
		before[name] = read(t, filepath.Join("bundles", name+".lwb"))
	}
	if err := os.RemoveAll("bundles"); err != nil { // the stick was given away
		t.Fatal(err)
	}
	out := write(t)
	if strings.Count(out, "as before") != 4 {
		t.Errorf("%s", out)
	}
	for name, b := range before {
		if !bytes.Equal(b, read(t, filepath.Join("bundles", name+".lwb"))) {
			t.Errorf("%s is another one", name)
		}
	}
}

func TestOnlyChangedEndsGetTheNextNumber(t *testing.T) {
	inHouse(t, starDoc(3))
	write(t)
	doc := string(read(t, "star.toml"))
	step := func(what, doc string, want map[string]uint64, args ...string) {
		t.Helper()
		file(t, "star.toml", doc)
		write(t, args...)
		for name, n := range numbers(t) {
			if n != want[name] {
				t.Errorf("%s: %s has no. %d, want %d", what, name, n, want[name])
			}
		}
	}
	step("as it was", doc, map[string]uint64{"headquarters": 1, "kit0": 1, "kit1": 1, "kit2": 1})
	doc += "[[kit.user]]\nname = \"bob\"\n"
	step("a user at one kit, whose name headquarters has to know", doc, map[string]uint64{"headquarters": 2, "kit0": 1, "kit1": 1, "kit2": 2})
	doc = strings.Replace(doc, `address = "1.1.1.0"`, `address = "1.1.1.99"`, 1)
	step("one kit's address", doc, map[string]uint64{"headquarters": 3, "kit0": 2, "kit1": 1, "kit2": 2})
	doc = strings.Replace(doc, "sap = 7", "sap = 8", 1)
	step("everybody's SAP", doc, map[string]uint64{"headquarters": 4, "kit0": 3, "kit1": 1, "kit2": 3}) // kit1 has no HF
	step("one kit's token", doc, map[string]uint64{"headquarters": 5, "kit0": 4, "kit1": 1, "kit2": 3}, "--new-token", "kit0")
	step("nothing more", doc, map[string]uint64{"headquarters": 5, "kit0": 4, "kit1": 1, "kit2": 3})
	if code, out := twin(t, "write", "star.toml", "--new-token", "kit9"); code != cli.Failed || !strings.Contains(out, "no such kit") {
		t.Errorf("%d %s", code, out)
	}
}

func TestBundleIsSealedOnceTheKitHasReported(t *testing.T) {
	inHouse(t, pairDoc)
	if out := write(t); !strings.Contains(out, "field: there is no field.txt yet") || strings.Count(out, "NOT SEALED") != 2 || !strings.Contains(out, "whoever finds the stick") {
		t.Errorf("no warning:\n%s", out)
	}
	identity, recipient, err := bundle.NewIdentity()
	if err != nil {
		t.Fatal(err)
	}
	file(t, "field.txt", "LONGWIRE\npublic key  "+recipient+"\n")
	if out := write(t); strings.Count(out, "NOT SEALED") != 1 {
		t.Errorf("%s", out)
	}
	c := got(t, "field", identity)
	id, err := bundle.KitID(recipient)
	if err != nil || !c.Sealed || c.Target.KitID != id || c.Counter != 2 {
		t.Errorf("%+v, %v", c.Head, err)
	}
	if bytes.Contains(read(t, "bundles/field.lwb"), []byte("SCRAM")) {
		t.Error("it can be read")
	}
	before := read(t, "bundles/field.lwb")
	write(t)
	if !bytes.Equal(before, read(t, "bundles/field.lwb")) {
		t.Error("sealed anew without a reason")
	}
}

func TestUsersCanLogInWithTheirPasswords(t *testing.T) {
	inHouse(t, pairDoc)
	write(t)
	fits := func(name, address, password string) {
		t.Helper()
		user := at(t, settings(t, got(t, name, "").Docs.Node), "user", 0).(table)
		creds, _ := user["credentials"].([]any)
		if user["address"] != address || len(creds) != 2 {
			t.Fatalf("%v", user)
		}
		for _, text := range creds {
			c, err := sasl.ParseCredential(text.(string))
			if err != nil || !c.Verify(password) {
				t.Errorf("%s: %v", address, err)
			}
		}
	}
	fits("headquarters", "alice@headquarters.net", "open sesame")
	page := string(read(t, "organisation/passwords/field.txt"))
	_, made, _ := strings.Cut(page, "password  ")
	fits("field", "bob@field.net", strings.TrimSpace(made))
	if _, err := os.Stat("organisation/passwords/headquarters.txt"); err == nil {
		t.Error("a password that was given is written down")
	}
	for _, name := range []string{"organisation/passwords/field.txt", "organisation/secrets.json", "organisation/ledger.json", "organisation/issued/field.lwb", "bundles/field.lwb"} {
		if info, err := os.Stat(name); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", name, info, err)
		}
	}
	// Another password makes other credentials, and nothing else new.
	file(t, "star.toml", strings.Replace(pairDoc, "open sesame", "close sesame", 1))
	write(t)
	fits("headquarters", "alice@headquarters.net", "close sesame")
	if n := numbers(t); n["headquarters"] != 2 || n["field"] != 1 {
		t.Errorf("%v", n)
	}
}

func TestARenamedKitIsReachedByItsOldName(t *testing.T) {
	inHouse(t, pairDoc)
	write(t)
	write(t)
	file(t, "star.toml", strings.Replace(pairDoc, `name = "field"`, "name = \"camp\"\nformer_name = \"field\"", 1))
	write(t)
	if c := got(t, "camp", ""); c.Target.Name != "field" || c.Name != "camp" || c.Counter != 2 {
		t.Errorf("%+v", c.Head)
	}
	file(t, "star.toml", strings.Replace(pairDoc, `name = "field"`, `name = "camp"`, 1))
	write(t)
	if c := got(t, "camp", ""); c.Target.Name != "camp" || c.Counter != 3 {
		t.Errorf("%+v", c.Head)
	}
}

func TestARenamedKitStaysPaired(t *testing.T) {
	inHouse(t, pairDoc)
	write(t)
	token := func(name string) any {
		return at(t, settings(t, got(t, name, "").Docs.Node), "peer", 0, "pairing", "token")
	}
	before := token("field")
	file(t, "star.toml", strings.Replace(pairDoc, `name = "field"`, "name = \"camp\"\nformer_name = \"field\"", 1))
	write(t)
	file(t, "star.toml", strings.Replace(pairDoc, `name = "field"`, `name = "camp"`, 1))
	write(t)
	if before == nil || token("camp") != before || token("headquarters") != before {
		t.Errorf("%v, %v, %v", before, token("camp"), token("headquarters"))
	}
}

func TestWhoHasLostCountSaysWhereToGoOn(t *testing.T) {
	inHouse(t, pairDoc)
	write(t)
	for _, step := range []struct {
		args []string
		want uint64
	}{{[]string{"--counter", "20"}, 20}, {nil, 20}, {[]string{"--counter", "20"}, 20}, {[]string{"--counter", "5"}, 20}, {[]string{"--counter", "21"}, 21}} {
		write(t, step.args...)
		if n := numbers(t); n["headquarters"] != step.want || n["field"] != step.want {
			t.Errorf("%v: %v, want %d", step.args, n, step.want)
		}
	}
}

func TestTrustKeepsTheOwnKey(t *testing.T) {
	other, err := bundle.NewSigner("Partner")
	if err != nil {
		t.Fatal(err)
	}
	inHouse(t, "trust = [\"partner.pub\"]\n"+pairDoc)
	file(t, "partner.pub", other.Public().String())
	write(t)
	c := got(t, "field", "")
	if len(c.Trust) != 2 || !c.Trust[1].Equal(other.Public()) || c.Trust[0].Name != "Example Relief" {
		t.Errorf("%v", c.Trust)
	}
}

func TestKeyIsChangedInTwoSteps(t *testing.T) {
	inHouse(t, pairDoc)
	write(t)
	f, err := organisation.Create("new", "Example Relief")
	if err != nil {
		t.Fatal(err)
	}
	s, err := f.Signer()
	if err != nil {
		t.Fatal(err)
	}
	file(t, "star.toml", "trust = [\"new/org.pub\"]\n"+pairDoc)
	write(t)
	both := got(t, "field", "") // signed by the old key
	if len(both.Trust) != 2 || !both.Trust[1].Equal(s.Public()) || both.Counter != 2 {
		t.Fatalf("%+v", both)
	}
	for _, name := range []string{"ledger.json", "secrets.json"} {
		file(t, filepath.Join("new", name), string(read(t, filepath.Join("organisation", name))))
	}
	file(t, "star.toml", "organisation = \"new\"\ntrust = []\n"+pairDoc)
	write(t)
	v, err := bundle.ReadHead(read(t, "bundles/field.lwb"), both.Trust)
	if err != nil {
		t.Fatal(err)
	}
	if !v.Key.Equal(s.Public()) || len(v.Trust) != 1 || !v.Trust[0].Equal(s.Public()) || v.Head.Counter != 3 {
		t.Errorf("%+v", v)
	}
	c, err := v.Config("")
	if err != nil || c.Docs.Node != both.Docs.Node {
		t.Errorf("the settings are not the same: %v", err)
	}
}

func TestShowPrintsAnEnd(t *testing.T) {
	inHouse(t, pairDoc)
	code, out := twin(t, "show", "star.toml", "field")
	if code != cli.OK || !strings.Contains(out, "bob@field.net") || strings.Contains(out, "address = 'alice@") || !strings.Contains(out, "/dev/ttyS1") {
		t.Errorf("%d %s", code, out)
	}
	if write(t); got(t, "field", "").Docs.Node != strings.SplitAfter(out, "\n\n# s5066d.toml")[0][:len(got(t, "field", "").Docs.Node)] {
		t.Error("what is written is not what was shown")
	}
	if code, out = twin(t, "show", "star.toml", "nobody"); code != cli.Failed {
		t.Errorf("%s", out)
	}
}

func TestWithoutAnOrganisationNothingIsWritten(t *testing.T) {
	t.Chdir(t.TempDir())
	t.Setenv("PATH", t.TempDir())
	file(t, "star.toml", pairDoc)
	if code, out := twin(t, "write", "star.toml"); code != cli.Failed || !strings.Contains(out, "mkbundle keys new") {
		t.Errorf("%d %s", code, out)
	}
	if code, out := twin(t, "check", "star.toml"); code != cli.OK || !strings.Contains(out, "no faults") {
		t.Errorf("check needs none: %d %s", code, out)
	}
	if _, err := os.Stat("bundles"); err == nil {
		t.Error("there is a folder")
	}
}
