package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"longwire/images/bundle"
)

// org is an organisation in a test's folder.
type org struct {
	dir    string
	signer bundle.Signer
}

func newOrg(t *testing.T) *org {
	t.Helper()
	s, err := bundle.NewSigner("Example Relief")
	if err != nil {
		t.Fatal(err)
	}
	o := &org{t.TempDir(), s}
	o.file(t, "org.pub", []byte(s.Public().String()+"\n"))
	return o
}

func (o *org) path(name string) string { return filepath.Join(o.dir, name) }

func (o *org) file(t *testing.T, name string, b []byte) string {
	t.Helper()
	if err := os.WriteFile(o.path(name), b, 0o600); err != nil {
		t.Fatal(err)
	}
	return o.path(name)
}

// config writes a bundle of settings for field.
func (o *org) config(t *testing.T, name string, counter uint64, recipient string, docs bundle.Documents) string {
	t.Helper()
	c := bundle.Config{Head: bundle.Head{Counter: counter, Target: bundle.Target{Name: "field"}}, Name: "field", Fleet: "north", Docs: docs}
	b, err := c.Encode(o.signer, recipient)
	if err != nil {
		t.Fatal(err)
	}
	return o.file(t, name, b)
}

// system writes a system bundle.
func (o *org) system(t *testing.T, name, version string, counter uint64) string {
	t.Helper()
	var b bytes.Buffer
	_, err := bundle.WriteSystem(&b, bundle.System{Head: bundle.Head{Counter: counter, Target: bundle.Target{Board: "rpi4"}}, Version: version},
		o.signer, bytes.NewReader(bytes.Repeat([]byte("image of "+version), 10000)))
	if err != nil {
		t.Fatal(err)
	}
	return o.file(t, name, b.Bytes())
}

const oldNode = `domains = ["field.net"]
[log]
level = "info"
[[link]]
name = "5066 link"
type = "s5066"
local_5066_address = "1.1.0.2"
[[peer]]
name = "headquarters"
domains = ["headquarters.net"]
links = ["5066 link"]
[peer.s5066]
remote_5066_address = "1.1.0.1"
[peer.pairing]
token = "oldtokenoldtokenoldtokenol"
[[user]]
address = "bob@field.net"
credentials = ["SCRAM-SHA-256$4096:b2xk$b2xk:b2xk"]
`

func TestBundleInspectShowsWhatItIs(t *testing.T) {
	o := newOrg(t)
	file := o.config(t, "field.lwb", 7, "", bundle.Documents{Node: oldNode, Kit: "hostname = \"field\"\n"})
	code, out, errs := longwire(t, "", "bundle", "inspect", file)
	if code != exitOK {
		t.Fatal(errs)
	}
	for _, want := range []string{"no. 7, for any kit named field", o.signer.Public().ID(), "Example Relief", "not sealed", "longwire.toml", "north"} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is missing:\n%s", want, out)
		}
	}
	if strings.Contains(out, "oldtoken") || strings.Contains(out, "SCRAM") {
		t.Errorf("it prints secrets:\n%s", out)
	}
	code, out, _ = longwire(t, "", "bundle", "inspect", "--json", file)
	var v struct {
		Kind     string
		Counter  uint64
		Verified bool
		Config   struct {
			Name      string
			Documents []struct{ Name string }
		}
	}
	if err := json.Unmarshal([]byte(out), &v); err != nil || code != exitOK {
		t.Fatalf("%d, %v: %s", code, err, out)
	}
	if v.Kind != "config" || v.Counter != 7 || v.Verified || v.Config.Name != "field" || len(v.Config.Documents) != 2 || strings.Contains(out, "oldtoken") {
		t.Errorf("%s", out)
	}
}

func TestSealedBundleIsInspectedWithAndWithoutItsKey(t *testing.T) {
	o := newOrg(t)
	identity, recipient, err := bundle.NewIdentity()
	if err != nil {
		t.Fatal(err)
	}
	file, key := o.config(t, "field.lwb", 7, recipient, bundle.Documents{Node: oldNode}), o.file(t, "key", []byte(identity+"\n"))
	if code, out, errs := longwire(t, "", "bundle", "inspect", file); code != exitOK || !strings.Contains(out, "only the kit can open it") || strings.Contains(out, "longwire.toml") {
		t.Errorf("%d %s %s", code, out, errs)
	}
	if code, out, errs := longwire(t, "", "bundle", "inspect", file, "--identity", key); code != exitOK || !strings.Contains(out, "longwire.toml") {
		t.Errorf("%d %s %s", code, out, errs)
	}
	if code, _, errs := longwire(t, "", "bundle", "diff", file, file); code != exitFailed || !strings.Contains(errs, "--identity") {
		t.Errorf("%d %s", code, errs)
	}
	if code, out, errs := longwire(t, "", "bundle", "diff", file, file, "--identity", key); code != exitOK || !strings.Contains(out, "Nothing changes.") {
		t.Errorf("%d %s %s", code, out, errs)
	}
}

