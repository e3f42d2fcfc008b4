package main

import (
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"time"

	"longwire/links/codec"
	"longwire/links/codec/light"
	"longwire/links/codec/lore"
	"longwire/tools/cli"
	"longwire/xmpp/markup"
)

func soakCommand() cli.Command {
	var count int
	var seed uint64
	var method string
	return cli.Command{
		Name: "soak", Line: "code random stanzas, and stanzas with something random in them, and compare what comes back",
		Help: `Elements, attributes and values are partly those that clients use, partly such as none does; half of the stanzas are
of the training data, with parts of them put elsewhere. What comes back is compared by another parser than the
product's. Streams begin anew now and then.

Example: codec soak --method light --count 1000000 --seed 7`,
		Flags: func(f *flag.FlagSet) {
			f.IntVar(&count, "count", 100000, "how many stanzas: a `number`")
			f.Uint64Var(&seed, "seed", 1, "a `number`, another one for other stanzas")
			f.StringVar(&method, "method", "mix", "mix or light: a `word`")
		},
		Run: func(c cli.Call) error {
			if count < 1 {
				return cli.Wrong("--count must be 1 or more")
			}
			var open func() *modeled
			switch method {
			case "mix":
				open = func() *modeled { return &modeled{out: codec.Base().Model(), in: codec.Base().Model()} }
			case "light":
				open = func() *modeled { return &modeled{out: light.Base().Model(), in: light.Base().Model()} }
			default:
				return cli.Wrong("there is no method %q", method)
			}
			return soak(open(), count, seed, c.Out, c.Err)
		},
	}
}

func soak(m *modeled, count int, seed uint64, out, progress io.Writer) error {
	g := newGenerator(seed)
	shown, bytes := time.Now(), 0
	for i := range count {
		text := g.stanza()
		canonical, err := codec.Canonical(text)
		if err != nil {
			return fmt.Errorf("codec: stanza %d of seed %d, %s: %w", i, seed, text, err)
		}
		if g.r.IntN(200) == 0 {
			m.out.Reset()
			m.in.Reset()
		}
		n, err := m.code([]item{{sent: text, text: canonical}})
		if err != nil {
			return fmt.Errorf("codec: stanza %d of seed %d, %s: %w", i, seed, text, err)
		}
		bytes += n[0]
		if time.Since(shown) > 10*time.Second {
			shown = time.Now()
			fmt.Fprintf(progress, "%d of %d\n", i, count)
		}
	}
	fmt.Fprintf(out, "%d stanzas of seed %d came back as they were, %d bytes\n", count, seed, bytes)
	return nil
}

// A generator makes stanzas that are well-formed.
type generator struct {
	r       *rand.Rand
	known   [][]byte // stanzas as clients send them
	names   []string
	spaces  []string
	values  []string
	depth   int
	prefixN int
}

func newGenerator(seed uint64) *generator {
	g := &generator{r: rand.New(rand.NewPCG(seed, 0)), known: lore.Shipped().Stanzas}
	for _, s := range g.known {
		if e, err := markup.ParseElement(s); err == nil {
			g.gather(e)
		}
	}
	return g
}

// gather takes what an element is made of.
func (g *generator) gather(e *markup.Element) {
	const most = 4000
	if len(g.names) > most {
		return
	}
	g.names = append(g.names, e.Name.Local)
	if e.Name.Space != "" && e.Name.Space != markup.NoNamespace {
		g.spaces = append(g.spaces, e.Name.Space)
	}
	for _, a := range e.Attrs {
		if a.Name.Space == "" {
			g.names, g.values = append(g.names, a.Name.Local), append(g.values, a.Value)
		}
	}
	if e.Text != "" {
		g.values = append(g.values, e.Text)
	}
	for _, c := range e.Children {
		g.gather(c)
	}
}

func (g *generator) of(list []string) string { return list[g.r.IntN(len(list))] }

