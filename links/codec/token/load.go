package token

import (
	"fmt"
	"slices"
	"strings"
)

// loader reads schema.txt.
type loader struct {
	s     *schema
	alias map[string]string
	space string
	kids  map[int16][]string
	here  string // alias of space
}

const (
	contentAlias = "-"
	clientAlias  = "c" // for what is forwarded

	nsClient = "jabber:client"
)

func loadSchema(text string) (*schema, error) {
	l := loader{s: newSchema(), alias: map[string]string{contentAlias: "", clientAlias: nsClient}, kids: map[int16][]string{}}
	for i, line := range strings.Split(text, "\n") {
		if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
			continue
		}
		if err := l.line(line); err != nil {
			return nil, fmt.Errorf("line %d: %w", i+1, err)
		}
	}
	for _, space := range []string{nsClient, "jabber:server"} {
		l.clone(space)
	}
	for t := range l.s.types {
		if err := l.resolve(int16(t)); err != nil {
			return nil, err
		}
	}
	for i, k := range []string{"message", "presence", "iq"} {
		t, ok := l.s.byName[name{"", k}]
		if !ok {
			return nil, fmt.Errorf("no %s", k)
		}
		l.s.roots[i] = t
	}
	for _, t := range l.s.types {
		l.s.share(t.space)
	}
	for _, t := range l.s.types {
		l.s.share(t.name)
		for _, a := range t.attrs {
			l.s.share(a.name)
		}
	}
	if n := len(l.s.shared); n > (formProv-formShare)*256 || len(l.s.types) > (childFirst-childWide)*256 {
		return nil, fmt.Errorf("%d shared strings, %d elements: too many", n, len(l.s.types))
	}
	for c, e := range l.s.enums {
		if len(e) > classMax {
			return nil, fmt.Errorf("class %d has %d values", c, len(e))
		}
		at := make(map[string]int, len(e))
		for i, w := range e {
			at[w] = i
		}
		l.s.enumAt = append(l.s.enumAt, at)
	}
	return l.s, nil
}

func (l *loader) line(line string) error {
	w := strings.Fields(line)
	switch w[0] {
	case "ns":
		if len(w) != 3 {
			return fmt.Errorf("ns ALIAS NAMESPACE, not %q", line)
		}
		l.here, l.space = w[1], w[2]
		if w[1] == contentAlias {
			l.space = ""
		}
		l.alias[w[1]] = l.space
		return nil
	case "class":
		c := l.s.class(w[1])
		l.s.enums[c] = append(l.s.enums[c], w[2:]...)
		return nil
	case "share":
		for _, s := range w[1:] {
			l.s.share(s)
		}
		return nil
	}
	return l.element(w)
}

// element reads: NAME [ATTR[?][:SPEC]]... [> CONTENT], where CONTENT is :SPEC or children as NAME or ALIAS:NAME.
func (l *loader) element(w []string) error {
	e := elemType{space: l.space, name: w[0]}
	id := int16(len(l.s.types))
	rest := w[1:]
	for len(rest) > 0 && rest[0] != ">" {
		n, spec, _ := cutSpec(rest[0])
		n, opt := strings.CutSuffix(n, "?")
		f, err := l.s.addField(n, orElse(spec, "word"))
		if err != nil {
			return err
		}
		e.attrs = append(e.attrs, attrType{n, f, opt})
		if opt {
			e.optional++
		}
		rest = rest[1:]
	}
	slices.SortFunc(e.attrs, func(a, b attrType) int { return compareName(a.name, b.name) })
	if e.optional > 16 {
		return fmt.Errorf("%s has more than 16 optional attributes", e.name)
	}
	if len(rest) > 1 {
		if spec, ok := strings.CutPrefix(rest[1], ":"); ok && len(rest) == 2 {
			f, err := l.s.addField(w[0], spec)
			if err != nil {
				return err
			}
			e.content, e.text = contentText, f
		} else {
			e.content = contentKids
			l.kids[id] = rest[1:]
		}
	}
	n := name{e.space, e.name}
	if _, ok := l.s.byName[n]; ok {
		return fmt.Errorf("%s twice in %q", e.name, e.space)
	}
	l.s.byName[n] = id
	l.s.types = append(l.s.types, e)
	return nil
}

// compareName is the order of attributes: those with a prefix behind the others.
func compareName(a, b string) int {
	x, y := strings.Contains(a, ":"), strings.Contains(b, ":")
	if x != y {
		if y {
			return -1
		}
		return 1
	}
	return strings.Compare(a, b)
}

// cutSpec cuts NAME:SPEC, where NAME may be xml:lang.
func cutSpec(w string) (string, string, bool) {
	if rest, ok := strings.CutPrefix(w, "xml:"); ok {
		n, spec, found := strings.Cut(rest, ":")
		return "xml:" + n, spec, found
	}
	return strings.Cut(w, ":")
}

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

// clone puts the elements of the content namespace into space as well, where forwarded stanzas are. XEP-0297 §3.1.
func (l *loader) clone(space string) {
	for t := range slices.Clone(l.s.types) {
		e := l.s.types[t]
		if e.space != "" {
			continue
		}
		e.space = space
		id := int16(len(l.s.types))
		l.s.byName[name{space, e.name}] = id
		l.s.types = append(l.s.types, e)
		l.kids[id] = l.kids[int16(t)]
	}
}

// resolve finds the children of type t.
func (l *loader) resolve(t int16) error {
	e := &l.s.types[t]
	for _, w := range l.kids[t] {
		n := name{e.space, w}
		if w == "*" {
			continue
		}
		if a, local, ok := strings.Cut(w, ":"); ok {
			space, known := l.alias[a]
			if a == contentAlias {
				space, known = e.space, true
			}
			if !known {
				return fmt.Errorf("%s: no alias %q", e.name, a)
			}
			n = name{space, local}
		}
		k, ok := l.s.byName[n]
		if !ok {
			return fmt.Errorf("%s: no child %q", e.name, w)
		}
		key := [2]int16{t, k}
		if _, again := l.s.kid[key]; again {
			return fmt.Errorf("%s: child %q twice", e.name, w)
		}
		l.s.kid[key] = uint8(childFirst + len(e.kids))
		e.kids = append(e.kids, k)
	}
	if len(e.kids) > 256-childFirst {
		return fmt.Errorf("%s: too many children", e.name)
	}
	return nil
}
