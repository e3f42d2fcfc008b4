package main

import (
	"longwire/links/codec"
	"longwire/links/codec/light"
)

// A method is a row of the tables.
type method struct {
	name string
	line string // what it is
	what func(t *traffic) ([]run, error)
	open func(t *traffic) (func() coder, error) // makes the coder of each way
}

// xep0138 is the method that all others are compared with.
const xep0138 = "XEP-0138"

func always(c func() coder) func(*traffic) (func() coder, error) {
	return func(*traffic) (func() coder, error) { return c, nil }
}

// methods lists all rows in order.
func methods() []method {
	return []method{
		{"raw", "XML as it stands", (*traffic).everything, always(func() coder { return plain{} })},
		{xep0138, "zlib level 9, sync flush, stream management counted", (*traffic).everything, always(func() coder { return newZlib() })},
		{"dense", "our deflate over IP, stream management counted", (*traffic).everything, always(func() coder { return newDense() })},
		{"light lossless stream", "tokens and a dictionary", (*traffic).whole, lighter(false, false)},
		{"light stream", "folded, with history", (*traffic).less, lighter(false, false)},
		{"light lossless alone", "each run alone", (*traffic).whole, lighter(true, false)},
		{"light alone", "folded, each run alone", (*traffic).less, lighter(true, false)},
		{"light alone provisioned", "the same, the file's addresses and labels known to both ends", (*traffic).less, lighter(true, true)},
		{"mix lossless stream", "context mixing, with history", (*traffic).whole, mix(false, false)},
		{"mix stream", "folded, with history", (*traffic).less, mix(false, false)},
		{"mix lossless alone", "each run alone", (*traffic).whole, mix(true, false)},
		{"mix alone", "folded, each run alone", (*traffic).less, mix(true, false)},
		{"mix alone provisioned", "the same, the file's addresses and labels known to both ends", (*traffic).less, mix(true, true)},
	}
}

func mix(alone, provisioned bool) func(*traffic) (func() coder, error) {
	return func(t *traffic) (func() coder, error) {
		lore := codec.Base()
		if provisioned {
			var err error
			if lore, err = lore.With(provisionOf(t.list)); err != nil {
				return nil, err
			}
		}
		return func() coder { return &modeled{out: lore.Model(), in: lore.Model(), alone: alone} }, nil
	}
}

func lighter(alone, provisioned bool) func(*traffic) (func() coder, error) {
	return func(t *traffic) (func() coder, error) {
		lore := light.Base()
		if provisioned {
			var err error
			if lore, err = lore.With(provisionOf(t.list)); err != nil {
				return nil, err
			}
		}
		return func() coder { return &modeled{out: lore.Model(), in: lore.Model(), alone: alone} }, nil
	}
}