func TestBundleVerifyNeedsTheRightKeyAndAWholeFile(t *testing.T) {
	o, other := newOrg(t), newOrg(t)
	for _, file := range []string{o.config(t, "field.lwb", 7, "", bundle.Documents{Node: oldNode}), o.system(t, "new.lws", "1.4", 3)} {
		if code, out, errs := longwire(t, "", "bundle", "verify", file, "--key", o.path("org.pub")); code != exitOK || !strings.Contains(out, "It is whole") {
			t.Errorf("%s: %d %s", file, code, errs)
		}
		if code, _, errs := longwire(t, "", "bundle", "verify", file, "--key", other.path("org.pub")); code != exitFailed || !strings.Contains(errs, "signed by "+o.signer.Public().ID()) {
			t.Errorf("%s: %d %s", file, code, errs)
		}
		if code, _, errs := longwire(t, "", "bundle", "verify", file); code != exitMisuse || !strings.Contains(errs, "--key") {
			t.Errorf("%s: %d %s", file, code, errs)
		}
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		b[len(b)-1] ^= 1
		spoilt := o.file(t, "spoilt", b)
		if code, _, errs := longwire(t, "", "bundle", "verify", spoilt, "--key", o.path("org.pub")); code != exitFailed || !strings.Contains(errs, "copy the file") {
			t.Errorf("spoilt %s: %d %s", file, code, errs)
		}
	}
}

func TestBundleDiffTellsWhatChangesForWhom(t *testing.T) {
	o := newOrg(t)
	newNode := strings.NewReplacer(
		`level = "info"`, `level = "debug"`,
		`local_5066_address = "1.1.0.2"`, "local_5066_address = \"1.1.0.2\"\nsap = 7",
		"oldtoken", "newtoken",
		"bob@", "ben@",
	).Replace(oldNode)
	old := o.config(t, "old.lwb", 7, "", bundle.Documents{Node: oldNode, SIS: "address = \"1.1.0.2\"\n[modem]\nrate = 300\nchannel = \"x\"\n"})
	fresh := o.config(t, "new.lwb", 8, "", bundle.Documents{Node: newNode, SIS: "address = \"1.1.0.2\"\n[modem]\nrate = 600\n"})
	code, out, errs := longwire(t, "", "bundle", "diff", old, fresh)
	if code != exitOK {
		t.Fatal(errs)
	}
	want := old + `: no. 7
` + fresh + `: no. 8

longwire.toml
  log.level: "info" -> "debug"
  link "5066 link"
    sap: 7
  peer "headquarters"
    pairing.token: a secret, changed
  user "ben@field.net": added
    address: "ben@field.net"
    credentials: a secret, added
  user "bob@field.net": removed

s5066d.toml
  modem.rate: 300 -> 600
  modem.channel: "x" -> not set
`
	if out != want {
		t.Errorf("got\n%s\nwant\n%s", out, want)
	}
	if code, out, _ = longwire(t, "", "bundle", "diff", fresh, old); code != exitOK || !strings.Contains(out, "its number is not higher") {
		t.Errorf("%d %s", code, out)
	}
	code, out, _ = longwire(t, "", "bundle", "diff", old, fresh, "--json")
	var d struct {
		Changes []struct {
			File, Of, Key, What, Old, New string
			Secret                        bool
		}
	}
	if err := json.Unmarshal([]byte(out), &d); err != nil || code != exitOK || len(d.Changes) != 9 {
		t.Errorf("%d, %v: %s", code, err, out)
	}
	for _, secret := range []string{"oldtoken", "newtoken", "SCRAM"} {
		if strings.Contains(out, secret) {
			t.Errorf("JSON has the secret %s", secret)
		}
	}
}

func TestBundleDiffOfSystems(t *testing.T) {
	o := newOrg(t)
	old, fresh := o.system(t, "old.lws", "1.3", 3), o.system(t, "new.lws", "1.4", 4)
	if code, out, errs := longwire(t, "", "bundle", "diff", old, fresh); code != exitOK || !strings.Contains(out, "version: 1.3 -> 1.4") {
		t.Errorf("%d %s %s", code, out, errs)
	}
	settings := o.config(t, "field.lwb", 7, "", bundle.Documents{Node: oldNode})
	if code, _, errs := longwire(t, "", "bundle", "diff", old, settings); code != exitFailed || !strings.Contains(errs, "compare two of a kind") {
		t.Errorf("%d %s", code, errs)
	}
}

func TestBundleCommandsOnOtherFiles(t *testing.T) {
	o := newOrg(t)
	for file, want := range map[string]string{
		o.file(t, "picture.lwb", []byte("\x89PNG\r\n\x1a\n"+strings.Repeat("x", 200))): "not a Longwire bundle",
		o.file(t, "empty.lwb", nil): "the file is empty",
		o.dir:                       "it is not a file",
		o.path("none.lwb"):          "no such file",
	} {
		if code, _, errs := longwire(t, "", "bundle", "inspect", file); code != exitFailed || !strings.Contains(errs, want) {
			t.Errorf("%s: %d %s", file, code, errs)
		}
	}
}
