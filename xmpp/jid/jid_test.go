package jid_test

import (
	"errors"
	"strings"
	"testing"

	"longwire/xmpp/jid"
)

func TestParseNormalises(t *testing.T) {
	for _, c := range []struct{ in, local, domain, resource string }{
		// RFC 7622 §3.5, table 1.
		{"juliet@example.com", "juliet", "example.com", ""},
		{"juliet@example.com/foo", "juliet", "example.com", "foo"},
		{"juliet@example.com/foo bar", "juliet", "example.com", "foo bar"},
		{"juliet@example.com/foo@bar", "juliet", "example.com", "foo@bar"},
		{`foo\20bar@example.com`, `foo\20bar`, "example.com", ""},
		{"fussball@example.com", "fussball", "example.com", ""},
		{"fußball@example.com", "fußball", "example.com", ""},
		{"π@example.com", "π", "example.com", ""},
		{"Σ@example.com/foo", "σ", "example.com", "foo"},
		{"σ@example.com/foo", "σ", "example.com", "foo"},
		{"ς@example.com/foo", "ς", "example.com", "foo"},
		{"king@example.com/♚", "king", "example.com", "♚"},
		{"example.com", "", "example.com", ""},
		{"example.com/foobar", "", "example.com", "foobar"},
		{"a.example.com/b@example.net", "", "a.example.com", "b@example.net"},

		{"juliet@example.com/ foo", "juliet", "example.com", " foo"},
		{"Alice@Field.NET/Desk", "alice", "field.net", "Desk"},
		{"ｆｏｏ@ｅｘａｍｐｌｅ。com", "foo", "example.com", ""},
		{"a@field.net.", "a", "field.net", ""},
		{"a@field.net。/r", "a", "field.net", "r"},
		{"a@xn--bcher-kva.example", "a", "bücher.example", ""},
		{"a@BÜCHER.example", "a", "bücher.example", ""},
		{"a@faß.de", "a", "faß.de", ""},
		{"a@b/x/y@z", "a", "b", "x/y@z"},
		{"a@b/x\u3000y", "a", "b", "x y"},
		{"a@b/e\u0301", "a", "b", "é"},
		{"a@127.0.0.1", "a", "127.0.0.1", ""},
		{"a@[::1]/r", "a", "[::1]", "r"},
		{"a@[2001:DB8:0:0::1]", "a", "[2001:db8::1]", ""},
		{"א@ב.com", "א", "ב.com", ""},
		{"a@1x-y.2", "a", "1x-y.2", ""},
		{strings.Repeat("a", 1023) + "@b/" + strings.Repeat("r", 1023), strings.Repeat("a", 1023), "b", strings.Repeat("r", 1023)},
		{"a@" + strings.Repeat("b", 63) + ".c", "a", strings.Repeat("b", 63) + ".c", ""},
	} {
		j, err := jid.Parse(c.in)
		if err != nil {
			t.Errorf("Parse(%q): %v", c.in, err)
			continue
		}
		if j.Local() != c.local || j.Domain() != c.domain || j.Resource() != c.resource {
			t.Errorf("Parse(%q) = %q, %q, %q", c.in, j.Local(), j.Domain(), j.Resource())
		}
		same, err := jid.New(c.local, c.domain, c.resource)
		if err != nil || same != j {
			t.Errorf("New(%q, %q, %q) = %q, %v; not what Parse gives", c.local, c.domain, c.resource, same, err)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for _, in := range []string{
		// RFC 7622 §3.5, table 2.
		`"juliet"@example.com`, "foo bar@example.com", "@example.com/", "henryⅣ@example.com", "♚@example.com", "juliet@", "/foobar",

		"", "@", "/", "a@/r", "a@b/", "@b", " ", "a@b/ ", "a@b/\u00a0", "a@b/\x00", "a@b/\u200b", "a@b/\ufffe",
		"a&b@c", "a'b@c", "a:b@c", "a<b@c", "a>b@c", "a b@c", "a@b@c",
		"a@b c", "a@b_c", "a@-b", "a@b-", "a@ab--c", "a@b..c", "a@.b", "a@b..", "a@.", "a@b。。", "a@b%c", "a@b!c", "a@xn--a", "a@xn--",
		"a@::1", "a@[::1", "a@[127.0.0.1]", "a@[fe80::1%eth0]", "a@[]",
		"a@b\u200dc", "aא@b", "a@" + strings.Repeat("b", 64) + ".c", "a@" + strings.Repeat("b.", 127) + "b", "a@" + strings.Repeat("é", 60),
		"\xff@b", "a@b\xff", "a@b/\xff",
		strings.Repeat("a", 1024) + "@b", "a@b/" + strings.Repeat("r", 1024), "a@" + strings.Repeat("b", 2000), "a@b/" + strings.Repeat("é", 512),
		"é" + strings.Repeat("a", 100_000) + "@b", "a@b/" + strings.Repeat("é", 100_000),
	} {
		if j, err := jid.Parse(in); !errors.Is(err, jid.ErrMalformed) || !j.IsZero() {
			t.Errorf("Parse(%.80q) = %q, %v; want ErrMalformed", in, j, err)
		}
	}
}

func TestPartsOfAnAddress(t *testing.T) {
	full := jid.MustParse("alice@field.net/desk")
	bare := jid.MustParse("alice@field.net")
	domain := jid.MustParse("field.net")
	if full.Bare() != bare || bare.Bare() != bare || full.DomainJID() != domain || domain.DomainJID() != domain {
		t.Error("Bare or DomainJID is not the address parsed alone")
	}
	if full.IsBare() || !bare.IsBare() || !domain.IsBare() || bare.IsZero() || !(jid.JID{}).IsZero() {
		t.Error("IsBare or IsZero")
	}
	if j, err := bare.WithResource("desk"); err != nil || j != full {
		t.Errorf("WithResource = %q, %v", j, err)
	}
	if j, err := domain.WithResource("desk"); err != nil || j != jid.MustParse("field.net/desk") {
		t.Errorf("WithResource = %q, %v", j, err)
	}
	for _, r := range []string{"", " ", "\x01"} {
		if _, err := bare.WithResource(r); !errors.Is(err, jid.ErrMalformed) {
			t.Errorf("WithResource(%q): %v", r, err)
		}
	}
}

// FuzzJID checks that normal forms are stable, and that the quick way and the long way agree.
func FuzzJID(f *testing.F) {
	for _, s := range []string{
		"alice@field.net/desk", "Alice@FIELD.net.", "field.net", "a@[::1]/r", "σ@bücher.example/♚", "a@xn--bcher-kva.example", "a@b..",
		"@", "/", "a@b/c/d@e", "a@b/\u3000", "K@x", "İ@x", "a--b@c--d", "a@b/e\u0301\u0345", "ａ@ｂ。", "a@1.2.3.4", "\u1e9e@ß", "a@ab-c.d-e",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		j, err := jid.Parse(s)
		if err != nil {
			if !errors.Is(err, jid.ErrMalformed) || !j.IsZero() {
				t.Fatalf("Parse(%q) = %q, %v", s, j, err)
			}
			return
		}
		if again, err := jid.Parse(j.String()); err != nil || again != j {
			t.Fatalf("%q -> %q -> %q, %v", s, j, again, err)
		}
		if n, err := jid.New(j.Local(), j.Domain(), j.Resource()); err != nil || n != j {
			t.Fatalf("%q: the long way gives %q, %v", j, n, err)
		}
		if len(j.Local()) > 1023 || len(j.Domain()) > 1023 || len(j.Resource()) > 1023 || j.Domain() == "" {
			t.Fatalf("%q: lengths", j)
		}
		if strings.ContainsAny(j.Local(), `"&'/:<>@ `) || strings.ContainsAny(j.Domain(), "/@ ") {
			t.Fatalf("%q: forbidden character", j)
		}
	})
}

func BenchmarkParse(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := jid.Parse("bob@headquarters.net/desk"); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkParseUnicode(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := jid.Parse("Jürgen@bücher.example/Größe"); err != nil {
			b.Fatal(err)
		}
	}
}
