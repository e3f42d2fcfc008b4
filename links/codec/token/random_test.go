package token_test

import (
	"bytes"
	"encoding/base64"
	"flag"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"longwire/links/codec/token"
	"longwire/xmpp/markup"
)

// random makes stanzas of all that XML in XMPP may hold: names of the schema where they belong and where they do not, names that nobody
// knows, prefixes, mixed content, values that look like what they are not.
type random struct {
	*rand.Rand
	spaces []string
	names  map[string][]string // elements of each namespace
	attrs  []string
	values []string // what was said before
}

func newRandom(seed uint64) *random {
	r := &random{Rand: rand.New(rand.NewPCG(seed, 7)), names: map[string][]string{}}
	space := ""
	for _, line := range strings.Split(token.Schema(), "\n") {
		w := strings.Fields(line)
		switch {
		case len(w) == 0 || w[0][0] == '#' || w[0] == "class" || w[0] == "share":
		case w[0] == "ns":
			space = w[2]
			if w[1] == "-" {
				space = ""
			}
			r.spaces = append(r.spaces, space)
		default:
			r.names[space] = append(r.names[space], w[0])
			for _, a := range w[1:] {
				if a == ">" {
					break
				}
				n, _, _ := strings.Cut(strings.TrimPrefix(a, "xml:"), ":")
				r.attrs = append(r.attrs, strings.TrimSuffix(n, "?"))
			}
		}
	}
	return r
}

func pick[T any](r *random, l []T) T { return l[r.IntN(len(l))] }

func (r *random) chance(percent int) bool { return r.IntN(100) < percent }

func (r *random) stanza() []byte {
	b := r.element(nil, 0, "", nil)
	return b
}

// element writes one element; def is the default namespace outside, scope the prefixes that are bound.
func (r *random) element(b []byte, depth int, def string, scope []string) []byte {
	space := def
	if depth > 0 && r.chance(60) {
		space = pick(r, r.spaces)
		if r.chance(10) {
			space = pick(r, []string{"urn:odd", "jabber:client", "jabber:server", "a&b<'", "\x00"})
		}
		if space == "" {
			space = def
		}
	}
	local := "message"
	switch names := r.names[space]; {
	case depth == 0:
		local = pick(r, []string{"message", "message", "presence", "iq", "iq", "other"})
	case len(names) > 0 && r.chance(90):
		local = pick(r, names)
	default:
		local = pick(r, []string{"odd", "é", "x-1.2_3", "body", "item"})
	}
	prefix := ""
	var decl []string
	if r.chance(5) {
		p := pick(r, []string{"p", "q", "xs"})
		decl = append(decl, p)
		scope = append(scope[:len(scope):len(scope)], p)
	}
	if len(scope) > 0 && r.chance(20) {
		prefix, space = pick(r, scope)+":", def
	}
	name := prefix + local
	b = append(append(b, '<'), name...)
	var attrs []string
	if prefix == "" && space != def {
		attrs = append(attrs, "xmlns="+r.quoted(strings.ReplaceAll(space, "\x00", "")))
	}
	for _, p := range decl {
		attrs = append(attrs, "xmlns:"+p+"="+r.quoted("urn:"+p+fmt.Sprint(len(scope))))
	}
	seen := map[string]bool{}
	for range r.IntN(5) {
		a := pick(r, r.attrs)
		switch r.IntN(12) {
		case 0:
			a = "xml:lang"
		case 1:
			if len(scope) > 0 {
				a = scope[len(scope)-1] + ":" + a
			}
		case 2:
			a = pick(r, []string{"from", "to", "type", "id"})
		case 3:
			a = "odd-" + string(rune('a'+r.IntN(26)))
		}
		if !seen[a] {
			seen[a] = true
			attrs = append(attrs, a+"="+r.quoted(r.value()))
		}
	}
	r.Shuffle(len(attrs), func(i, j int) { attrs[i], attrs[j] = attrs[j], attrs[i] })
	for _, a := range attrs {
		b = append(append(b, pick(r, []string{" ", " ", "\n", "  "})...), a...)
	}
	if r.chance(25) {
		return append(b, pick(r, []string{"/>", " />"})...)
	}
	b = append(b, '>')
	for range r.IntN(4) {
		if depth > 5 || r.chance(40) {
			b = r.text(b)
		} else {
			b = r.element(b, depth+1, space, scope)
		}
	}
	return append(append(append(b, '<', '/'), name...), '>')
}

func (r *random) text(b []byte) []byte {
	v := r.value()
	if r.chance(5) && !strings.Contains(v, "]]>") {
		return append(append(append(b, "<![CDATA["...), v...), "]]>"...)
	}
	return markup.AppendEscaped(b, v)
}

