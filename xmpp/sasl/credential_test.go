package sasl_test

import (
	"strings"
	"testing"

	"longwire/xmpp/sasl"
)

func TestCredentialVerifiesItsPassword(t *testing.T) {
	for _, tt := range []struct {
		password, try string
		want          bool
	}{
		{"pencil", "pencil", true},
		{"pencil", "Pencil", false},
		{"pencil", "", false},
		{"pencil", "pencil\x00", false},
		{"I\u00adX", "IX", true},  // RFC 4013 §3, example 1: a soft hyphen is nothing
		{"\u00aa", "a", true},     // example 4: NFKC
		{"\u2168", "IX", true},    // example 5
		{"a\u00a0b", "a b", true}, // §2.1: another space is a space
		{"passw\u00f6rt", "passwo\u0308rt", true},
	} {
		for _, h := range sasl.Hashes() {
			c, err := sasl.NewCredential(h, tt.password, nil, 4096)
			if err != nil {
				t.Fatal(err)
			}
			if got := c.Verify(tt.try); got != tt.want {
				t.Errorf("%s of %q on %q: got %v", h, tt.password, tt.try, got)
			}
		}
	}
}

func TestPasswordsThatCannotBeUsedSayWhy(t *testing.T) {
	for _, tt := range []struct{ hash, password, why string }{
		{"SHA-256", "", "empty"},
		{"SHA-256", "\u00ad", "ignored"},
		{"SHA-256", "pen\u0007cil", "prohibited character U+0007"},
		{"SHA-256", "\u06271", "SASLprep"}, // RFC 4013 §3, example 7: bidi
		{"SHA-256", "pen\U0001fae0", "prohibited character U+1FAE0"},
		{"SHA-256", "\xff", "not UTF-8"},
		{"MD5", "pencil", `unknown hash "MD5"`},
	} {
		_, err := sasl.NewCredential(tt.hash, tt.password, nil, 0)
		if err == nil || !strings.Contains(err.Error(), tt.why) {
			t.Errorf("%q: got %v, want %q in it", tt.password, err, tt.why)
		}
	}
	for _, n := range []int{-1, 1, 4095, 1<<20 + 1} {
		if _, err := sasl.NewCredential("SHA-1", "pencil", nil, n); err == nil {
			t.Errorf("%d iterations passed", n)
		}
	}
	if _, err := sasl.NewCredential("SHA-1", "pencil", []byte{}, 0); err == nil {
		t.Error("an empty salt passed")
	}
}

func TestNewCredentialDrawsItsOwnSalt(t *testing.T) {
	a, err1 := sasl.NewCredential("SHA-256", "pencil", nil, 0)
	b, err2 := sasl.NewCredential("SHA-256", "pencil", nil, 0)
	if err1 != nil || err2 != nil {
		t.Fatal(err1, err2)
	}
	if a.Iterations != sasl.DefaultIterations || len(a.Salt) < 16 || string(a.Salt) == string(b.Salt) || string(a.StoredKey) == string(b.StoredKey) {
		t.Errorf("%+v and %+v", a, b)
	}
}

func TestDamagedCredentialFitsNothing(t *testing.T) {
	good, err := sasl.NewCredential("SHA-256", "pencil", nil, 4096)
	if err != nil {
		t.Fatal(err)
	}
	for name, damage := range map[string]func(*sasl.Credential){
		"zero":          func(c *sasl.Credential) { *c = sasl.Credential{} },
		"no key":        func(c *sasl.Credential) { c.StoredKey = nil },
		"short key":     func(c *sasl.Credential) { c.StoredKey = c.StoredKey[:8] },
		"no iterations": func(c *sasl.Credential) { c.Iterations = 0 },
		"endless":       func(c *sasl.Credential) { c.Iterations = 1 << 30 },
		"other hash":    func(c *sasl.Credential) { c.Hash = "SHA-1" },
	} {
		c := good
		damage(&c)
		if c.Verify("pencil") {
			t.Errorf("%s: verified", name)
		}
	}
}

func BenchmarkNewCredential(b *testing.B) {
	for _, h := range sasl.Hashes() {
		b.Run(h, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := sasl.NewCredential(h, "pencil", nil, 0); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
