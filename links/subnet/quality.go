package subnet

import (
	"slices"

	"longwire/links/dts"
)

// How much of what a peer sends gets through decides whether it is advised of another rate.
//
// Choice: when more than half is lost we advise the next lower rate, as half the rate cannot carry less; less is for dts, which makes
// segments shorter. Three receptions without a loss make us advise the next higher, up to the one that is set here.
const (
	muchLost   = 0.5
	nearlyNone = 0.02
	enoughBits = 3000 // to judge by
	goodRounds = 3
)

// quality is how well we hear a peer.
type quality struct {
	rate       int
	bits, lost int64
	good       int // receptions running without a loss
}

// measure notes how much of a reception is readable: what lies between two D_PDUs was a third.
func (n *Node) measure(f *dts.Found) {
	in, p := &n.in, &f.PDU
	arq := p.Type == dts.DataOnly || p.Type == dts.DataAck
	if !arq || p.To != n.cfg.Address {
		in.next = f.Bit + 8*int64(p.Len())
		return
	}
	size := 8 * int64(p.Len())
	in.peer = p.From
	if gap := f.Bit - in.next; gap > 0 && in.next != 0 {
		in.bits += gap
		in.lost += gap
	}
	in.bits += size
	if p.Damaged {
		in.lost += size
	}
	in.next = f.Bit + size
}

// judge advises the peer that was heard, if that seems good. The advice rides on our acknowledgement, and takes no time on the air.
func (n *Node) judge() {
	in := &n.in
	if in.bits == 0 || n.cfg.FixedRate || !n.linked(in.peer) {
		return
	}
	q := n.quality[in.peer]
	if q == nil || q.rate != in.wave.Rate {
		q = &quality{rate: in.wave.Rate}
		n.quality[in.peer] = q
	}
	q.bits, q.lost = q.bits+in.bits, q.lost+in.lost
	if q.good++; float64(in.lost) > nearlyNone*float64(in.bits) {
		q.good = 0
	}
	if q.bits < enoughBits {
		return
	}
	step := 0
	switch {
	case float64(q.lost) > muchLost*float64(q.bits):
		step = -1
	case q.good >= goodRounds && q.rate < n.cfg.Waveform.Rate:
		step = 1
	}
	q.bits, q.lost = q.bits/2, q.lost/2 // what is old counts less
	if rate := neighbour(q.rate, step); step != 0 && rate != 0 {
		q.good = 0
		n.advise(in.peer, rate)
	}
}

// neighbour is the next rate up or down; 0 if there is none.
func neighbour(rate, step int) int {
	rates := []int{75, 150, 300, 600, 1200, 2400, 3200, 4800, 6400, 8000, 9600}
	i := slices.Index(rates, rate)
	if i < 0 || i+step < 0 || i+step >= len(rates) {
		return 0
	}
	return rates[i+step]
}

func (n *Node) advise(peer dts.Address, rate int) {
	e, ok := dts.Rate{Bits: rate, Interleaver: n.in.wave.Interleaver, Advisory: true}.EOW()
	if !ok {
		return
	}
	if err := n.cas.Station().Advise(peer, e); err != nil {
		n.log.Debug("no advice", "peer", peer, "err", err)
		return
	}
	n.log.Info("advised another rate", "peer", peer, "rate", rate)
}
