package frame

import (
	"encoding/binary"
	"slices"

	"longwire/links/codec/arith"
	"longwire/links/codecs"
)

// Known is what the receiver of a frame knows: the names as it has them, the last number that it has taken, and the last that
// it has given.
type Known struct {
	Out, In     string // Out is the sender's name, In ours, as in the Header
	Taken, Sent uint32
	Near        [2]uint64 // the latest ids of sender and receiver, as in the Header
}

// A Decoder reads the frames of one direction. It is the receiver's end of the history, for one goroutine.
type Decoder struct {
	// Methods are those that can be read. One that is not among them any more is read to the end of its run.
	Methods []codecs.Method

	h      history
	near   [2]uint64     // of the frame
	method codecs.Method // that the peer introduced itself with,
	told   bool          // if it has

	split struct {
		seq  uint32
		part uint64 // the next
		body []byte
		sum  uint16 // check of the last one that came
		raw  bool
	}
}

// Decode reads the rest of a frame: the whole numbers, and the stanzas from number Seq on. Those up to Known.Taken are repeats, which
// the caller drops. A frame with a piece gives no stanza until the last piece is there.
//
// After an error nothing has changed, but that pieces may be lost. Names of the frame, if it has them, are believed: whether they are
// the right ones is for the caller to see before.
func (d *Decoder) Decode(f *Frame, k Known) (Header, [][]byte, error) {
	h := f.h
	d.near = [2]uint64{}
	if h.Lone {
		d.near = k.Near
	}
	if !h.Names {
		h.Out, h.In = k.Out, k.In
		if h.Data != None {
			h.Seq = f.Seq(k.Taken)
			if !f.raw {
				h.Uses = d.current().Codec
			}
		}
		if h.HasMark {
			h.Mark = notAbove(h.Mark, f.bits, k.Sent)
		}
	}
	var stanzas [][]byte
	var err error
	switch h.Data {
	case None:
		if !f.agrees(h.sum(false, 0)) {
			err = ErrCheck
		}
	case Part:
		err = d.piece(&h, f)
	case Last:
		body, e := d.whole(&h, f)
		if e != nil {
			return h, nil, e
		}
		stanzas, err = d.readBy(&h, f, body)
	case Stanzas:
		d.drop()
		stanzas, err = d.readBy(&h, f, f.body)
	}
	if err != nil {
		return h, nil, err
	}
	return h, stanzas, nil
}

// readBy reads stanzas by the method that they are coded by.
func (d *Decoder) readBy(h *Header, f *Frame, body []byte) ([][]byte, error) {
	m := d.current()
	if h.Names && h.Uses != m.Codec {
		if m = (codecs.Method{}); h.Uses.Kind != codecs.Raw {
			i := slices.IndexFunc(d.Methods, func(m codecs.Method) bool { return m.Codec == h.Uses })
			if i < 0 {
				return nil, ErrCodec
			}
			m = d.Methods[i]
		}
	}
	stanzas, err := d.read(h, f, m, body)
	if err == nil && h.Names {
		d.method, d.told = m, true
	}
	return stanzas, err
}

// current is the method of what comes without names. Of a peer that introduced itself before we were started it is most likely the first: the check tells.
func (d *Decoder) current() codecs.Method {
	if !d.told && len(d.Methods) > 0 {
		return d.Methods[0]
	}
	return d.method
}

// Rest lets go of the model, of a stream that says nothing for long. The next frame has to learn the history again.
func (d *Decoder) Rest() { d.h.rest() }

// Forget drops the history: what comes next must begin a run.
func (d *Decoder) Forget() {
	d.drop()
	d.h = history{method: d.h.method, m: d.h.m}
}

func (d *Decoder) drop() { d.split.body, d.split.part = nil, 0 }

// maxBody bounds the coded bytes of a stanza that comes in pieces.
const maxBody = MaxStanza + MaxStanza/16

