package provision

import (
	"encoding/json"
	"fmt"
	"slices"
)

// metaFormat is the version of meta.json. A system that the kit has fallen back to must read what a newer one wrote: what is added within a
// format may be lost without harm, and a new format is for what may not. Golden file: testdata/meta-1.json.
const metaFormat = 1

// MaxCounter is the highest counter of a bundle that a kit accepts: after the highest of all no bundle could follow.
const MaxCounter = 1 << 62

// maxFailed bounds the bundles whose trial failed that a kit remembers.
const maxFailed = 16

// Meta is all that a kit knows of itself beside its key. It lies in each generation, so that it changes together with the
// documents, at the same instant.
type Meta struct {
	Format     int    `json:"format"`
	Generation uint64 `json:"generation"`

	Name   string `json:"name,omitempty"`
	Fleet  string `json:"fleet,omitempty"`
	Digest string `json:"digest,omitempty"` // SHA-256 of the bundle that the documents are from, hex; "": no bundle yet
	Number uint64 `json:"number,omitempty"` // counter of that bundle
	Note   string `json:"note,omitempty"`   // of that bundle, for people

	Trust []string `json:"trust,omitempty"` // keys of the organisation, a line each; none: the first bundle brings them

	// Counter is the highest that was applied or tried, and CounterKey the id of the key that signed it. Later bundles need a
	// higher one.
	Counter    uint64 `json:"counter,omitempty"`
	CounterKey string `json:"counter_key,omitempty"`

	Trial  *Trial   `json:"trial,omitempty"`  // the documents are on trial
	Failed []Failed `json:"failed,omitempty"` // bundles whose trial ended with undo, the newest last

	Files map[string]string `json:"files,omitempty"` // name → SHA-256, hex
}

// Trial is what undo needs.
type Trial struct {
	Previous uint64 `json:"previous"`        // the generation to return to
	Boots    int    `json:"boots,omitempty"` // starts of the machine since the trial began
}

// Failed is a bundle that the kit has undone.
type Failed struct {
	Digest string   `json:"digest"`
	Number uint64   `json:"number,omitempty"`
	Why    []string `json:"why,omitempty"`
}

// encode is the content of meta.json.
func (m *Meta) encode() ([]byte, error) {
	b, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("provision: meta.json: %w", err)
	}
	return append(b, '\n'), nil
}

// decodeMeta reads what encode of any version of this format wrote.
func decodeMeta(b []byte) (*Meta, error) {
	m := new(Meta)
	if err := json.Unmarshal(b, m); err != nil {
		return nil, fmt.Errorf("provision: meta.json: %w", err)
	}
	if m.Format < 1 || m.Format > metaFormat {
		return nil, fmt.Errorf("provision: meta.json has format %d and this software reads up to %d; update the kit's software", m.Format, metaFormat)
	}
	return m, nil
}

// clone is a copy that shares nothing.
func (m *Meta) clone() *Meta {
	c := *m
	c.Trust = slices.Clone(m.Trust)
	c.Failed = slices.Clone(m.Failed)
	if m.Trial != nil {
		t := *m.Trial
		c.Trial = &t
	}
	return &c
}

// failed tells whether the trial of a bundle has ended with undo.
func (m *Meta) failed(digest string) bool {
	return slices.ContainsFunc(m.Failed, func(f Failed) bool { return f.Digest == digest })
}

func (m *Meta) addFailed(f Failed) {
	m.Failed = slices.DeleteFunc(m.Failed, func(g Failed) bool { return g.Digest == f.Digest })
	m.Failed = append(m.Failed, f)
	if n := len(m.Failed) - maxFailed; n > 0 {
		m.Failed = slices.Delete(m.Failed, 0, n)
	}
}
