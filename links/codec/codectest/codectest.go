// Package codectest has the test vectors of the codec's methods: stanzas, and the bytes that say them.
package codectest

import (
	"bufio"
	"bytes"
	"embed"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"

	"longwire/links/codec"
	"longwire/links/codec/arith"
	"longwire/links/codec/light"
)

// A Vector is one stream: texts in order, each coded by itself behind those before it.
type Vector struct {
	Name      string
	Method    string           // mix or light
	Provision *codec.Provision `json:",omitempty"`
	Alone     bool             `json:",omitempty"` // each text without those before it
	Stanzas   []Stanza
}

// A Stanza is a text in the canonical form, and its code.
type Stanza struct {
	Text string
	Code string // in hex
}

// A model is one direction of a stream.
type model interface {
	Reset()
	Plan(text []byte, out []arith.Choice) []arith.Choice
	Decode(d *arith.Decoder, max int) (text []byte, ok bool)
}

func (v *Vector) model() (model, error) {
	var p codec.Provision
	if v.Provision != nil {
		p = *v.Provision
	}
	switch v.Method {
	case "mix":
		l, err := codec.Base().With(p)
		if err != nil {
			return nil, err
		}
		return l.Model(), nil
	case "light":
		l, err := light.Base().With(p)
		if err != nil {
			return nil, err
		}
		return l.Model(), nil
	}
	return nil, fmt.Errorf("codectest: there is no method %q", v.Method)
}

// Make sets the codes, and the texts to their canonical form.
func (v *Vector) Make() error {
	m, err := v.model()
	if err != nil {
		return err
	}
	var e arith.Encoder
	for i := range v.Stanzas {
		s := &v.Stanzas[i]
		text, err := codec.Canonical([]byte(s.Text))
		if err != nil {
			return fmt.Errorf("codectest: %s: stanza %d: %w", v.Name, i+1, err)
		}
		if v.Alone {
			m.Reset()
		}
		e.Begin()
		for _, c := range m.Plan(text, nil) {
			e.Encode(c)
		}
		s.Text, s.Code = string(text), hex.EncodeToString(e.Finish())
	}
	return nil
}

// Check tells how the codes, or what they are read as, differ from what the vector says; nil if not.
func (v *Vector) Check() error {
	now := Vector{Name: v.Name, Method: v.Method, Provision: v.Provision, Alone: v.Alone}
	for _, s := range v.Stanzas {
		now.Stanzas = append(now.Stanzas, Stanza{Text: s.Text})
	}
	if err := now.Make(); err != nil {
		return err
	}
	for i, s := range v.Stanzas {
		if now.Stanzas[i] != s {
			return fmt.Errorf("codectest: %s: stanza %d, %s, is %s, should be %s", v.Name, i+1, s.Text, now.Stanzas[i].Code, s.Code)
		}
	}
	return v.read()
}

// read decodes the codes.
func (v *Vector) read() error {
	m, err := v.model()
	if err != nil {
		return err
	}
	for i, s := range v.Stanzas {
		code, err := hex.DecodeString(s.Code)
		if err != nil {
			return fmt.Errorf("codectest: %s: stanza %d: %w", v.Name, i+1, err)
		}
		if v.Alone {
			m.Reset()
		}
		var d arith.Decoder
		d.Begin(code)
		text, ok := m.Decode(&d, len(s.Text))
		if !ok || string(text) != s.Text {
			return fmt.Errorf("codectest: %s: stanza %d, %s, is read as %q, should be %s", v.Name, i+1, s.Code, text, s.Text)
		}
	}
	return nil
}

//go:embed vectors.jsonl
var shipped embed.FS

// Shipped are the vectors of the format.
func Shipped() ([]*Vector, error) {
	b, err := shipped.ReadFile("vectors.jsonl")
	if err != nil {
		return nil, err
	}
	return Read(bytes.NewReader(b))
}

// Read reads vectors, one a line.
func Read(r io.Reader) (list []*Vector, err error) {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<20)
	for n := 1; lines.Scan(); n++ {
		v := new(Vector)
		if err := json.Unmarshal(lines.Bytes(), v); err != nil {
			return nil, fmt.Errorf("codectest: line %d: %w", n, err)
		}
		list = append(list, v)
	}
	return list, lines.Err()
}

// Write writes them.
func Write(w io.Writer, list []*Vector) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	for _, v := range list {
		if err := e.Encode(v); err != nil {
			return err
		}
	}
	return nil
}
