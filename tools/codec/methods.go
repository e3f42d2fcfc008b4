package main

import (
	"time"

	"longwire/links/codec"
	"longwire/links/codec/light"
	"longwire/links/codecs"
)

// A method is a row of the tables.
type method struct {
	name string
	line string // what it is
	what func(t *traffic) ([]run, error)
	open func(t *traffic) opener
	lore *learnt // that it begins with; nil: none
}

// A learnt is what a codec learns once, at the start of a program, for all coders.
type learnt struct {
	name  string
	prime func()
	known bool
	took  time.Duration
	bytes int64
}

// learn measures that, the first time.
func (l *learnt) learn() {
	if l.known {
		return
	}
	empty, began := heap(), spent()
	l.prime()
	l.known, l.took = true, spent()-began
	l.bytes = max(0, heap()-empty)
}

// An opener makes the coder of a way.
type opener func(w way) (coder, error)

// xep0138 is the method that all others are compared with.
const xep0138 = "XEP-0138"

// zlibRow is its row.
func zlibRow() method {
	return method{xep0138, "zlib level 9, sync flush, stream management counted", (*traffic).everything, always(func() coder { return newZlib() }), nil}
}

// methods lists all rows in order.
func methods() []method {
	list := []method{
		{"raw", "XML as it stands", (*traffic).everything, always(func() coder { return plain{} }), nil},
		zlibRow(),
		{"dense", "our deflate over IP, stream management counted", (*traffic).everything, always(func() coder { return newDense() }), nil},
	}
	for _, codec := range []struct {
		name string
		kind codecs.Kind
		open func(w way, t *traffic, alone, provisioned bool) (coder, error)
		lore *learnt
	}{{"light", codecs.Light, openLight, &learnt{name: "light", prime: light.Base().Prime}}, {"mix", codecs.Mix, openMix, &learnt{name: "mix", prime: codec.Base().Prime}}} {
		row := func(name, line string, what func(*traffic) ([]run, error), alone, provisioned bool) {
			list = append(list, method{codec.name + " " + name, line, what, func(t *traffic) opener {
				return func(w way) (coder, error) { return codec.open(w, t, alone, provisioned) }
			}, codec.lore})
		}
		row("lossless stream", "the whole stanza, with history", (*traffic).whole, false, false)
		row("stream", "folded, with history", (*traffic).less, false, false)
		row("stream provisioned", "the same, the session's addresses and labels known to both ends", (*traffic).less, false, true)
		list = append(list, method{codec.name + " in frames", "stream provisioned as frames of the longwire mapping: a run each, with headers of 3 bytes; the first of a way has names and codecs", (*traffic).less, func(t *traffic) opener {
			return func(w way) (coder, error) { return openFramed(w, t, codec.kind) }
		}, codec.lore})
		row("lossless alone", "the whole stanza, each run alone", (*traffic).whole, true, false)
		row("alone", "folded, each run alone", (*traffic).less, true, false)
		row("alone provisioned", "the same, the session's addresses and labels known to both ends", (*traffic).less, true, true)
	}
	return list
}

func always(c func() coder) func(*traffic) opener {
	return func(*traffic) opener { return func(way) (coder, error) { return c(), nil } }
}

func openMix(w way, t *traffic, alone, provisioned bool) (coder, error) {
	lore, err := codec.Base().With(t.provision(w, provisioned))
	if err != nil {
		return nil, err
	}
	return &modeled{out: lore.Model(), in: lore.Model(), alone: alone}, nil
}

func openLight(w way, t *traffic, alone, provisioned bool) (coder, error) {
	lore, err := light.Base().With(t.provision(w, provisioned))
	if err != nil {
		return nil, err
	}
	return &modeled{out: lore.Model(), in: lore.Model(), alone: alone}, nil
}
