package subnet

import (
	"time"

	"longwire/links/cas"
	"longwire/links/dts"
	"longwire/links/sis"
	"longwire/links/spdu"
)

// told acts on an event of the layers below.
func (n *Node) told(now time.Time, e cas.Event) {
	switch e := e.(type) {
	case cas.Delivery:
		n.delivered(now, &e)
	case dts.Confirmed:
		n.ended(now, e.ID, e.Peer, nil)
	case dts.Sent:
		if o := n.out[e.ID]; o != nil {
			n.transmitted(now, o)
		}
	case dts.Failed:
		n.ended(now, e.ID, e.Peer, e.Err)
	case cas.Made:
		n.made(now, e)
	case cas.Broken:
		n.log.Info("link broken", "peer", e.Peer, "exclusive", e.Exclusive, "cause", e.Cause)
		n.standardRate(e.Peer)
		n.broken(now, e.Peer)
	case cas.Refused:
		n.log.Info("no link", "peer", e.Peer, "exclusive", e.Exclusive, "err", e.Err)
		n.broken(now, e.Peer)
	case dts.Warned:
		n.counts.Warnings++
		n.log.Debug("warned", "peer", e.Peer, "type", e.Warning.Type, "reason", e.Warning.Reason)
	case dts.Resynced:
		n.counts.Resyncs++
		n.log.Info("windows put right", "peer", e.Peer, "full", e.Full)
	case dts.Orderwire:
		n.orderwire(e)
	case dts.RateChange:
		n.rateChange(e)
	}
}

// ended is the end of a C_PDU sent by ARQ, or the failure of another.
func (n *Node) ended(now time.Time, id dts.ID, peer dts.Address, err error) {
	n.answerEnded(now, id, err)
	n.farewellSaid(now, peer, id)
	o := n.out[id]
	switch {
	case o == nil:
	case err == nil:
		n.nodeConfirmed(now, o)
	default:
		n.reject(o, reasonOf(err))
	}
}

// delivered takes an S_PDU.
func (n *Node) delivered(now time.Time, d *cas.Delivery) {
	p, err := spdu.Decode(d.SPDU)
	if err != nil {
		n.counts.Faulty++
		return
	}
	switch arq := d.Service == dts.ServiceARQ || d.Service == dts.ServiceExpedited; {
	case p.Type == spdu.Data:
		n.data(now, d, &p)
	case !arq:
		n.counts.Faulty++ // the rest belongs to a link
	case p.Type == spdu.DataConfirm || p.Type == spdu.DataFail:
		n.answered(now, d.From, &p)
	default:
		n.hard.Received(now, d.From, &p)
	}
}

// data takes a U_PDU for a client here.
func (n *Node) data(now time.Time, d *cas.Delivery, p *spdu.PDU) {
	if l, ok := n.hard.Current(); ok && l.Peer == d.From {
		n.lastHard = now
	}
	if p.HasTTD && n.cfg.TTD && p.TTD.Past(now) {
		n.counts.Stale++ // S5066 A.3.1.1: past its time to die
		return
	}
	arq := d.Service == dts.ServiceARQ || d.Service == dts.ServiceExpedited
	confirm := p.Confirm && arq
	if confirm && n.repeated(now, d, p) {
		n.counts.Repeated++
		return
	}
	n.cas.Station().Alert(now, p.Priority)
	port := n.sis.Port(p.Dest)
	ok := port != nil && n.give(port, d, p, confirm)
	if ok {
		n.counts.Delivered++
	} else {
		n.counts.Dropped++
	}
	if confirm {
		n.reply(now, d, p, ok)
	}
}

// give hands a U_PDU to a client, and tells whether it could. keep: the sender is told that it did.
func (n *Node) give(port *sis.Port, d *cas.Delivery, p *spdu.PDU, keep bool) bool {
	i := sis.UnidataIndication{Expedited: d.Service == dts.ServiceExpedited || d.Service == dts.ServiceExpeditedNonARQ, Priority: p.Priority,
		DestinationSAP: p.Dest, Destination: sisAddress(d.To), TransmissionMode: sis.ARQ, SourceSAP: p.Source, Source: sisAddress(d.From), UPDU: p.Data}
	if i.Expedited {
		i.Priority = 0
	}
	if d.Service == dts.ServiceNonARQ || d.Service == dts.ServiceExpeditedNonARQ {
		// Choice: an S_PDU does not tell whether errors are welcome; the mode that the receiving client has bound for does.
		i.TransmissionMode = sis.NonARQ
		if port.ServiceType.TransmissionMode == sis.NonARQErrors {
			i.TransmissionMode = sis.NonARQErrors
		} else if !d.Good() {
			return false
		}
		head := len(d.SPDU) - len(p.Data)
		var ok, ok2 bool
		i.Errored, ok = blocks(d.Errored, head)
		i.Missing, ok2 = blocks(d.Missing, head)
		if !ok || !ok2 {
			return false // nobody knows whose it is
		}
	}
	if len(i.UPDU) > 65535 {
		return false
	}
	s, now := &n.shelves[p.Dest], time.Now()
	s.greet(now, port) // what comes again comes first
	if port.Send(i) != nil {
		return false
	}
	if keep {
		s.keep(now, i)
	}
	return true
}

// blocks counts from the first byte of the U_PDU; ok is false when what is before it is damaged.
func blocks(list []dts.Block, head int) (out []sis.Block, ok bool) {
	for _, b := range list {
		if b.Offset < head {
			return nil, false
		}
		out = append(out, sis.Block{Offset: uint16(b.Offset - head), Size: uint16(b.Size)})
	}
	return out, true
}

// say sends an S_PDU of our own.
func (n *Node) say(now time.Time, to dts.Address, service dts.Service, priority uint8, p *spdu.PDU) (dts.ID, error) {
	b, err := p.Append(nil)
	if err != nil {
		return 0, err
	}
	return n.cas.Send(now, cas.Unit{To: to, Service: service, Priority: priority, Unordered: true, Expires: now.Add(sayFor), SPDU: b})
}

// How long we try to say something that only matters for a while.
const sayFor = 10 * time.Minute
