package codec

import (
	"bytes"
	"strings"

	"longwire/links/codec/lore"
	"longwire/links/codec/mix"
	"longwire/links/codec/token"
)

// Shapes of the faculties, and how they are primed.
const (
	wordsBits = 12 // lines of 16 bytes for the short contexts of words on a stream: 64 KiB. Together the models and texts of a peer take 1.5 MB
	marksBits = 11
	wordsRuns = 15 // slots of 4 bytes for the long ones: 128 KiB
	marksRuns = 12
	sample    = 8     // every so many lines the weights are learned by
	lively    = 3200  // but by all of so many at the end, which are chat
	quickly   = 60000 // letters are learned fast
	forgetful = 100   // lines after which the stream is forgotten
	stretchOf = 100   // stanzas of one stream
)

// shape is that of all minds here, without an index.
func shape() mix.Design {
	return mix.Design{
		Words: mix.Shape{Views: [mix.Views]int{16, 128, 64, 64}, LineBits: wordsBits, RunBits: wordsRuns},
		Marks: mix.Shape{Views: [mix.Views]int{256, 256, 32, 64}, LineBits: marksBits, RunBits: marksRuns},
	}
}

// prime learns the data.
func prime(d lore.Data) *mix.Mind {
	lines := bodies(d)
	design := shape()
	design.Words.Index = mix.NewIndex(joined(lines))
	return mix.Prime(design, func(mind *mix.Mind) {
		m := &Model{mind: mind, begun: true}
		mind.Own(true)
		plain := max(0, len(d.Lines)-lively)
		m.lines(lines[:plain], sample)
		m.lines(lines[plain:], 1)
		m.deaf = true
		m.shapes(d)
	})
}

// shapes learns the stanzas: as they are on a stream that begins now and then, and as they are alone between ends that know the addresses.
func (m *Model) shapes(d lore.Data) {
	stream, tables := token.New(nil, nil), map[string]*token.Table{}
	var on, off token.Place
	salt := uint32(0)
	for i, s := range d.Stanzas {
		if i%stretchOf == 0 {
			stream.Reset()
			on.Forget()
			salt += 2
		}
		m.table, m.place, m.clerk.salt = stream, on, salt*hashMul
		m.Learn(s)
		on = m.place
		a, b := domainOf(s, " from='"), domainOf(s, " to='")
		alone := tables[a+" "+b]
		if alone == nil {
			alone = token.New(those(d.JIDs, a, b), lore.Sorted(d.Strings))
			tables[a+" "+b] = alone
		}
		alone.Reset()
		if i < len(d.Near) {
			alone.Near(d.Near[i][0], d.Near[i][1])
		}
		off.Forget()
		m.table, m.place, m.clerk.salt = alone, off, uint32(2*i+1)*hashMul
		m.Learn(s)
		off = m.place
	}
}

// domainOf is the domain in an attribute of a stanza.
func domainOf(s []byte, attr string) string {
	_, v, _ := bytes.Cut(s, []byte(attr))
	v, _, _ = bytes.Cut(v, []byte("'"))
	return domain(string(v))
}

func domain(address string) string {
	bare, _, _ := strings.Cut(address, "/")
	if _, d, ok := strings.Cut(bare, "@"); ok {
		return d
	}
	return bare
}

// those are the addresses of two nodes: of two domains, and of domains above and below them.
func those(jids [][]byte, a, b string) (out []string) {
	for _, j := range lore.Sorted(jids) {
		if d := domain(j); kin(d, a) || kin(d, b) {
			out = append(out, j)
		}
	}
	return out
}

func kin(a, b string) bool {
	return a == b || strings.HasSuffix(a, "."+b) || strings.HasSuffix(b, "."+a)
}

// lines learns every so many lines of human text.
func (m *Model) lines(lines [][]byte, sample int) {
	letters := 0
	for i := 0; i < len(lines); i += sample {
		if sample == 1 && m.mind.Words.Alike(folded(lines[i])) {
			continue
		}
		letters += m.line(lines[i])
		if letters > quickly {
			m.mind.Calm()
		}
		if i/sample%forgetful == 0 {
			m.mind.Forget()
		}
	}
}

// phrases is base where each phrase was said before.
func phrases(base *mix.Mind, phrases []string) *mix.Mind {
	return base.With(func(mind *mix.Mind) {
		m := &Model{mind: mind, begun: true}
		for _, p := range phrases {
			m.line([]byte(p))
		}
	})
}

// line learns human text that stands alone.
func (m *Model) line(l []byte) int {
	m.write(0)
	for _, c := range l {
		m.letter(c)
	}
	m.letter(0)
	return len(l) + 1
}

// bodies are the lines of d, and the human text of its stanzas, each once.
func bodies(d lore.Data) (lines [][]byte) {
	seen := map[string]bool{}
	add := func(l []byte) {
		if !seen[string(l)] {
			seen[string(l)] = true
			lines = append(lines, l)
		}
	}
	for _, l := range d.Lines {
		add(l)
	}
	table := token.New(nil, nil)
	var p token.Place
	var tokens, text []byte
	for _, s := range d.Stanzas {
		var err error
		if tokens, err = table.Append(tokens[:0], s); err != nil {
			continue
		}
		p.Begin(token.State{})
		for _, c := range tokens {
			human := p.Human
			p.Step(c)
			switch {
			case human && c != 0:
				text = append(text, c)
			case human:
				add(bytes.Clone(text))
				text = text[:0]
			}
		}
	}
	return lines
}

// joined is the lines folded, as an index wants them.
func joined(lines [][]byte) (text []byte) {
	for _, l := range lines {
		text = append(append(text, 0), folded(l)...)
	}
	return append(text, 0)
}

func folded(l []byte) []byte {
	f := make([]byte, len(l))
	for i, c := range l {
		f[i], _ = fold(c)
	}
	return f
}
