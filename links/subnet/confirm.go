package subnet

import (
	"bytes"
	"crypto/sha256"
	"time"

	"longwire/links/cas"
	"longwire/links/dts"
	"longwire/links/sis"
	"longwire/links/spdu"
)

// An answer is a DATA DELIVERY CONFIRM or FAIL of ours, until the far node has it. So long the far node may send the DATA once more:
// what was under way when a link broke comes again over the next one.
type answer struct {
	peer         dts.Address
	source, dest uint8
	sum          [sha256.Size]byte // of the U_PDU
	ok           bool
	old          bool // the link on which the DATA came is broken
	until        time.Time
}

const (
	quoted      = 12        // bytes of a U_PDU in an answer. Choice: enough for the numbers that most clients begin with
	mostAnswers = 1024      // remembered
	rememberFor = time.Hour // an answer that could not be said
)

// reply tells the far client that its U_PDU was delivered, or that nobody is there.
func (n *Node) reply(now time.Time, d *cas.Delivery, p *spdu.PDU, ok bool) {
	a := spdu.PDU{Type: spdu.DataConfirm, Source: p.Source, Dest: p.Dest, Data: p.Data[:min(len(p.Data), quoted)]}
	if !ok {
		a.Type, a.Reason = spdu.DataFail, spdu.FailUnbound
	}
	id, err := n.say(now, d.From, d.Service, p.Priority, &a)
	if err != nil {
		n.log.Warn("no confirmation", "peer", d.From, "err", err)
		return
	}
	n.owed[id] = &answer{peer: d.From, source: p.Source, dest: p.Dest, sum: sha256.Sum256(p.Data), ok: ok}
}

// answerEnded notes that the far node has an answer of ours, or that it was lost.
func (n *Node) answerEnded(now time.Time, id dts.ID, err error) {
	a := n.owed[id]
	delete(n.owed, id)
	if a == nil || err == nil {
		return
	}
	a.old, a.until = true, now.Add(rememberFor)
	if len(n.unsaid) >= mostAnswers {
		n.unsaid = n.unsaid[1:]
	}
	n.unsaid = append(n.unsaid, a)
}

// linkEnded notes that what came over a link may come again.
func (n *Node) linkEnded(peer dts.Address) {
	for _, a := range n.owed {
		if a.peer == peer {
			a.old = true
		}
	}
}

// repeated tells whether a DATA was delivered before, and sees to it that the far client hears of that.
func (n *Node) repeated(now time.Time, d *cas.Delivery, p *spdu.PDU) bool {
	if len(n.owed)+len(n.unsaid) == 0 {
		return false
	}
	sum := sha256.Sum256(p.Data)
	same := func(a *answer) bool {
		return a.old && a.peer == d.From && a.source == p.Source && a.dest == p.Dest && a.sum == sum
	}
	for _, a := range n.owed {
		if same(a) {
			a.old = false // the answer waits to be sent; one more like it would be a U_PDU of its own
			return true
		}
	}
	for i, a := range n.unsaid {
		if same(a) && now.Before(a.until) {
			n.unsaid = append(n.unsaid[:i:i], n.unsaid[i+1:]...)
			n.reply(now, d, p, a.ok)
			return true
		}
	}
	return false
}

// answered takes the far client's answer.
func (n *Node) answered(now time.Time, from dts.Address, p *spdu.PDU) {
	for _, o := range n.asking {
		if o.to != from || o.r.Port.SAP != p.Source || o.r.DestinationSAP != p.Dest || !bytes.HasPrefix(o.r.UPDU, p.Data) {
			continue
		}
		if o.id != 0 {
			// It is there, even if the node's own word for that was lost: no need to send it again.
			delete(n.out, o.id)
			n.cas.Cancel(now, o.id)
		}
		if p.Type == spdu.DataConfirm {
			n.confirm(o)
		} else {
			n.reject(o, sis.RejectSAPNotBound)
		}
		return
	}
}
