package bundle

import (
	"fmt"
	"strings"
	"time"
)

// Kind is what a bundle carries.
type Kind uint8

const (
	KindConfig Kind = 1 // settings
	KindSystem Kind = 2 // the image of a slot
)

func (k Kind) String() string {
	switch k {
	case KindConfig:
		return "config"
	case KindSystem:
		return "system"
	}
	return fmt.Sprintf("kind %d", uint8(k))
}

// MarshalText gives JSON the word.
func (k Kind) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// Version of the format that is written, and the highest that is read.
const formatVersion = 1

const maxNote = 1000 // bytes

// Target says which kits a bundle is for. An empty field binds to nothing.
type Target struct {
	KitID string `json:"kit_id,omitempty"` // see KitID
	Name  string `json:"name,omitempty"`   // the kit's name, from the config bundle it had before
	Fleet string `json:"fleet,omitempty"`
	Board string `json:"board,omitempty"` // a board profile's name
}

// String tells the target to people.
func (t Target) String() string {
	var w []string
	for _, p := range [][2]string{{"", t.KitID}, {"named ", t.Name}, {"of the fleet ", t.Fleet}, {"on the board ", t.Board}} {
		if p[1] != "" {
			w = append(w, p[0]+p[1])
		}
	}
	if w == nil {
		return "any kit"
	}
	if t.KitID == "" {
		w[0] = "any kit " + w[0]
	}
	return strings.Join(w, ", ")
}

// Check tells what in a target cannot be.
func (t Target) Check() error {
	for _, p := range [][2]string{{"the kit's id", t.KitID}, {"the kit's name", t.Name}, {"the fleet's name", t.Fleet}, {"the board's name", t.Board}} {
		if err := checkWord(p[0], p[1]); err != nil {
			return err
		}
	}
	return nil
}

// Head is what both kinds of bundle begin with.
type Head struct {
	Kind    Kind      `json:"kind"`
	Counter uint64    `json:"counter"` // orders the bundles for one target; from 1
	Target  Target    `json:"target"`
	Created time.Time `json:"created,omitzero"` // for people only: nothing is decided by it
	Note    string    `json:"note,omitempty"`   // the same
	// Organisation is the name that the signer goes by; who signed is Verified.Key.
	Organisation string `json:"organisation,omitempty"`
}

// headRecord is a Head on the stick; the records of both kinds embed it.
type headRecord struct {
	Version      uint64        `cbor:"0,keyasint"`
	Kind         Kind          `cbor:"1,keyasint"`
	Counter      uint64        `cbor:"2,keyasint"`
	Target       *targetRecord `cbor:"3,keyasint,omitempty"`
	Created      uint64        `cbor:"4,keyasint,omitempty"` // s since 1970
	Note         string        `cbor:"5,keyasint,omitempty"`
	Organisation string        `cbor:"6,keyasint,omitempty"`
}

type targetRecord struct {
	KitID string `cbor:"1,keyasint,omitempty"`
	Name  string `cbor:"2,keyasint,omitempty"`
	Fleet string `cbor:"3,keyasint,omitempty"`
	Board string `cbor:"4,keyasint,omitempty"`
}

// record checks a head and makes it ready to be written.
func (h Head) record(kind Kind, s Signer) (headRecord, error) {
	h.Kind, h.Organisation = kind, s.name
	if err := h.check(); err != nil {
		return headRecord{}, err
	}
	r := headRecord{Version: formatVersion, Kind: kind, Counter: h.Counter, Note: h.Note, Organisation: h.Organisation}
	if h.Target != (Target{}) {
		t := targetRecord(h.Target)
		r.Target = &t
	}
	if s := h.Created.Unix(); !h.Created.IsZero() && s > 0 {
		r.Created = uint64(s)
	}
	return r, nil
}

func (h Head) check() error {
	if h.Counter == 0 || h.Counter > 1<<62 {
		return fmt.Errorf("bundle: the counter %d is not from 1 to 2^62", h.Counter)
	}
	if len(h.Note) > maxNote {
		return fmt.Errorf("bundle: the note has %d bytes; %d are allowed", len(h.Note), maxNote)
	}
	if err := checkTitle("the organisation's name", h.Organisation); err != nil {
		return err
	}
	return h.Target.Check()
}

// head reads a head.
func (f *fields) head(kind Kind) Head {
	f.version(formatVersion)
	h := Head{Kind: kind}
	if k := Kind(min(f.number(1, "kind"), 255)); k != kind {
		f.fail("its signature is for a bundle of kind %s, and it says %s", kind, k)
	}
	h.Counter = f.number(2, "counter")
	t := f.table(3, "target")
	h.Target = Target{t.text(1, "target.kit_id", maxName), t.text(2, "target.name", maxName), t.text(3, "target.fleet", maxName), t.text(4, "target.board", maxName)}
	f.adopt(t)
	if s := f.number(4, "created"); s > 0 && s < 1<<40 {
		h.Created = time.Unix(int64(s), 0).UTC()
	}
	h.Note = f.text(5, "note", maxNote)
	h.Organisation = f.text(6, "organisation", maxName)
	f.must(h.check())
	return h
}

// must turns what a check found into a refusal.
func (f *fields) must(err error) {
	if err != nil {
		f.fail("%s", strings.TrimPrefix(err.Error(), "bundle: "))
	}
}

// checkWord accepts small letters, digits, and - . _ between them: what is safe as a host name and in a report.
func checkWord(what, s string) error {
	if len(s) > maxName {
		return fmt.Errorf("bundle: %s has %d bytes; %d are allowed", what, len(s), maxName)
	}
	for i := range len(s) {
		c := s[i]
		switch {
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9':
		case strings.IndexByte("-._", c) >= 0 && i > 0 && i < len(s)-1:
		default:
			return fmt.Errorf("bundle: %s %q may have small letters, digits, and - . _ between them", what, s)
		}
	}
	return nil
}
