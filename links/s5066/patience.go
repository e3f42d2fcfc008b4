package s5066

import (
	"math/rand/v2"
	"time"

	"longwire/links/sis"
)

// Patience is how a mapping bears rejections: each reason has a wait of its own.
type patience struct {
	until time.Time // back-off
	delay time.Duration
	fault string
	cut   int // bytes that the server takes, by what it rejected; 0: the MTU
}

// rejected notes that a U_PDU of that size was not delivered, and tells how long to wait, in radio time. S5066 A, S_UNIDATA_REQUEST_REJECTED.
func (p *patience) rejected(why sis.RejectReason, size int) (wait time.Duration) {
	p.fault = why.String()
	switch why {
	case sis.RejectExpired:
		// The server has tried for long; the queue's own expiry decides whether it is worth another try.
	case sis.RejectTooLong:
		if p.cut = size * 3 / 4; p.cut < leastFrame/4 {
			p.cut, wait = 0, backoffMax
		}
	case sis.RejectNoMode:
		p.fault, wait = "the SIS server does not do what this link is configured for: "+why.String(), backoffMax
	case sis.RejectWindow:
		wait = 5 * time.Second
	default: // SAP not bound, not responding
		p.delay = min(max(2*p.delay, backoffMin), backoffMax)
		wait = time.Duration(float64(p.delay) * (0.9 + 0.2*rand.Float64())) // nodes that met the same outage part again
	}
	return wait
}

// relent ends a back-off, as the peer was heard.
func (p *patience) relent() { p.until, p.delay, p.fault = time.Time{}, 0, "" }
