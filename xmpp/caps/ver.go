package caps

import (
	"cmp"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"hash"
	"slices"
	"strings"

	"longwire/xmpp/markup"
)

// Namespaces.
const (
	NS     = "http://jabber.org/protocol/caps"
	nsInfo = "http://jabber.org/protocol/disco#info"
	nsData = "jabber:x:data"
	nsXML  = markup.NSXML
)

// hashes that a verification string may be made with. XEP-0115 §5.4 step 3; sha-1 is the one that all have.
var hashes = map[string]func() hash.Hash{"sha-1": sha1.New, "sha-256": sha256.New, "sha-512": sha512.New}

// errIllFormed is an answer that XEP-0115 §5.4 step 3 bars from being cached.
var errIllFormed = errors.New("caps: the answer is ill-formed")

// info is what an entity says of itself, in the order of the verification string.
type info struct {
	identities []string // category/type/lang/name
	features   []string
	forms      []form
}

type form struct {
	formType string
	fields   []field
}

type field struct {
	name   string
	values []string
}

// read takes an answer to disco#info apart. XEP-0115 §5.4 step 3.3 to 3.6.
func read(query *markup.Element) (info, error) {
	var i info
	var ids [][4]string
	for _, e := range query.Children {
		switch e.Name {
		case markup.Name{Space: nsInfo, Local: "identity"}:
			ids = append(ids, [4]string{e.Attr("category"), e.Attr("type"), lang(e), e.Attr("name")})
		case markup.Name{Space: nsInfo, Local: "feature"}:
			i.features = append(i.features, e.Attr("var"))
		case markup.Name{Space: nsData, Local: "x"}:
			if f, ok, err := readForm(e); err != nil {
				return i, err
			} else if ok {
				i.forms = append(i.forms, f)
			}
		}
	}
	slices.SortFunc(ids, func(a, b [4]string) int { return slices.Compare(a[:], b[:]) })
	slices.Sort(i.features)
	slices.SortFunc(i.forms, func(a, b form) int { return cmp.Compare(a.formType, b.formType) })
	for _, id := range ids {
		i.identities = append(i.identities, strings.Join(id[:], "/"))
	}
	if twice(i.identities, strings.Compare) || twice(i.features, strings.Compare) ||
		twice(i.forms, func(a, b form) int { return cmp.Compare(a.formType, b.formType) }) {
		return i, errIllFormed
	}
	return i, nil
}

func twice[T any](sorted []T, compare func(a, b T) int) bool {
	for n := 1; n < len(sorted); n++ {
		if compare(sorted[n-1], sorted[n]) == 0 {
			return true
		}
	}
	return false
}

func lang(e *markup.Element) string {
	for _, a := range e.Attrs {
		if a.Name == (markup.Name{Space: nsXML, Local: "lang"}) {
			return a.Value
		}
	}
	return ""
}

// readForm reads a form of XEP-0128; ok is false for one that does not count.
func readForm(x *markup.Element) (f form, ok bool, err error) {
	for _, e := range x.Children {
		if e.Name != (markup.Name{Space: nsData, Local: "field"}) {
			continue
		}
		fd := field{name: e.Attr("var")}
		for _, v := range e.Children {
			if v.Name == (markup.Name{Space: nsData, Local: "value"}) {
				fd.values = append(fd.values, v.Text)
			}
		}
		slices.Sort(fd.values)
		if fd.name != "FORM_TYPE" {
			f.fields = append(f.fields, fd)
			continue
		}
		if values := slices.Compact(fd.values); len(values) > 1 {
			return f, false, errIllFormed
		} else if len(values) == 1 && e.Attr("type") == "hidden" {
			f.formType, ok = values[0], true
		}
	}
	slices.SortStableFunc(f.fields, func(a, b field) int { return cmp.Compare(a.name, b.name) })
	return f, ok, nil
}

// ver is the verification string of XEP-0115 §5.1. What holds a '<' could stand for something else in it, and has none.
func (i *info) ver(algorithm string) (string, error) {
	var b strings.Builder
	clean := true
	put := func(s string) {
		clean = clean && !strings.Contains(s, "<")
		b.WriteString(s)
		b.WriteByte('<')
	}
	for _, id := range i.identities {
		put(id)
	}
	for _, f := range i.features {
		put(f)
	}
	for _, f := range i.forms {
		put(f.formType)
		for _, fd := range f.fields {
			put(fd.name)
			for _, v := range fd.values {
				put(v)
			}
		}
	}
	if !clean {
		return "", errIllFormed
	}
	h := hashes[algorithm]()
	h.Write([]byte(b.String()))
	return base64.StdEncoding.EncodeToString(h.Sum(nil)), nil
}

// What one client may want, in nodes and in octets of their names.
const (
	maxWants      = 64
	maxWantsBytes = 8 << 10
)

// wants are the nodes whose events the entity wants, sorted. XEP-0060 §9.2.
func (i *info) wants() (nodes []string) {
	size := 0
	for _, f := range i.features {
		node, ok := strings.CutSuffix(f, "+notify")
		if !ok || node == "" || len(nodes) == maxWants || size+len(node) > maxWantsBytes {
			continue
		}
		size += len(node)
		nodes = append(nodes, strings.Clone(node))
	}
	slices.Sort(nodes) // without the suffix the order may be another
	return nodes
}
