package dts

// What a RESET/WIN-RESYNC command asks for.
type resyncKind uint8

const (
	resyncNone resyncKind = iota
	resyncRequest
	resyncWindow
	resyncFull
)

// A resync is the exchange of RESET/WIN-RESYNC D_PDUs with one peer: stop and wait, numbered modulo 256 (S5066 C.6.3).
type resync struct {
	want   resyncKind // a command of ours, not answered yet
	sent   bool
	tries  int
	nextID uint8 // of our next or present command

	heard   bool // a command with number lastID was acted upon, and no data came since
	lastID  uint8
	owed    bool // its answer is due
	answer  Resync
	suspect bool // something in this reception did not fit our windows
	sound   bool // something did
	sender  bool // the suspicion is about our transmit window
}

// ask wants a command sent unless a stronger one is already.
func (y *resync) ask(kind resyncKind) {
	if kind > y.want {
		y.want, y.sent, y.tries = kind, false, 0
	}
}

// command is the D_PDU part of the command that is wanted.
func (y *resync) command(txLWE uint8) Resync {
	switch y.want {
	case resyncFull:
		return Resync{Full: true, ID: y.nextID}
	case resyncWindow:
		return Resync{Window: true, LWE: txLWE, ID: y.nextID}
	}
	return Resync{Request: true, ID: y.nextID}
}

// answered ends our command.
func (y *resync) answered() {
	y.want, y.sent, y.tries = resyncNone, false, 0
	y.nextID++
}

// resynced acts on a RESET/WIN-RESYNC D_PDU of peer p.
func (s *Station) resynced(p *peer, c Resync) {
	y := &p.sync
	if c.Ack && !c.Full && !c.Window && !c.Request {
		s.resyncAcked(p, c)
		return
	}
	if y.heard && c.ID == y.lastID {
		// S5066 C.6.3: a repeated number is a copy; the answer may have been lost.
		y.owed = y.owed || !c.Request
		return
	}
	y.heard, y.lastID = true, c.ID
	switch {
	case c.Full:
		s.resetWindows(p)
		if y.sent {
			y.nextID++ // the peer may have seen that number
		}
		y.want, y.sent, y.tries = resyncNone, false, 0
		// S5066 C.6.3: the answer to a full reset has only RESET ACK set, all else is zero.
		y.owed, y.answer = true, Resync{Ack: true}
		s.emit(Resynced{p.addr, true})
	case c.Window:
		if y.want == resyncRequest {
			s.alive(p)
			y.answered()
		}
		p.rx.resync(c.LWE)
		y.owed, y.answer = true, Resync{Ack: true, LWE: c.LWE, ID: c.ID}
		s.emit(Resynced{p.addr, false})
	case c.Request:
		y.ask(p.resyncKind())
	}
}

// resyncAcked ends a command of ours.
func (s *Station) resyncAcked(p *peer, c Resync) {
	y := &p.sync
	if !y.sent || y.want != resyncFull && (y.want != resyncWindow || c.ID != y.nextID) {
		return
	}
	s.alive(p)
	if y.want == resyncFull {
		s.resetWindows(p)
		s.emit(Resynced{p.addr, true})
	} else {
		p.tx.forget()
	}
	y.answered()
}

// resyncKind chooses how to bring the peer's receive window to our transmit window. If its lower edge is inside a C_PDU whose beginning
// the peer may forget, what follows would be confirmed and never delivered: then all is reset.
func (p *peer) resyncKind() resyncKind {
	if p.tx.atStart() {
		return resyncWindow
	}
	return resyncFull
}

// resetWindows puts all four window edges to their start values. What was begun is lost, or may be there twice: its sender decides.
func (s *Station) resetWindows(p *peer) {
	for _, m := range p.tx.reset() {
		s.fail(p, m, ErrReset)
	}
	p.rx.reset()
}

// judge looks at what did not fit the windows when a reception is over. One that also fits is taken for an echo of old times.
//
// S5066 C.6.3: failing any sync test means out of synchronisation.
func (s *Station) judge(p *peer) {
	y := &p.sync
	if y.suspect && !y.sound && p.connected {
		if y.sender {
			y.ask(p.resyncKind())
		} else {
			y.ask(resyncRequest)
		}
		s.replyTo = p
	}
	y.suspect, y.sound, y.sender = false, false, false
}
