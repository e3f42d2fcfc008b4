package main

import (
	"fmt"
	"time"

	"longwire/links/codecs"
	"longwire/links/s5066/frame"
)

// A framed is a way as the longwire mapping sends it: each run in a frame of its own, with its header, and with as much history as frames keep. A frame is
// the first stanza's; what others of the run add to it is not told apart.
type framed struct {
	out frame.Encoder
	in  frame.Decoder
	run bool

	encoded, decoded time.Duration // of the processor
}

func openFramed(w way, t *traffic, best codecs.Kind) (coder, error) {
	methods, err := codecs.For(best, t.provision(w, true))
	if err != nil {
		return nil, err
	}
	f := &framed{out: frame.Encoder{Method: methods[0]}, in: frame.Decoder{Methods: methods}}
	f.out.Start(1)
	return f, nil
}

func (f *framed) times() (encode, decode time.Duration) { return f.encoded, f.decoded }

func (f *framed) code(run []item) (sizes []int, err error) {
	names := frame.Header{Out: "k3f9qz", In: "b7wm2c"}
	// The first frame of a contact tells names and codecs, once.
	names.Names = !f.run
	sizes = make([]int, len(run))
	for k := 0; k < len(run); {
		texts := make([][]byte, 0, len(run)-k)
		for _, it := range run[k:] {
			texts = append(texts, it.sent)
		}
		first := f.out.Next()
		began := spent()
		b, taken, err := f.out.Encode(nil, names, texts, 2048) // S5066 A: the largest U_PDU
		if err != nil {
			return nil, err
		}
		f.encoded += spent() - began
		sizes[k] += len(b)
		names.Names, f.run = false, true
		if err := f.read(b, first, run[k:k+taken]); err != nil {
			return nil, err
		}
		k += taken
	}
	return sizes, nil
}

// read decodes a frame, whose first stanza has a number, and compares.
func (f *framed) read(b []byte, first uint32, run []item) error {
	began := spent()
	parsed, err := frame.Parse(b)
	if err != nil {
		return err
	}
	_, texts, err := f.in.Decode(&parsed, frame.Known{Out: "k3f9qz", In: "b7wm2c", Taken: first - 1})
	if err != nil {
		return err
	}
	f.decoded += spent() - began
	if len(texts) != len(run) {
		return fmt.Errorf("a frame of %d stanzas has %d", len(run), len(texts))
	}
	for i, t := range texts {
		if err := same(run[i].sent, t); err != nil {
			return err
		}
	}
	return nil
}
