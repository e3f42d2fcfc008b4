package subnet

import (
	"time"

	"longwire/links/sis"
)

// A handler puts what clients ask for into the inbox.
type handler struct{ n *Node }

var _ sis.Handler = handler{}

func (h handler) Bound(p *sis.Port) {
	h.n.inbox.post(func(time.Time) { h.n.shelves[p.SAP].greet(time.Now(), p) })
}

func (h handler) Unbound(p *sis.Port) {
	h.n.inbox.post(func(now time.Time) {
		h.n.shelves[p.SAP].gone(time.Now(), p)
		h.n.drop(now, p)
		if h.n.sis.Port(p.SAP) == nil { // else somebody of higher rank has it now, and the link of it
			h.n.hard.Unbound(now, p.SAP)
		}
	})
}

func (h handler) Unidata(r *sis.Request) {
	h.n.inbox.post(func(now time.Time) { h.n.request(now, r) })
}

func (h handler) HardLink(p *sis.Port, q sis.Primitive) {
	h.n.inbox.post(func(now time.Time) { h.n.hardLink(now, p, q) })
}

func (h handler) Management(p *sis.Port, m sis.ManagementMsgRequest) {
	h.n.inbox.post(func(time.Time) { h.n.manage(p, m) })
}
