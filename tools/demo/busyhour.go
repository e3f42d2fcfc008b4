package main

import (
	"bytes"
	"compress/zlib"
	"fmt"
	"math"
	"time"

	"longwire/links/codec"
	"longwire/links/codecs"
	"longwire/links/fold"
	"longwire/links/modem"
	"longwire/links/s5066/frame"
	"longwire/xmpp/stream"
	"longwire/xmpp/terse"
)

// Around a U_PDU on the air: D_PDUs of up to 200 bytes with a header, checks and addresses; what S_PDU and C_PDU add; the acknowledgement; and the turnaround of
// the radios each way.
const (
	hourSegment  = 200
	hourHeader   = 22
	hourUnit     = 4
	hourAck      = 16
	hourTurn     = 2 * time.Second
	hourMost     = 25 * time.Second // that a frame should take
	hourLeast    = 256              // bytes that it may take, even so
	hourGathered = 100              // stanzas in one
)

// A packer makes U_PDUs of what one side has waiting: size is that of the first U_PDU, of taken stanzas.
type packer interface {
	pack(from int, waiting []said, limit int) (size, taken int)
}

// folded is folding, numbers in the place of ids, and frames.
type folded struct {
	folder  *fold.Folder
	traffic *terse.Traffic
	enc     [2]frame.Encoder
	texts   map[string][]byte // by what was said; nil: it does not cross
}

func newFolded(names []string) (*folded, error) {
	policy, _ := fold.Preset(fold.Lean)
	f, err := fold.New(policy, false)
	if err != nil {
		return nil, err
	}
	methods, err := codecs.For(codecs.Mix, codec.Provision{JIDs: names})
	if err != nil {
		return nil, err
	}
	o := &folded{folder: f, texts: map[string][]byte{}, traffic: terse.NewTraffic(true, func(d string) bool { return d == "chat.headquarters.net" || d == "chat.field.net" })}
	for i := range o.enc {
		o.enc[i].Method = methods[0]
		o.enc[i].Start(1)
	}
	return o, nil
}

// crosses is what of a stanza goes over the link; nil: nothing.
func (o *folded) crosses(s said) ([]byte, error) {
	if text, ok := o.texts[s.xml]; ok {
		return text, nil
	}
	st, err := stream.ParseStanza([]byte(s.xml))
	if err != nil {
		return nil, err
	}
	var text []byte
	if kept := o.folder.Fold(time.Time{}, st).Stanza; kept != nil {
		out, err := o.traffic.Cross(s.from, kept)
		if err != nil {
			return nil, err
		}
		text = out.Bytes()
	}
	o.texts[s.xml] = text
	return text, nil
}

func (o *folded) pack(from int, waiting []said, limit int) (size, taken int) {
	var texts [][]byte
	for _, s := range waiting {
		text, err := o.crosses(s)
		if err != nil {
			panic("demo: the hour has what is no stanza: " + err.Error())
		}
		if text == nil && len(texts) == 0 {
			taken++
			continue
		}
		if text == nil {
			break
		}
		texts = append(texts, text)
	}
	if len(texts) == 0 {
		return 0, taken
	}
	h := frame.Header{Out: "k3f9qz.Aaa0", In: "b7wm2c.Bbb0", HasMark: true}
	b, n, err := o.enc[from].Encode(nil, h, texts, limit)
	if err != nil {
		panic("demo: a frame cannot be made: " + err.Error())
	}
	return len(b), taken + n
}

// deflated is a stream of XML, compressed as by XEP-0138 and flushed with each U_PDU.
type deflated struct {
	out [2]bytes.Buffer
	w   [2]*zlib.Writer
}

func newDeflated() *deflated {
	d := &deflated{}
	for i := range d.w {
		d.w[i], _ = zlib.NewWriterLevel(&d.out[i], zlib.BestCompression)
	}
	return d
}

func (d *deflated) pack(from int, waiting []said, limit int) (size, taken int) {
	for _, s := range waiting {
		if size > 0 && size+60 > limit {
			break
		}
		d.w[from].Write([]byte(s.xml))
		d.w[from].Flush()
		size, taken = d.out[from].Len(), taken+1
	}
	d.out[from].Reset()
	return size, taken
}

// An outcome is what an hour came to.
type outcome struct {
	units, bytes, onAir int // U_PDUs, bytes in them, bytes of D_PDUs without acknowledgements
	messages, text      int // that people wrote, and characters of them
	air, end            time.Duration
	waited              time.Duration // of messages, in all
}

