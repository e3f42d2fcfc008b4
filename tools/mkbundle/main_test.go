package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"longwire/images/bundle"
	"longwire/store"
	"longwire/tools/cli"
)

// mkbundle runs a command in a folder and returns its code and all that it printed.
func mkbundle(t *testing.T, args ...string) (int, string) {
	t.Helper()
	var out bytes.Buffer
	code := program().Run(args, &out, &out)
	return code, out.String()
}

// house makes an organisation in a fresh folder, which becomes the current one.
func house(t *testing.T) {
	t.Helper()
	t.Chdir(t.TempDir())
	if code, out := mkbundle(t, "keys", "new", "--name", "Example Relief"); code != cli.OK {
		t.Fatal(out)
	}
	write(t, "longwire.toml", "domains = [\"field.net\"]\n")
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func keys(t *testing.T) []bundle.Key {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("organisation", "org.pub"))
	if err != nil {
		t.Fatal(err)
	}
	keys, err := bundle.ParseKeys(b)
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

func readConfig(t *testing.T, file string) *bundle.Verified {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	v, err := bundle.ReadHead(b, keys(t))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestSecretKeyIsForItsOwnerOnlyAndNeverReplaced(t *testing.T) {
	house(t)
	secret := filepath.Join("organisation", "org.secret")
	info, err := os.Stat(secret)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if code, out := mkbundle(t, "keys", "new", "--name", "Again"); code != cli.Failed || !strings.Contains(out, "there is a key already") {
		t.Errorf("second key: %d %s", code, out)
	}
	if err := os.Chmod(secret, 0o640); err != nil {
		t.Fatal(err)
	}
	if code, out := mkbundle(t, "keys", "show"); code != cli.Failed || !strings.Contains(out, "others can read") {
		t.Errorf("readable key: %d %s", code, out)
	}
}

func TestConfigBundlesAreCountedByKit(t *testing.T) {
	house(t)
	for _, step := range []struct {
		args    string
		file    string
		counter uint64
	}{
		{"--name field", "field.lwb", 1},
		{"--name field", "field.lwb", 2},
		{"--name ship", "ship.lwb", 1},
		{"--name field --counter 40", "field.lwb", 40},
		{"--name field --counter 7 --out old.lwb", "old.lwb", 7},
		{"--name field", "field.lwb", 41},
		{"--name camp --former-name field", "camp.lwb", 42},
		{"--name camp", "camp.lwb", 43},
	} {
		args := append([]string{"config", "--node", "longwire.toml"}, strings.Fields(step.args)...)
		if code, out := mkbundle(t, args...); code != cli.OK {
			t.Fatalf("%s: %s", step.args, out)
		}
		if v := readConfig(t, step.file); v.Head.Counter != step.counter {
			t.Errorf("%s: counter %d, want %d", step.args, v.Head.Counter, step.counter)
		}
	}
	if v := readConfig(t, "camp.lwb"); v.Head.Target.Name != "camp" || v.Name != "camp" {
		t.Errorf("target %+v, name %s", v.Head.Target, v.Name)
	}
}

func TestReportOfAKitSealsItsBundle(t *testing.T) {
	house(t)
	identity, recipient, err := bundle.NewIdentity()
	if err != nil {
		t.Fatal(err)
	}
	write(t, "report.txt", "This kit is new.\nIts public key: "+recipient+".\n")
	if code, out := mkbundle(t, "config", "--name", "field", "--node", "longwire.toml", "--report", "report.txt"); code != cli.OK || strings.Contains(out, "Not sealed") {
		t.Fatalf("%d %s", code, out)
	}
	c, err := readConfig(t, "field.lwb").Config(identity)
	if err != nil || !c.Sealed || c.Docs.Node != "domains = [\"field.net\"]\n" {
		t.Errorf("%+v, %v", c, err)
	}
	if _, out := mkbundle(t, "config", "--name", "field", "--node", "longwire.toml"); !strings.Contains(out, "Not sealed: whoever finds the stick") {
		t.Errorf("no warning: %s", out)
	}
}

func TestSystemBundleFromAnImage(t *testing.T) {
	house(t)
	image := bytes.Repeat([]byte("all work and no play "), 1<<16)
	write(t, "rootfs.ext4", string(image))
	code, out := mkbundle(t, "system", "--image", "rootfs.ext4", "--board", "qemu-aarch64", "--version", "1.3.0", "--allow-downgrade", "--store-format", "9")
	if code != cli.OK || !strings.Contains(out, "image 1.4 MB") {
		t.Fatalf("%d %s", code, out)
	}
	b, err := os.ReadFile("longwire-qemu-aarch64-1.3.0.lws")
	if err != nil {
		t.Fatal(err)
	}
	f, err := bundle.OpenSystem(bytes.NewReader(b), int64(len(b)), keys(t))
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Check(t.Context(), nil); err != nil || f.Counter != 1 || !f.Downgrade || f.StoreFormat != 9 || f.StoreOldest != store.Oldest || f.ImageSize != int64(len(image)) {
		t.Errorf("%+v, %v", f.System, err)
	}
	if left, _ := filepath.Glob("*.part"); left != nil {
		t.Errorf("left behind: %v", left)
	}
}

func TestMisuseIsToldWithTheRemedy(t *testing.T) {
	house(t)
	for args, want := range map[string]string{
		"config --node longwire.toml":                                              "the kit needs a name",
		"config --name field":                                                      "--node longwire.toml",
		"config --name field --node none.toml":                                     "none.toml",
		"config --name Field --node longwire.toml":                                 "small letters",
		"config --name field --node longwire.toml --recipient age1abc":             "not a kit's public key",
		"config --name field --node longwire.toml --org elsewhere":                 "mkbundle keys new",
		"config --name field --node longwire.toml --report longwire.toml":          "there is no kit's public key in it",
		"config --name field --node longwire.toml --trust organisation/org.secret": "this is a secret key",
		"config --name field --node longwire.toml --cert longwire.toml":            "both --cert and --cert-key",
		"system --image x":                       "--board",
		"system --image x --board b --version v": "x: no such file",
		"keys new":                               "--name",
		"sign":                                   "there is no command",
	} {
		code, out := mkbundle(t, strings.Fields(args)...)
		if code == cli.OK || !strings.Contains(out, want) {
			t.Errorf("%s: code %d: %s", args, code, out)
		}
	}
}

func TestEachCommandExplainsItself(t *testing.T) {
	for _, c := range program().Commands {
		for _, args := range [][]string{append(strings.Fields(c.Name), "--help"), append([]string{"help"}, strings.Fields(c.Name)...)} {
			if code, out := mkbundle(t, args...); code != cli.OK || !strings.Contains(out, "Usage: mkbundle "+c.Name) || !strings.Contains(out, "  mkbundle "+c.Name) {
				t.Errorf("%v: %d %s", args, code, out)
			}
		}
	}
}
