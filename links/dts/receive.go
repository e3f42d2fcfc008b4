package dts

import (
	"slices"
	"time"
)

// Warnings that may wait at the same time.
const maxWarnings = 16

// Receive takes a D_PDU the Scanner found without fault. at is when its first bit was on the air, now not earlier. All D_PDUs the modem
// gave out at once are to be told before Tick or Transmit is called again.
func (s *Station) Receive(now, at time.Time, d *PDU) {
	if !s.hears(now, at, d) {
		return
	}
	s.orderwires(d)
	switch d.Type {
	case NonARQ, ExpNonARQ:
		s.gather.take(d, at, grace(&s.cfg.Timing))
	case WarningType:
		s.warned(now, d)
	case Management:
		if p, err := s.peer(d.From); err == nil {
			s.managed(p, d.EOW, &d.Message)
			s.obliged(p, d)
			p.state = InManagement
		}
	default:
		s.receiveARQ(now, d)
	}
	s.collect(now)
}

// Invalid takes a D_PDU the Scanner found a fault in.
func (s *Station) Invalid(now, at time.Time, d *PDU) {
	if !s.hears(now, at, d) || d.Type == WarningType {
		return
	}
	reason := WarnInvalid
	if p := s.known(d.From); d.Type <= ExpAck && (p == nil || !p.connected) {
		reason = WarnNotConnected // S5066 C.6.1: the tables leave invalid ones to connected states
	}
	s.warn(now, d, reason)
}

// hears keeps track of the channel, and tells whether d is for us.
func (s *Station) hears(now, at time.Time, d *PDU) bool {
	if s.channel.sending || d.From == 0 || d.From == s.cfg.Address {
		return false
	}
	s.note(now, d)
	s.occupied(now, at, d)
	switch {
	case d.To == s.cfg.Address:
		if s.await.peer != nil && s.await.peer.addr == d.From {
			s.await.answered = true
		}
		return true
	case d.To.Group():
		all := d.To&addressBits == 1<<(4*d.AddrSize)-1
		return all || slices.Contains(s.cfg.Groups, d.To)
	}
	return false
}

// obliged makes the answer to d our next turn.
func (s *Station) obliged(p *peer, d *PDU) {
	if d.Reply() {
		s.replyTo = p
	}
}

// orderwires hands on what D_PDUs other than MANAGEMENT say by the way, once in each transmission.
func (s *Station) orderwires(d *PDU) {
	if d.EOW == 0 || d.Type == Management || d.EOW == s.channel.eow {
		return
	}
	s.channel.eow = d.EOW
	s.emit(Orderwire{Peer: d.From, EOW: d.EOW})
}

// Advise lets an engineering message ride on the next D_PDU to a peer.
func (s *Station) Advise(a Address, e EOW) error {
	p, err := s.peer(a)
	if err != nil {
		return err
	}
	p.eow = e & 0xfff
	return nil
}

// receiveARQ acts on types that belong to a connection, and on those nobody knows (S5066 C.6.1).
func (s *Station) receiveARQ(now time.Time, d *PDU) {
	p := s.known(d.From)
	switch {
	case d.Type.Reserved():
		s.warn(now, d, WarnUnknownType)
		return
	case p == nil || !p.connected:
		s.warn(now, d, WarnNotConnected)
		return
	}
	p.last = now
	resetting := p.sync.want == resyncFull && p.sync.sent // whatever belongs to the old windows is void
	switch d.Type {
	case DataOnly, DataAck:
		p.state = max(p.state, InData)
		if resetting {
			return
		}
		if d.Type == DataAck {
			s.acked(p, &d.Acks)
		}
		s.arrived(p, d)
	case AckOnly:
		if p.state == Idle {
			s.warn(now, d, WarnState)
		} else if !resetting {
			s.acked(p, &d.Acks)
		}
	case Reset:
		if p.state == InManagement {
			s.warn(now, d, WarnState)
			return
		}
		p.state = max(p.state, InData)
		s.resynced(p, d.Resync)
		s.obliged(p, d)
	case ExpData:
		p.state = max(p.state, InExpedited)
		p.called = false
		if p.xrx.expect(&d.Frame); !d.Damaged {
			p.xrx.take(&d.Frame, d.Segment)
		}
		s.obliged(p, d)
	case ExpAck:
		if p.state != InExpedited {
			s.warn(now, d, WarnState)
			return
		}
		s.expAcked(p, &d.Acks)
	}
}

// arrived takes a frame of normal data.
func (s *Station) arrived(p *peer, d *PDU) {
	s.obliged(p, d)
	if !p.rx.fits(&d.Frame) {
		p.sync.suspect = true
		return
	}
	p.sync.sound, p.sync.heard = true, false
	// S5066 C.6.2: every data D_PDU obliges to an acknowledgement, the damaged too.
	p.rx.owed, p.called = true, false
	p.xrx.left = true
	if !d.Damaged {
		p.rx.take(&d.Frame, d.Segment)
	}
}

// acked takes an acknowledgement of normal data.
func (s *Station) acked(p *peer, a *Acks) {
	done, _, ok := p.tx.ack(a)
	if !ok {
		p.sync.suspect, p.sync.sender = true, true
		return
	}
	p.sync.sound = true
	s.alive(p)
	for _, m := range done {
		s.confirm(p, m)
	}
}

func (s *Station) expAcked(p *peer, a *Acks) {
	done, _, ok := p.xtx.ack(a)
	if !ok {
		return // of a C_PDU that is done
	}
	s.alive(p)
	if done != nil {
		s.confirm(p, done)
	}
}

// alive notes that the peer acknowledges.
func (s *Station) alive(p *peer) { p.answered, p.misses, p.probe = true, 0, false }

// warns tells whether a warning for a waits.
func (s *Station) warns(a Address) bool {
	return slices.ContainsFunc(s.warnings, func(w warning) bool { return w.to == a })
}

// warn tells the sender of d that it was of no use; once in each transmission.
func (s *Station) warn(now time.Time, d *PDU, why WarningReason) {
	i := slices.IndexFunc(s.heard, func(h Heard) bool { return h.Address == d.From })
	if i < 0 || s.heard[i].warned == s.channel.count || d.To.Group() || len(s.warnings) >= maxWarnings {
		return
	}
	p, err := s.peer(d.From)
	if err != nil {
		return
	}
	s.heard[i].warned = s.channel.count
	s.warnings = append(s.warnings, warning{d.From, Warning{d.Type, why}})
	s.replyTo = p
}

// warned acts on a warning. It is never answered.
//
// S5066 C.3.12: stop what it complains about, and tell the sublayer above.
func (s *Station) warned(now time.Time, d *PDU) {
	p, w := s.known(d.From), d.Warning
	s.emit(Warned{d.From, w})
	if p == nil {
		return
	}
	switch {
	case w.Reason == WarnNotConnected && w.Type <= ExpAck:
		s.Disconnect(now, p.addr)
	case w.Reason != WarnUnknownType:
		// An accident, or a state that will pass: what was not acknowledged is sent again.
	case w.Type == ExpData || w.Type == ExpAck:
		p.xtx.each(func(m *message) {
			p.xtx.drop(m)
			s.fail(p, m, ErrRefused)
		})
	case w.Type == Management:
		p.mgmt = management{}
	case w.Type <= Reset:
		s.Abandon(now, p.addr, ErrRefused)
		s.emit(Lost{p.addr})
	}
}
