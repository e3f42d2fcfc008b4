package bundle

import (
	"errors"
	"unicode/utf8"

	"github.com/fxamacker/cbor/v2"
)

// mayIgnore is the first key that a reader who does not know it may skip.
const mayIgnore = 128

var (
	encMode = must(cbor.EncOptions{
		Sort:        cbor.SortCoreDeterministic,
		IndefLength: cbor.IndefLengthForbidden,
		TagsMd:      cbor.TagsForbidden,
	}.EncMode())
	decMode = must(cbor.DecOptions{
		DupMapKey:        cbor.DupMapKeyEnforcedAPF,
		IndefLength:      cbor.IndefLengthForbidden,
		TagsMd:           cbor.TagsForbidden,
		MaxNestedLevels:  4,
		MaxArrayElements: 64,
		MaxMapPairs:      64,
		UTF8:             cbor.UTF8RejectInvalid,
	}.DecMode())
)

func must[T any](v T, err error) T {
	if err != nil {
		panic("bundle: " + err.Error())
	}
	return v
}

// fields is a CBOR map that is read key by key. The first thing that does not fit stays in err, and what is read after
// it is zero.
type fields struct {
	what string // "the bundle"
	left map[uint64]cbor.RawMessage
	err  error
}

func openFields(what string, b []byte) *fields {
	f := &fields{what: what}
	if err := decMode.Unmarshal(b, &f.left); err != nil || f.left == nil {
		f.err = refuse(ErrInvalid, makeAnew, "%s is wrongly made: %s", what, explain(err))
	}
	return f
}

// explain says what the decoder disliked, in words that do not need its types.
func explain(err error) string {
	var dup *cbor.DupMapKeyError
	var kind *cbor.UnmarshalTypeError
	var indefinite *cbor.IndefiniteLengthError
	var tag *cbor.TagsMdError
	var nested *cbor.MaxNestedLevelError
	var pairs *cbor.MaxMapPairsError
	var elements *cbor.MaxArrayElementsError
	switch {
	case err == nil:
		return "it is not a CBOR map"
	case errors.As(err, &dup):
		return "it says something twice"
	case errors.As(err, &indefinite):
		return "it has a part without a length"
	case errors.As(err, &tag):
		return "it has a CBOR tag"
	case errors.As(err, &nested), errors.As(err, &pairs), errors.As(err, &elements):
		return "it has too many parts"
	case errors.As(err, &kind):
		return "it is not a CBOR map with numbers as keys"
	}
	return "it is not CBOR"
}

// CBOR major types, RFC 8949 §3.1, as people say.
var majors = [8]string{"a number", "a negative number", "bytes", "text", "a list", "a table", "a tag", "yes or no"}

// kindOf says what an item is; RFC 8949 §3.3 packs several things into major type 7.
func kindOf(first byte) string {
	switch major := first >> 5; {
	case first == 0xf4 || first == 0xf5 || major != majorSimple:
		return majors[major]
	case first >= 0xf9:
		return "a fraction"
	}
	return "nothing"
}

const (
	majorNumber = 0
	majorBytes  = 2
	majorText   = 3
	majorList   = 4
	majorTable  = 5
	majorSimple = 7
)

// take removes a field of the given major type.
func (f *fields) take(key uint64, name string, major byte, into any) bool {
	raw, ok := f.left[key]
	delete(f.left, key)
	if !ok || f.err != nil {
		return false
	}
	switch want, is := majors[major], kindOf(raw[0]); {
	case want != is:
		f.fail("%q must be %s, and is %s", name, want, is)
	case decMode.Unmarshal(raw, into) != nil:
		f.fail("%q holds something else than it should", name)
	}
	return f.err == nil
}

func (f *fields) fail(format string, args ...any) {
	if f.err == nil {
		e := refuse(ErrInvalid, makeAnew, format, args...)
		e.Problem = f.what + " is wrongly made: " + e.Problem
		f.err = e
	}
}

func (f *fields) number(key uint64, name string) (n uint64) {
	f.take(key, name, majorNumber, &n)
	return n
}

func (f *fields) flag(key uint64, name string) (b bool) {
	f.take(key, name, majorSimple, &b)
	return b
}

func (f *fields) text(key uint64, name string, limit int) (s string) {
	if f.take(key, name, majorText, &s) && (len(s) > limit || !utf8.ValidString(s)) {
		f.fail("%q has %d bytes; %d are allowed", name, len(s), limit)
	}
	return s
}

func (f *fields) bytes(key uint64, name string, limit int) (b []byte) {
	if f.take(key, name, majorBytes, &b) && len(b) > limit {
		f.fail("%q has %d bytes; %d are allowed", name, len(b), limit)
	}
	return b
}

// digest is a field of 32 bytes, which has to be there.
func (f *fields) digest(key uint64, name string) (d [32]byte) {
	if b := f.bytes(key, name, len(d)); copy(d[:], b) != len(d) {
		f.fail("%q must have %d bytes, and has %d", name, len(d), len(b))
	}
	return d
}

// table opens a field that is a map; one that is missing is empty.
func (f *fields) table(key uint64, name string) *fields {
	var raw map[uint64]cbor.RawMessage
	if !f.take(key, name, majorTable, &raw) {
		return &fields{what: f.what}
	}
	return &fields{what: f.what, left: raw}
}

// list opens a field that is a list of maps.
func (f *fields) list(key uint64, name string) (list []*fields) {
	var raw []map[uint64]cbor.RawMessage
	if f.take(key, name, majorList, &raw) {
		for _, m := range raw {
			list = append(list, &fields{what: f.what, left: m})
		}
	}
	return list
}

// adopt takes over a sub-table's error.
func (f *fields) adopt(sub *fields) {
	if err := sub.done(); f.err == nil {
		f.err = err
	}
}

// version reads key 0 and refuses what is from the future, before anything else is looked at.
func (f *fields) version(current uint64) {
	switch v := f.number(0, "version"); {
	case f.err != nil:
	case v == 0:
		f.fail("it has no version")
	case v > current:
		f.err = refuse(ErrNewer, updateFirst,
			"%s is of version %d, and this system knows %d", f.what, v, current)
	}
}

// done refuses fields that nobody asked for.
func (f *fields) done() error {
	if f.err != nil {
		return f.err
	}
	for key := range f.left {
		if key < mayIgnore {
			return refuse(ErrNewer, updateFirst,
				"%s says something that this system does not know (field %d)", f.what, key)
		}
	}
	return nil
}
