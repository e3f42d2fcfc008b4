package subnet

import (
	"longwire/links/sis"
)

// SetEMCON turns emission control on or off. While it is on nothing is transmitted, from the moment SetEMCON returns: what is on the air
// is broken off. Clients hear of it. What they queued waits until their time to live ends; what was broken off is sent again.
func (n *Node) SetEMCON(on bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.emconLocked(on)
}

func (n *Node) emconLocked(on bool) {
	if on == n.emcon {
		return
	}
	n.emcon = on
	n.log.Info("EMCON", "on", on)
	n.silenceLocked()
}

// SetModemLost tells that there is no modem for now, and why; nil: it is back. Meanwhile clients are told that the node is off. What they
// queue waits as in EMCON; peers find us silent, as in a fade.
func (n *Node) SetModemLost(why error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	was := n.lost
	if n.lost = why; (was == nil) != (why == nil) {
		n.silenceLocked()
	}
}

func (n *Node) silent() bool { return n.emcon || n.lost != nil }

// silenceLocked acts on a change of emcon or lost.
func (n *Node) silenceLocked() {
	if n.silent() && n.sending != nil {
		n.sending.cut = true
		n.sending.stop()
	}
	n.cas.Mute(n.clock.Now(), n.silent())
	a := sis.SubnetAvailability{Status: sis.NodeOn}
	switch {
	case n.lost != nil:
		a.Status = sis.NodeOff
	case n.emcon:
		a = sis.SubnetAvailability{Status: sis.ReceiveOnly, Reason: sis.AvailabilityEMCON}
	}
	n.sis.Announce(a)
	n.inbox.poke()
}

// EMCON tells whether emission control is on.
func (n *Node) EMCON() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.emcon
}

// The types of management messages. The standard leaves them to the node.
//
// Choice: a request of type 1 turns EMCON on (body 01) or off (00) or, without a body, only asks; the answer is an indication of type 1
// with the state. Type 2 asks for the Status; the answer is of type 2 with a JSON object. Anything else is answered by type 255 with the
// type asked for.
const (
	ManageEMCON   uint8 = 1
	ManageStatus  uint8 = 2
	ManageUnknown uint8 = 255
)

// manage answers a client of rank 15.
func (n *Node) manage(p *sis.Port, m sis.ManagementMsgRequest) {
	answer := sis.ManagementMsgIndication{MsgType: ManageUnknown, MsgBody: []byte{m.MsgType}}
	switch b := m.MsgBody; {
	case m.MsgType == ManageEMCON && (len(b) == 0 || len(b) == 1 && b[0] <= 1):
		if len(b) == 1 {
			n.log.Info("EMCON by a client", "sap", p.SAP, "client", p.Client)
			n.emconLocked(b[0] == 1)
		}
		answer = sis.ManagementMsgIndication{MsgType: ManageEMCON, MsgBody: []byte{0}}
		if n.emcon {
			answer.MsgBody[0] = 1
		}
	case m.MsgType == ManageStatus:
		answer = sis.ManagementMsgIndication{MsgType: ManageStatus, MsgBody: n.statusLocked(n.clock.Now()).json()}
	}
	if err := p.Send(answer); err != nil {
		n.log.Debug("management not answered", "sap", p.SAP, "err", err)
	}
}
