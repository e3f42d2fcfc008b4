package subnet

import (
	"strings"

	"longwire/links/dts"
	"longwire/links/modem"
)

// waveform finds which of ours has a timing that dts asks for.
func (n *Node) waveform(t dts.Timing) modem.Waveform {
	for _, w := range n.waves {
		if w.Timing(n.cfg.Turnaround) == t {
			return w
		}
	}
	return n.cfg.Waveform
}

// waveTo is what goes to a peer.
func (n *Node) waveTo(peer dts.Address) modem.Waveform {
	if w, ok := n.waves[peer]; ok {
		return w
	}
	return n.cfg.Waveform
}

// rateAllowed tells whether the modem can change as a peer asks.
func (n *Node) rateAllowed(r dts.Rate) dts.RefuseReason {
	switch _, err := modem.Find(r.Bits, r.Interleaver); {
	case r.Interleaver == dts.NoInterleaver:
		return dts.RefuseInterleaver
	case err != nil:
		return dts.RefuseRate
	}
	return dts.RefuseNone
}

// rateChange changes what goes to a peer. What comes is for the modem: all its waveforms tell their rate themselves.
func (n *Node) rateChange(e dts.RateChange) {
	if e.Transmit {
		n.setRate(e.Peer, e.Rate)
	}
}

func (n *Node) setRate(peer dts.Address, r dts.Rate) {
	w, err := modem.Find(r.Bits, r.Interleaver)
	if err != nil {
		return
	}
	if err := n.cas.Station().SetTiming(peer, w.Timing(n.cfg.Turnaround)); err != nil {
		n.log.Debug("rate not changed", "peer", peer, "err", err)
		return
	}
	n.waves[peer] = w
	n.counts.RateChanges++
	n.log.Info("rate changed", "peer", peer, "waveform", w.Name)
}

// orderwire takes what dts does not deal with itself.
func (n *Node) orderwire(e dts.Orderwire) {
	r, ok := e.EOW.Rate()
	if !ok || !r.Advisory || n.cfg.FixedRate {
		return
	}
	// S5066 C.5.1: the sender decides. With waveforms that tell their rate no handshake is needed.
	// Choice: what is set for this node is the fastest it sends.
	now := n.waveTo(e.Peer)
	changes := r.Bits != now.Rate || r.Interleaver != now.Interleaver
	if changes && n.rateAllowed(r) == dts.RefuseNone && r.Bits <= n.cfg.Waveform.Rate && n.linked(e.Peer) {
		n.setRate(e.Peer, r)
	}
}

func (n *Node) linked(peer dts.Address) bool {
	for _, l := range n.cas.Links() {
		if l.Peer == peer {
			return true
		}
	}
	return false
}

// capability is what we tell peers about ourselves.
func (n *Node) capability() dts.Capability {
	c := dts.CanMIL188110
	if !n.cfg.FixedRate {
		c |= dts.CanDRC | dts.CanExtendedRates
	}
	return c
}

func capabilityWords(c dts.Capability) string {
	var words []string
	for i, w := range []string{"ARCS", "non-ARCS ALE", "split frequency", "full duplex", "extended rates", "MIL-STD-188-110", "STANAG 4529", "DRC"} {
		if c&(1<<i) != 0 {
			words = append(words, w)
		}
	}
	return strings.Join(words, ", ")
}

// standardRate goes back to the waveform that is set, when a link is over: the next may find another ionosphere.
func (n *Node) standardRate(peer dts.Address) {
	delete(n.waves, peer)
	delete(n.quality, peer)
	_ = n.cas.Station().SetTiming(peer, dts.Timing{}) // only a timing can be wrong
}
