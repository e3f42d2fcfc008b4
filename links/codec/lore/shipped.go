package lore

import (
	"bytes"
	_ "embed"
)

// data.z is made by "codec train" of a corpus whose licence is beside it.
//
//go:embed data.z
var packed []byte

// Shipped is the data that ships with the program.
func Shipped() Data {
	d, err := Unpack(bytes.NewReader(packed))
	if err != nil {
		panic(err) // the program itself is damaged
	}
	return d
}

// Packed is the same, packed: what it is is a part of what codecs know.
func Packed() []byte { return bytes.Clone(packed) }
