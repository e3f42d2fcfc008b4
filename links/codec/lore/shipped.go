package lore

import (
	"bytes"
	_ "embed"
	"strings"
)

// data.z is made by "codec train" of a corpus whose licence is beside it.
//
//go:embed data.z
var packed []byte

// chat.txt are lines as people write them on such links, made up for this purpose. They come last, as they are most like what will be said.
//
//go:embed chat.txt
var chat string

// Shipped is the data that ships with the program.
func Shipped() Data {
	d, err := Unpack(bytes.NewReader(packed))
	if err != nil {
		panic(err) // the program itself is damaged
	}
	for l := range strings.Lines(chat) {
		d.Lines = append(d.Lines, []byte(strings.TrimSuffix(l, "\n")))
	}
	return d
}

// Packed is the same, packed: what it is is a part of what codecs know.
func Packed() []byte { return append(bytes.Clone(packed), chat...) }
