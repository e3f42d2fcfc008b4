package token

import (
	_ "embed"
	"fmt"
	"slices"
	"strings"
	"sync"
)

// schemaText says what elements there are; its head explains how. It is part of the format: any change is another format.
//
//go:embed schema.txt
var schemaText string

// kind is what a value usually is. Any value can be any text.
type kind uint8

const (
	kindAny   kind = iota
	kindText       // what a human wrote: always a plain text
	kindWord       // a string that comes again
	kindJID        //
	kindID         // the id of the stanza, or of another one: a number of the group's when it is short
	kindInt        //
	kindDec        //
	kindStamp      // XEP-0082 §3.2
	kindName       // of an element, an attribute, a prefix
	kindSpace      // of a namespace
)

// field is one kind of value in one place.
type field struct {
	name  string
	kind  kind
	class int16 // in schema.enums; -1: its strings are not learnt
	own   bool  // it is the id of the stanza
	keeps bool  // its number is what the next is told from
	human bool  // its text was written by a person
	sort  int   // of the provisioned strings, those that it may be
}

// Fields that belong to no element of the schema. The others begin at fieldFirst.
const (
	fieldHead = iota
	fieldFrom
	fieldTo
	fieldType
	fieldID
	fieldLang
	fieldMask
	fieldChild
	fieldSpace
	fieldName
	fieldPrefix
	fieldAttr  // what stands in a list of attributes
	fieldValue // of an attribute of no known name
	fieldInner // text in an element that is not known to have any
	fieldDomain
	fieldLocal
	fieldResource
	fieldFirst
)

// attrType is an attribute that an element may have.
type attrType struct {
	name     string // with its prefix: xml:lang
	field    uint16
	optional bool
}

// elemType is what an element of one name usually is.
type elemType struct {
	space, name string
	attrs       []attrType // by name
	optional    int        // how many of them are
	content     uint8
	text        uint16  // field of its text
	kids        []int16 // children that take one byte
}

const (
	contentNone uint8 = iota
	contentText
	contentKids
)

type name struct{ space, local string }

type schema struct {
	types   []elemType
	byName  map[name]int16
	kid     map[[2]int16]uint8 // by parent and child
	roots   [3]int16           // message, presence, iq
	fields  []field
	enums   [][]string // of each class
	enumAt  []map[string]int
	classes map[string]int16
	heads   []head
	headOf  map[head]uint8
	shared  []string // strings that any value may be
	sharedN map[string]int16
}

var theSchema = sync.OnceValue(func() *schema {
	s, err := loadSchema(schemaText)
	if err != nil {
		panic("token: schema.txt: " + err.Error())
	}
	return s
})

// Schema is the text that the format's numbers come from, for a hash of it.
func Schema() string { return schemaText }

func newSchema() *schema {
	s := &schema{byName: map[name]int16{}, kid: map[[2]int16]uint8{}, classes: map[string]int16{}, headOf: map[head]uint8{}, sharedN: map[string]int16{}}
	s.addHeads()
	fixed := [fieldFirst]struct{ name, spec string }{
		fieldHead: {"head", "any"}, fieldFrom: {"from", "jid"}, fieldTo: {"to", "jid"}, fieldType: {"type", "word"}, fieldID: {"id", "id"},
		fieldLang: {"xml:lang", "word"}, fieldMask: {"mask", "any"}, fieldChild: {"child", "any"}, fieldSpace: {"xmlns", "space"},
		fieldName: {"name", "name"}, fieldPrefix: {"prefix", "name"}, fieldAttr: {"attr", "any"}, fieldValue: {"value", "any"},
		fieldInner: {"inner", "any"}, fieldDomain: {"domain", "word.domain"}, fieldLocal: {"local", "any"}, fieldResource: {"resource", "any"},
	}
	for i, f := range fixed {
		s.addField(f.name, f.spec)
		if len(s.fields) != i+1 {
			panic("token: two fixed fields are one")
		}
	}
	return s
}

// codes tells where the codes of a field's class begin, and how many there are.
func (f *field) codes() (first byte, n int) {
	if f.kind == kindID {
		return formKnown, formShare - formKnown
	}
	return formClass, formShare - formClass
}

// root is the number of the kind of stanza in schema.roots.
func (h *head) root() int {
	switch h.kind {
	case "presence":
		return 1
	case "iq":
		return 2
	}
	return 0
}

func (s *schema) addHeads() {
	for _, l := range []string{"message  chat groupchat headline normal error", "presence  unavailable subscribe subscribed unsubscribe unsubscribed probe error", "iq get set result error"} {
		w := strings.Split(l, " ")
		for _, typ := range w[1:] {
			s.addHead(head{kind: w[0], typ: typ})
		}
		s.addHead(head{kind: w[0], odd: true})
	}
	s.addHead(head{kind: "iq"})
}

func (s *schema) addHead(h head) {
	s.headOf[h] = uint8(headFirst + len(s.heads))
	s.heads = append(s.heads, h)
}

var kinds = map[string]kind{"any": kindAny, "text": kindText, "word": kindWord, "jid": kindJID, "id": kindID, "ref": kindID, "mine": kindID, "int": kindInt, "dec": kindDec, "stamp": kindStamp, "name": kindName, "space": kindSpace}

// sortsOf is what strings of a class look like.
var sortsOf = map[string]int{"ver": sortVer, "client": sortClient, "photo": sortPhoto, "ess": sortRaw, "bgcolor": sortColor, "fgcolor": sortColor}

// addField makes a field of a specification: KIND, word.CLASS, or a|list|of|values. Two fields of one name and
// specification are one.
func (s *schema) addField(name, spec string) (uint16, error) {
	f := field{class: -1}
	word, class, _ := strings.Cut(spec, ".")
	list := strings.Contains(spec, "|")
	if list {
		word, class = "word", name+" "+spec
	}
	k, ok := kinds[word]
	if !ok {
		return 0, fmt.Errorf("no such kind of value: %q", spec)
	}
	f.kind = k
	f.human = k == kindText || k == kindWord && class == "text"
	f.name = name + ":" + spec
	if i := slices.IndexFunc(s.fields, func(o field) bool { return o.name == f.name }); i >= 0 {
		return uint16(i), nil
	}
	switch k {
	case kindWord, kindName, kindSpace, kindAny:
		if class == "" {
			class = name
		}
		f.class = s.class(class)
		if list && len(s.enums[f.class]) == 0 {
			for _, w := range strings.Split(spec, "|") {
				if w != "" {
					s.enums[f.class] = append(s.enums[f.class], w)
				}
			}
		}
	case kindID:
		f.own, f.keeps = word == "id", word != "mine"
		f.class = s.class("id of any kind")
	}
	f.sort = sortsOf[class]
	s.fields = append(s.fields, f)
	return uint16(len(s.fields) - 1), nil
}

func (s *schema) class(name string) int16 {
	c, ok := s.classes[name]
	if !ok {
		c = int16(len(s.enums))
		s.classes[name] = c
		s.enums = append(s.enums, nil)
	}
	return c
}

func (s *schema) share(w string) {
	if _, ok := s.sharedN[w]; !ok && w != "" {
		s.sharedN[w] = int16(len(s.shared))
		s.shared = append(s.shared, w)
	}
}