// piece keeps a piece. One that came before is passed over.
func (d *Decoder) piece(h *Header, f *Frame) error {
	if !f.agrees(h.sum(f.raw, f.part, f.body)) {
		return ErrCheck
	}
	s := &d.split
	if f.part == 0 {
		s.seq, s.body, s.raw, s.part = h.Seq, nil, f.raw, 0
	}
	if s.seq != h.Seq || s.raw != f.raw || f.part > s.part || f.part > 0 && s.body == nil {
		return ErrHistory
	}
	if f.part < s.part {
		if f.part == s.part-1 && f.check == s.sum {
			return nil
		}
		return ErrHistory
	}
	if len(s.body)+len(f.body) > maxBody || len(f.body) == 0 {
		d.drop()
		return ErrTooLong
	}
	s.body = append(s.body, f.body...)
	s.part, s.sum = f.part+1, f.check
	return nil
}

// whole puts the last piece behind the others.
func (d *Decoder) whole(h *Header, f *Frame) ([]byte, error) {
	s := &d.split
	if s.body == nil || s.seq != h.Seq || s.part != f.part || s.raw != f.raw {
		return nil, ErrHistory
	}
	if len(s.body)+len(f.body) > maxBody {
		d.drop()
		return nil, ErrTooLong
	}
	body := append(s.body, f.body...)
	d.drop()
	return body, nil
}

// read decodes the stanzas of body and takes them into the history, if the check says that they are what was sent.
func (d *Decoder) read(h *Header, f *Frame, m codecs.Method, body []byte) ([][]byte, error) {
	if h.Run {
		old := d.h
		d.h.start(h.Seq, m, d.near)
		texts, err := d.attempt(h, f, body)
		if err != nil {
			if old.method.Codec == m.Codec {
				old.m = d.h.m
			}
			old.ok = false
			d.h = old
			return nil, err
		}
		d.h.trim()
		return texts, nil
	}
	if !d.h.has(h.Seq) || !f.raw && d.h.method.Codec != m.Codec {
		return nil, ErrHistory
	}
	// A repeat may be followed by what is new. What stands in the history is put back if it is none.
	var tail [][]byte
	if n := d.h.next(); n != h.Seq {
		for i := h.Seq; i != n; i++ {
			text, _ := d.h.text(i)
			tail = append(tail, text)
		}
		d.h.back(h.Seq)
	}
	texts, err := d.attempt(h, f, body)
	if err != nil {
		d.h.back(h.Seq)
		d.h.ok = false
		for _, text := range tail {
			d.h.add(text)
		}
		return nil, err
	}
	d.h.trim()
	return texts, nil
}

func (d *Decoder) attempt(h *Header, f *Frame, body []byte) ([][]byte, error) {
	var texts [][]byte
	var err error
	if f.raw {
		texts, err = readRaw(body)
		for _, t := range texts {
			d.h.add(t)
		}
	} else {
		texts, err = d.decode(f, body)
	}
	if err != nil {
		return nil, err
	}
	if h.Data == Last && len(texts) != 1 || !f.agrees(h.sum(f.raw, f.part, texts...)) {
		return nil, ErrCheck
	}
	return texts, nil
}

// decode is the way back of Encoder.fill.
func (d *Decoder) decode(f *Frame, body []byte) ([][]byte, error) {
	if d.h.method.New == nil {
		return nil, ErrCheck
	}
	var c arith.Decoder
	c.Begin(body)
	if f.bits == nearBits {
		h := f.h
		h.readPrelude(&c)
	}
	var texts [][]byte
	size := 0
	for {
		n := d.h.next()
		d.h.seek(n)
		text, ok := d.h.m.Decode(&c, min(MaxStanza, MaxText-size))
		d.h.at = n + 1
		if !ok || len(texts) == MaxStanzas {
			return nil, ErrCheck
		}
		size += len(text)
		texts = append(texts, text)
		d.h.add(text)
		if c.Decode(followP) == 0 {
			if !c.Ended() {
				return nil, ErrCheck
			}
			return texts, nil
		}
	}
}

func readRaw(body []byte) ([][]byte, error) {
	var texts [][]byte
	size := 0
	for len(body) > 0 {
		n, k := binary.Uvarint(body)
		if k <= 0 || n > MaxStanza || n > uint64(len(body)-k) || len(texts) == MaxStanzas {
			return nil, ErrCheck
		}
		if size += int(n); size > MaxText {
			return nil, ErrCheck
		}
		texts = append(texts, append([]byte(nil), body[k:k+int(n)]...))
		body = body[k+int(n):]
	}
	if len(texts) == 0 {
		return nil, ErrCheck
	}
	return texts, nil
}