// live has an hour cross a channel of which one side has the turn at a time: always the side whose oldest stanza has waited longest, with all that fits.
func live(w modem.Waveform, traffic []said, p packer) (o outcome) {
	limit := max(hourLeast, int(hourMost.Seconds()*float64(w.Rate)/8))
	var queue [2][]said
	now, next := time.Duration(0), 0
	for next < len(traffic) || len(queue[0])+len(queue[1]) > 0 {
		for next < len(traffic) && traffic[next].at <= now {
			s := traffic[next]
			queue[s.from] = append(queue[s.from], s)
			next++
		}
		if len(queue[0])+len(queue[1]) == 0 {
			now = traffic[next].at
			continue
		}
		side := 0
		if len(queue[0]) == 0 || len(queue[1]) > 0 && queue[1][0].at < queue[0][0].at {
			side = 1
		}
		size, n := p.pack(side, queue[side][:min(len(queue[side]), hourGathered)], limit)
		if size > 0 {
			air := size + hourUnit
			air += (air + hourSegment - 1) / hourSegment * hourHeader
			took, ack := w.Air(8*air), w.Air(8*hourAck)
			for _, s := range queue[side][:n] {
				if s.text > 0 {
					o.messages, o.text, o.waited = o.messages+1, o.text+s.text, o.waited+now+took-s.at
				}
			}
			o.units, o.bytes, o.onAir, o.air = o.units+1, o.bytes+size, o.onAir+air, o.air+took+ack
			now += took + ack + 2*hourTurn
		}
		queue[side] = queue[side][n:]
	}
	o.end = now
	return o
}

// floorHour is what the text alone would take, without preambles, headers and acknowledgements.
func floorHour(w modem.Waveform, o outcome) time.Duration {
	seconds := floorBits * float64(o.text) / float64(w.Rate)
	return time.Duration(math.Round(seconds * float64(time.Second)))
}

// hourTable prints what a busy hour costs over this waveform, as it is and as a compressed stream.
func (p *page) hourTable(w modem.Waveform) error {
	traffic := busyHour(1)
	var names []string
	for side := range 2 {
		for i := range hourUsers {
			names = append(names, hourAddress(side, i, false))
		}
	}
	mix, err := newFolded(append(names, "ops@chat.headquarters.net", "ops@chat.field.net"))
	if err != nil {
		return err
	}
	a, z := live(w, traffic, mix), live(w, traffic, newDeflated())
	fmt.Fprintf(p, "\n%s\n", p.paint(bold, fmt.Sprintf("A busy hour, computed for %s: %d users, %d messages of %.0f characters (to people and in one federated room), presence, receipts, markers; %d stanzas", w.Name,
		2*hourUsers, a.messages, float64(a.text)/float64(a.messages), len(traffic))))
	fmt.Fprintf(p, "%s\n", p.paint(dim, fmt.Sprintf("%-22s %8s %8s %10s %10s %12s %12s %10s", "", "U_PDUs", "bytes", "a U_PDU", "on the air", "air a message", "air, hour", "waited")))
	for _, r := range []struct {
		name string
		o    outcome
	}{{"mix, folded", a}, {"zlib -9 (XEP-0138)", z}} {
		o := r.o
		fmt.Fprintf(p, "%-22s %8d %8d %10.1f %10.1f %10.1f s %10.0f s %8.0f s\n", r.name, o.units, o.bytes, float64(o.bytes)/float64(o.units), float64(o.onAir)/float64(o.units),
			o.air.Seconds()/float64(o.messages), o.air.Seconds(), o.waited.Seconds()/float64(o.messages))
	}
	f := floorHour(w, a)
	fmt.Fprintf(p, "%-22s %8s %8.0f %10s %10s %10.1f s %10.0f s\n", "floor: the text alone", "", floorBits*float64(a.text)/8, "", "", f.Seconds()/float64(a.messages), f.Seconds())
	p.note("a U_PDU: with its header; on the air: with S_PDU, C_PDU and D_PDU headers, without the acknowledgement. air: of both sides, acknowledgements included.")
	p.note("waited: from the client to the far node, in line for the channel. No frame is lost, and the link is up: no housekeeping is in it. The messages are of 20 patterns, which all methods gain by.")
	if z.end > time.Hour+5*time.Minute {
		p.note(fmt.Sprintf("The compressed stream does not get through: it takes %.1f hours.", z.end.Hours()))
	}
	return nil
}
