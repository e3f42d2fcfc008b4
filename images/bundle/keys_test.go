package bundle_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"longwire/images/bundle"
)

func TestKeysComeBackFromTheirTextForm(t *testing.T) {
	s, err := bundle.NewSigner("Médecins du Monde")
	if err != nil {
		t.Fatal(err)
	}
	text, err := s.MarshalText()
	if err != nil {
		t.Fatal(err)
	}
	back := signer(t, string(text))
	if !back.Public().Equal(s.Public()) || back.Public().Name != "Médecins du Monde" {
		t.Errorf("%v", back.Public())
	}
	keys, err := bundle.ParseKeys([]byte("# ours\n\n" + s.Public().String() + "\r\n" + org(t).Public().String()))
	if err != nil || len(keys) != 2 || !keys[0].Equal(s.Public()) || !keys[1].Equal(org(t).Public()) {
		t.Errorf("%v, %v", keys, err)
	}
}

func TestKeysOfKnownBytes(t *testing.T) {
	k := org(t).Public()
	if k.String() != "longwire-org-1 A6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg= Example Relief" {
		t.Errorf("text form %q", k)
	}
	if k.ID() != "org-kzdv-vj2u-mndu-yauf" {
		t.Errorf("fingerprint %s", k.ID())
	}
	r := recipient(t)
	id, err := bundle.KitID(r)
	if err != nil || id != "kit-jlrk-t3tw-qyv5-yhbu" {
		t.Errorf("kit id %s of %s, %v", id, r, err)
	}
}

func TestTextThatIsNoKeySaysWhy(t *testing.T) {
	public := org(t).Public().String()
	for text, want := range map[string]string{
		"":                                "this is not a key",
		"ssh-ed25519 AAAA":                "this is not a key",
		orgSecret:                         "this is a secret key",
		"longwire-org-9 AAAA":             "newer program",
		"longwire-org-1":                  "32 bytes, not 0",
		"longwire-org-1 AAAA":             "32 bytes, not 3",
		public[:40]:                       "damaged",
		"longwire-org-1 !!!!":             "damaged",
		public + strings.Repeat("x", 100): "64 are allowed",
		public + "\x1b[2J":                "not plain text",
	} {
		var k bundle.Key
		if err := k.UnmarshalText([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
	var s bundle.Signer
	if err := s.UnmarshalText([]byte(public)); err == nil || !strings.Contains(err.Error(), "the secret one is wanted") {
		t.Errorf("a public key for a secret one: %v", err)
	}
	if _, err := bundle.ParseKeys([]byte("# none\n")); err == nil {
		t.Error("a file without a key passed")
	}
	if _, err := bundle.ParseKeys([]byte("\n\nnonsense\n")); err == nil || !strings.Contains(err.Error(), "line 3") {
		t.Errorf("the line is not told: %v", err)
	}
}

func TestSecretsAreNotPrinted(t *testing.T) {
	for _, text := range []string{fmt.Sprint(org(t)), fmt.Sprintf("%v %+v %#v %s %q", org(t), org(t), org(t), org(t), org(t))} {
		if strings.Contains(text, "AAECAw") || strings.Contains(text, "[0 1 2 3") || strings.Contains(text, "0x1, 0x2") {
			t.Errorf("the secret is in %q", text)
		}
	}
}

func TestSecretKeyFileIsForItsOwner(t *testing.T) {
	file := filepath.Join(t.TempDir(), "org.secret")
	if err := bundle.WriteSigner(file, org(t)); err != nil {
		t.Fatal(err)
	}
	if err := bundle.WriteSigner(file, stranger(t)); !errors.Is(err, fs.ErrExist) {
		t.Errorf("overwritten: %v", err)
	}
	s, err := bundle.ReadSigner(file)
	if err != nil || !s.Public().Equal(org(t).Public()) {
		t.Errorf("%v, %v", s, err)
	}
	if err := os.Chmod(file, 0o604); err != nil {
		t.Fatal(err)
	}
	if _, err := bundle.ReadSigner(file); err == nil || !strings.Contains(err.Error(), "chmod 600") {
		t.Errorf("a file that others can read: %v", err)
	}
}

func TestZeroKeysDoNothing(t *testing.T) {
	if _, err := config(t).Encode(bundle.Signer{}, ""); err == nil {
		t.Error("signed by nobody")
	}
	if (bundle.Key{}).Equal(bundle.Key{}) {
		t.Error("no key is a key")
	}
	if _, err := bundle.ReadHead(encode(t, config(t), org(t), ""), []bundle.Key{{}}); !errors.Is(err, bundle.ErrUntrusted) {
		t.Errorf("trusting nobody: %v", err)
	}
}

func TestWhatCannotBeWrittenIsRefusedBefore(t *testing.T) {
	for want, spoil := range map[string]func(*bundle.Config){
		"the counter 0":      func(c *bundle.Config) { c.Counter = 0 },
		"no name":            func(c *bundle.Config) { c.Name = "" },
		"the kit's name":     func(c *bundle.Config) { c.Name = "a/b" },
		"the fleet's name":   func(c *bundle.Config) { c.Target.Fleet = "North" },
		"the note":           func(c *bundle.Config) { c.Note = strings.Repeat("x", 1001) },
		"trusted keys":       func(c *bundle.Config) { c.Trust = make([]bundle.Key, 9) },
		"a public key":       func(c *bundle.Config) { c.Trust = []bundle.Key{{Public: []byte("x")}} },
		"the documents have": func(c *bundle.Config) { c.Docs.Node = strings.Repeat("x", bundle.MaxConfig) },
	} {
		c := config(t)
		spoil(&c)
		if _, err := c.Encode(org(t), ""); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
	if _, err := config(t).Encode(org(t), "age1nonsense"); err == nil || !strings.Contains(err.Error(), "not a kit's public key") {
		t.Errorf("recipient: %v", err)
	}
}
