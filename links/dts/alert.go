package dts

import "time"

// What is sent can be overtaken by what is for the same peer (Amend). Others have to wait for its end: the peer's own urgent C_PDUs, and ours for
// another. So a transmission of less urgent ones is brief while such are to be expected, which is when there were some lately.
const alertFor = 10 * time.Minute

// An alert is how urgent something was lately.
type alert struct {
	priority uint8
	until    time.Time
}

func (a *alert) raise(now time.Time, priority uint8) {
	if priority >= a.priority || !now.Before(a.until) {
		*a = alert{priority, now.Add(alertFor)}
	}
}

// over tells whether it was more urgent than that.
func (a *alert) over(now time.Time, priority uint8) bool {
	return now.Before(a.until) && int(priority)+overtakeBy <= int(a.priority)
}

// Alert tells that a C_PDU of that priority came from a peer.
func (s *Station) Alert(now time.Time, priority uint8) { s.alert.raise(now, priority) }

// alerted tells whether what there is for p should be brief.
func (s *Station) alerted(now time.Time, p *peer) bool {
	if p == nil || !p.hasData() {
		return false
	}
	priority := p.tx.priority()
	if s.alert.over(now, priority) {
		return true
	}
	for _, q := range s.peers {
		if q != p && q.alert.over(now, priority) {
			return true
		}
	}
	return false
}
