package dts

// Where a data rate change stands (S5066 C.6.4).
type drcStep uint8

const (
	drcNone     drcStep = iota
	drcAsked            // master: request sent
	drcSwitch           // master: DT_ACK goes out, then both change
	drcMoved            // master: changed, waits for the confirmation
	drcAccepted         // slave: accepted, waits for the DT_ACK
	drcConfirm          // slave: changed, confirmation sent, waits for the DT_ACK
	drcRefused          // slave: refused, waits for the cancellation
	drcCancel           // master: cancellation sent, waits for the DT_ACK
)

// A management is the exchange of MANAGEMENT D_PDUs with one peer: stop and wait, one message at a time.
//
// S5066 C.3.9: our numbers start at 0 and stay the same in repeats; the last number received starts out of range.
type management struct {
	want  bool // a message of ours is not acknowledged
	sent  bool
	tries int
	eow   EOW
	ext   []byte
	txID  uint8

	heard bool
	rxID  uint8
	owed  bool // an acknowledgement is due

	step drcStep
	rate Rate
}

// busy tells whether the exchange goes on: S5066 C.6.1, MANAGEMENT state.
func (g *management) busy() bool { return g.want || g.owed || g.step != drcNone }

// waiting tells whether the peer is to say something.
func (g *management) waiting() bool { return g.want && g.sent || g.step == drcMoved }

// tidy ends a step that has nothing more to say or to wait for.
func (g *management) tidy() {
	if !g.want && !g.owed && g.step != drcMoved {
		g.step = drcNone
	}
}

// say makes a message wait to be sent.
func (g *management) say(e EOW, ext []byte) {
	g.want, g.sent, g.tries, g.eow, g.ext = true, false, 0, e, ext
}

// part is what to send now: a message, an acknowledgement or both.
func (g *management) part() (EOW, Message) {
	m := Message{Valid: g.want, Ack: g.owed, ID: g.txID}
	if !g.want {
		return 0, m
	}
	m.Extended = g.ext
	return g.eow, m
}

// RequestRate begins a data rate change for what we send to a peer.
func (s *Station) RequestRate(peer Address, r Rate) error {
	r.Advisory = false
	e, ok := r.EOW()
	if !ok {
		return ErrRate
	}
	p, err := s.peer(peer)
	if err != nil {
		return err
	}
	if p.mgmt.busy() {
		return ErrBusy
	}
	p.mgmt.step, p.mgmt.rate = drcAsked, r
	p.mgmt.say(e, nil)
	return nil
}

// managed acts on a MANAGEMENT D_PDU of peer p.
func (s *Station) managed(p *peer, e EOW, m *Message) {
	g := &p.mgmt
	if m.Ack && g.want && g.sent {
		g.want, g.sent, g.tries = false, false, 0
		g.txID++
		s.alive(p)
		if !m.Valid {
			s.managementAcked(p)
		}
	}
	if !m.Valid {
		return
	}
	g.owed = true
	if g.heard && m.ID == g.rxID {
		return // a copy: acknowledge again, do not act again
	}
	g.heard, g.rxID = true, m.ID
	if r, why, ok := e.Response(); ok {
		s.rateAnswered(p, r, why)
		return
	}
	switch e.Type() {
	case EOWNone:
	case EOWRateRequest:
		s.rateAsked(p, e)
	case EOWHDRRequest:
		// Choice: no waveform is changed by an orderwire message.
		g.step = drcRefused
		g.say(ResponseEOW(RateRefuse, RefuseReason(2)), nil)
	case EOWUnrecognised:
		if g.step == drcAsked {
			g.step = drcNone
		}
		s.orderwire(p, e, m.Extended)
	default:
		s.orderwire(p, e, m.Extended)
		if e.Type() == EOWFrequency {
			g.say(UnrecognisedEOW(e.Type()), nil)
		}
	}
}

// rateAsked is the slave's first step.
func (s *Station) rateAsked(p *peer, e EOW) {
	g := &p.mgmt
	r, ok := e.Rate()
	if ok && r.Advisory {
		s.emit(Orderwire{Peer: p.addr, EOW: e})
		return
	}
	why := RefuseAny
	if ok && s.cfg.RateAllowed != nil {
		why = s.cfg.RateAllowed(r)
	} else if !ok && s.cfg.RateAllowed != nil {
		why = RefuseRate
	}
	if why != RefuseNone {
		g.step = drcRefused
		g.say(ResponseEOW(RateRefuse, why), nil)
		return
	}
	g.step, g.rate = drcAccepted, r
	g.say(ResponseEOW(RateAccept, RefuseNone), nil)
}

// rateAnswered is what the master does next on a response, and what the slave does on a cancellation.
func (s *Station) rateAnswered(p *peer, r RateResponse, why RefuseReason) {
	g := &p.mgmt
	switch {
	case r == RateAccept && g.step == drcAsked:
		g.step = drcSwitch // our DT_ACK goes out first
	case r == RateRefuse && g.step == drcAsked:
		g.step = drcCancel
		g.say(ResponseEOW(RateCancel, why), nil)
	case r == RateConfirm && g.step == drcMoved:
		s.alive(p)
		g.tries = 0
		g.step = drcNone
	case r == RateCancel && (g.step == drcRefused || g.step == drcAccepted):
		g.step = drcNone
		g.want = false
	}
}

// managementAcked is what follows when the peer sent no more than an acknowledgement.
func (s *Station) managementAcked(p *peer) {
	g := &p.mgmt
	switch g.step {
	case drcAccepted:
		// S5066 C.6.4: the slave changes when it has the DT_ACK, and confirms with the new parameters.
		s.emit(RateChange{Peer: p.addr, Rate: g.rate, Receive: true, Transmit: g.rate.Both})
		g.step = drcConfirm
		g.say(ResponseEOW(RateConfirm, RefuseNone), nil)
		s.replyTo = p
	default:
		g.step = drcNone // the exchange is complete, or the peer has nothing to say to our request
	}
}

// managementSent tells that our transmission with a MANAGEMENT D_PDU is over.
func (s *Station) managementSent(p *peer) {
	if g := &p.mgmt; g.step == drcSwitch {
		g.step = drcMoved
		s.emit(RateChange{Peer: p.addr, Rate: g.rate, Transmit: true, Receive: g.rate.Both})
	}
}

// orderwire hands on what the owner may want to know.
func (s *Station) orderwire(p *peer, e EOW, ext []byte) {
	s.emit(Orderwire{Peer: p.addr, EOW: e, Extended: append([]byte(nil), ext...)})
}