func (r *random) quoted(v string) string {
	q := pick(r, []string{"'", `"`})
	return q + string(markup.AppendEscapedAttr(nil, v)) + q
}

// value is a value of any kind, now and then one that was there before.
func (r *random) value() string {
	if len(r.values) > 0 && r.chance(30) {
		return pick(r, r.values)
	}
	v := r.fresh()
	if len(r.values) < 500 {
		r.values = append(r.values, v)
	} else {
		r.values[r.IntN(len(r.values))] = v
	}
	return v
}

func (r *random) fresh() string {
	raw := make([]byte, r.IntN(40))
	for i := range raw {
		raw[i] = byte(r.Uint32())
	}
	at := time.UnixMicro(r.Int64N(4e15)).UTC()
	who := fmt.Sprintf("u%d@%s.example", r.IntN(30), pick(r, []string{"a", "b", "chat"}))
	return pick(r, []func() string{
		func() string { return "" },
		func() string { return fmt.Sprint(r.IntN(40) - 10) },
		func() string { return fmt.Sprint(r.Int64()>>r.IntN(60) - 5) },
		func() string {
			return fmt.Sprintf("%s%d.%0*d", pick(r, []string{"", "-", "0"}), r.IntN(300), 1+r.IntN(16), r.IntN(99))
		},
		func() string { return at.Format("2006-01-02T15:04:05Z") },
		func() string { return at.Format("2006-01-02T15:04:05.000Z") },
		func() string {
			return at.Format(pick(r, []string{"2006-01-02T15:04:05.000000Z", "2006-01-02T15:04:05+00:00", "2006-01-02", "2006-13-02T15:04:05Z"}))
		},
		func() string { return base64.StdEncoding.EncodeToString(raw) },
		func() string { return base64.RawURLEncoding.EncodeToString(raw) },
		func() string { return fmt.Sprintf(pick(r, []string{"%x", "%X"}), raw) },
		func() string {
			return fmt.Sprintf("%08x-%04x-4%03x-a%03x-%012x", r.Uint32(), r.IntN(1<<16), r.IntN(1<<12), r.IntN(1<<12), r.Int64N(1<<48))
		},
		func() string { return fmt.Sprintf("%x", r.IntN(1<<20)) },
		func() string { return fmt.Sprint(46656 + 2*r.IntN(50)) },
		func() string {
			return string(pick(r, []string{"1a2c", "1a2e", "1a2f", "1a3c", "zzzzzzzz", "0abc", "100", "10"}))
		},
		func() string { return who },
		func() string {
			return who + "/" + pick(r, []string{"gajim.X", "", "u3", "a/b", strings.Repeat("long", 60)})
		},
		func() string {
			return pick(r, []string{"@", "/", "a@b@c/d", "@/", strings.Repeat("x", 300), "]]>", "&amp;", "\r\n\t x", "é😀\u2028", "true", "chat", "urn:xmpp:sid:0"})
		},
		func() string { return strings.Repeat(pick(r, []string{"word ", "the ", "x"}), r.IntN(20)) },
	})()
}

var long = flag.Int("stanzas", 20_000, "how many random stanzas")

func TestRandomStanzasComeBack(t *testing.T) {
	n := *long
	if testing.Short() {
		n = min(n, 4000)
	}
	for done := 0; done < n; done += 2000 {
		r := newRandom(uint64(done))
		p := newPair([]string{"u1@a.example", "u2@b.example/gajim.X"}, []string{"chat", "urn:odd", "true"})
		p.a.Near(46700, 0)
		p.b.Near(46710, 0)
		for range min(2000, n-done) {
			x := r.stanza()
			p.cross(t, x)
			canon, _ := token.Canonical(x)
			if in, out := infoset(t, x), infoset(t, canon); in != out {
				t.Fatalf("%s is\n%s\ncanonical %s is\n%s", x, in, canon, out)
			}
			if again, err := token.Canonical(canon); err != nil || !bytes.Equal(again, canon) {
				t.Fatalf("%s is not canonical: %s, %v", canon, again, err)
			}
		}
	}
}

// What a stream has learned is the same at both ends, and stays bounded, whoever writes it.
func TestWhatIsLearnedIsBounded(t *testing.T) {
	p := newPair(nil, nil)
	r := rand.New(rand.NewPCG(3, 4))
	for i := range 6000 {
		long := strings.Repeat(string(rune('a'+r.IntN(26))), 150)
		p.cross(t, fmt.Appendf(nil, "<presence from='%s%d@%d.example/%s%d'><status>%s%d</status></presence>", long, i, r.IntN(1000), long, i, long, i))
	}
	if n := p.a.Learnt(); n > 80<<10 {
		t.Errorf("%d bytes are learned", n)
	}
}
