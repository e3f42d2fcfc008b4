package subnet

import (
	"errors"
	"slices"
	"time"

	"longwire/links/cas"
	"longwire/links/dts"
	"longwire/links/sis"
	"longwire/links/spdu"
)

// An outgoing is a client's U_PDU on its way.
type outgoing struct {
	r       *sis.Request
	to      dts.Address
	service dts.Service
	id      dts.ID // 0: dts does not have it
	expires time.Time
	until   time.Time // the peer's node has it; so long we wait for the client there
}

func (o *outgoing) arq() bool {
	return o.service == dts.ServiceARQ || o.service == dts.ServiceExpedited
}

func (o *outgoing) wantsClient() bool {
	return o.arq() && o.r.DeliveryMode.Confirmation == sis.ClientConfirmation
}

func serviceOf(r *sis.Request) dts.Service {
	switch arq := r.DeliveryMode.TransmissionMode == sis.ARQ; {
	case arq && r.Expedited:
		return dts.ServiceExpedited
	case arq:
		return dts.ServiceARQ
	case r.Expedited:
		return dts.ServiceExpeditedNonARQ
	}
	return dts.ServiceNonARQ
}

// request takes a U_PDU from a client.
func (n *Node) request(now time.Time, r *sis.Request) {
	// Choice: a time to live counts in radio time, as everything else that a U_PDU waits for.
	o := &outgoing{r: r, to: dtsAddress(r.Destination), service: serviceOf(r), expires: now.Add(r.Deadline.Sub(r.Arrived))}
	n.counts.Requests++
	if !now.Before(n.gather) {
		n.gather = now.Add(gatherFor)
	}
	if o.wantsClient() {
		n.asking = append(n.asking, o)
	}
	n.submit(now, o)
}

// submit gives o to dts, or keeps it while a hard link is not for it.
func (n *Node) submit(now time.Time, o *outgoing) {
	if o.arq() && !n.hard.Allows(o.r.Port.SAP, o.to, o.r.DestinationSAP) {
		n.held = append(n.held, o)
		return
	}
	p := spdu.PDU{Type: spdu.Data, Priority: o.r.Priority, Source: o.r.Port.SAP, Dest: o.r.DestinationSAP, Confirm: o.wantsClient(), Data: o.r.UPDU}
	if n.cfg.TTD {
		p.HasTTD, p.TTD = true, spdu.NewTTD(o.expires)
	}
	b, err := p.Append(nil)
	if err == nil {
		o.id, err = n.cas.Send(now, cas.Unit{To: o.to, Service: o.service, Priority: o.r.Priority, Unordered: o.r.DeliveryMode.AsTheyArrive,
			Repeats: int(o.r.DeliveryMode.MinRetransmissions), Expires: o.expires, SPDU: b})
	}
	if err != nil {
		n.log.Debug("U_PDU refused", "sap", o.r.Port.SAP, "to", o.to, "err", err)
		n.reject(o, reasonOf(err))
		return
	}
	n.out[o.id] = o
}

// reasonOf is what a client is told.
func reasonOf(err error) sis.RejectReason {
	switch {
	case errors.Is(err, dts.ErrExpired):
		return sis.RejectExpired
	case errors.Is(err, cas.ErrBroadcast):
		return sis.RejectNoMode
	}
	return sis.RejectNoResponse // S5066 A: the link could not be made, or is lost
}

// confirm and reject end the custody.
func (n *Node) confirm(o *outgoing) {
	n.forget(o)
	n.counts.Confirmed++
	o.r.Confirm()
}

func (n *Node) reject(o *outgoing, why sis.RejectReason) {
	n.forget(o)
	n.counts.Rejected++
	o.r.Reject(why)
}

func (n *Node) forget(o *outgoing) {
	delete(n.out, o.id)
	is := func(x *outgoing) bool { return x == o }
	n.held = slices.DeleteFunc(n.held, is)
	n.asking = slices.DeleteFunc(n.asking, is)
}

// nodeConfirmed is what follows when the peer's node has all of it.
func (n *Node) nodeConfirmed(now time.Time, o *outgoing) {
	if !o.wantsClient() {
		n.confirm(o)
		return
	}
	delete(n.out, o.id)
	o.id, o.until = 0, now.Add(n.cfg.ClientWait)
	if o.expires.Before(o.until) {
		o.until = o.expires
	}
}

// transmitted is the end of a U_PDU without ARQ.
func (n *Node) transmitted(now time.Time, o *outgoing) {
	if n.sending != nil && n.sending.cut && now.Before(o.expires) {
		// It was broken off: nobody has heard the end.
		delete(n.out, o.id)
		n.submit(now, o)
		return
	}
	n.confirm(o)
}

// expire rejects what waited too long above dts.
func (n *Node) expire(now time.Time) {
	for _, o := range slices.Clone(n.held) {
		if !now.Before(o.expires) {
			n.reject(o, sis.RejectExpired)
		}
	}
	for _, o := range slices.Clone(n.asking) {
		if !o.until.IsZero() && !now.Before(o.until) {
			n.reject(o, sis.RejectNoResponse) // S5066 A: the node has it, its client is silent
		}
	}
}

func (n *Node) nextExpiry() (t time.Time) {
	take := func(x time.Time) {
		if !x.IsZero() && (t.IsZero() || x.Before(t)) {
			t = x
		}
	}
	for _, o := range n.held {
		take(o.expires)
	}
	for _, o := range n.asking {
		take(o.until)
	}
	return t
}

// drop gives up what a client that is gone left behind.
func (n *Node) drop(now time.Time, p *sis.Port) {
	for _, o := range n.all() {
		if o.r.Port != p {
			continue
		}
		if o.id != 0 {
			delete(n.out, o.id) // so that nobody acts on its end
			n.cas.Cancel(now, o.id)
		}
		n.reject(o, sis.RejectUnspecified) // nobody hears that
	}
}

// all is every U_PDU in custody once, those first that came first.
func (n *Node) all() []*outgoing {
	var list []*outgoing
	for _, o := range n.out {
		list = append(list, o)
	}
	slices.SortFunc(list, func(a, b *outgoing) int { return int(a.id) - int(b.id) })
	list = append(list, n.held...)
	for _, o := range n.asking {
		if !o.until.IsZero() {
			list = append(list, o)
		}
	}
	return list
}