func (g *generator) stanza() []byte {
	if g.r.IntN(2) == 0 {
		if s := g.mutated(); s != nil {
			return s
		}
	}
	var b strings.Builder
	g.depth = 0
	g.element(&b, []string{"message", "presence", "iq"}[g.r.IntN(3)], "", true)
	return []byte(b.String())
}

// mutated is a known stanza with a child or two of another, or a random one, put in.
func (g *generator) mutated() []byte {
	s := g.known[g.r.IntN(len(g.known))]
	i := strings.LastIndex(string(s), "</")
	if i < 0 {
		return nil
	}
	var b strings.Builder
	b.Write(s[:i])
	for range 1 + g.r.IntN(2) {
		if o, err := markup.ParseElement(g.known[g.r.IntN(len(g.known))]); err == nil && len(o.Children) > 0 && g.r.IntN(3) > 0 {
			b.Write(o.Children[g.r.IntN(len(o.Children))].Raw)
			continue
		}
		g.depth = 1
		g.element(&b, g.name(), g.space(), false)
	}
	b.Write(s[i:])
	return []byte(b.String())
}

func (g *generator) name() string {
	if g.r.IntN(3) > 0 {
		return g.of(g.names)
	}
	return []string{"a", "x-y", "Zz.9", "é", "_u", "naïve"}[g.r.IntN(6)]
}

func (g *generator) space() string {
	if g.r.IntN(3) > 0 {
		return g.of(g.spaces)
	}
	return fmt.Sprintf("urn:soak:%d", g.r.IntN(1000))
}

func (g *generator) value() string {
	switch g.r.IntN(7) {
	case 0:
		return fmt.Sprint(g.r.Int64() >> g.r.IntN(64))
	case 1:
		return fmt.Sprintf("%08x-%04x-4%03x-%04x-%012x", g.r.Uint32(), g.r.IntN(1<<16), g.r.IntN(1<<12), g.r.IntN(1<<16), g.r.Uint64N(1<<48))
	case 2:
		var b strings.Builder
		for range g.r.IntN(12) {
			b.WriteString([]string{"<", ">", "&", "'", "\"", "\n", "\t", " ", "é", "水", "🚢", "a", "]]>", "\u00a0", "&amp;"}[g.r.IntN(15)])
		}
		return b.String()
	case 3:
		return strings.Repeat(g.of(g.values), g.r.IntN(4))
	case 4:
		return fmt.Sprintf("20%02d-%02d-%02dT%02d:%02d:%02d.%03dZ", g.r.IntN(100), 1+g.r.IntN(12), 1+g.r.IntN(28), g.r.IntN(24), g.r.IntN(60), g.r.IntN(60), g.r.IntN(1000))
	}
	return g.of(g.values)
}

func (g *generator) element(b *strings.Builder, name, space string, root bool) {
	fmt.Fprintf(b, "<%s", name)
	if !root && g.r.IntN(8) > 0 {
		fmt.Fprintf(b, " xmlns='%s'", markup.AppendEscapedAttr(nil, space))
	}
	seen := map[string]bool{"xmlns": true}
	for range g.r.IntN(4) {
		n := g.name()
		if root && g.r.IntN(2) == 0 {
			n = "id"
		}
		if seen[n] || root && (n == "from" || n == "to") {
			continue
		}
		seen[n] = true
		fmt.Fprintf(b, " %s='%s'", n, markup.AppendEscapedAttr(nil, g.value()))
	}
	if g.r.IntN(10) == 0 {
		g.prefixN++
		fmt.Fprintf(b, " xmlns:p%d='%s' p%d:q='%s'", g.prefixN%3, markup.AppendEscapedAttr(nil, g.space()), g.prefixN%3, markup.AppendEscapedAttr(nil, g.value()))
	}
	b.WriteByte('>')
	g.depth++
	for range g.r.IntN(4) {
		if g.depth < 6 && g.r.IntN(3) > 0 {
			g.element(b, g.name(), g.space(), false)
		} else if !root {
			b.Write(markup.AppendEscaped(nil, g.value()))
		}
	}
	g.depth--
	fmt.Fprintf(b, "</%s>", name)
}
