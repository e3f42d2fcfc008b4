package station

import (
	"context"
	"time"

	"longwire/tools/s5066con/probe"
)

// next waits for one thing to happen: a fate, an answer, or the time.
func (g *testing) next(ctx context.Context, due <-chan time.Time) (expired bool, err error) {
	select {
	case f := <-g.fates:
		g.fate(f)
		if f.code == BindLost {
			return false, g.s.ended()
		}
	case e := <-g.answers:
		g.take(e)
	case <-due:
		return true, nil
	case <-g.s.over:
		return false, g.s.ended()
	case <-ctx.Done():
		return false, context.Cause(ctx)
	}
	return false, nil
}

// fate counts what became of one U_PDU. The End comes here too, behind the last Data.
func (g *testing) fate(f fate) {
	what, after := "data", time.Duration(0)
	if f.sequence >= g.Count {
		what = "end"
	} else {
		g.outstanding--
		after = g.s.radio(f.at.Sub(g.sentAt[f.sequence]))
	}
	if !f.delivered {
		if what == "data" && f.code != BindLost {
			g.done.Failed++
		}
		g.s.emit(Failed{What: what, To: g.done.To, Sequence: f.sequence, Why: f.why, Code: f.code, Hint: f.hint, After: Seconds(after)})
		return
	}
	if what == "data" {
		g.done.Delivered++
		g.delivery.Add(after)
		g.lastGood = f.at
		g.s.emit(Delivered{What: what, To: g.done.To, Sequence: f.sequence, By: g.by(), After: Seconds(after)})
	}
}

// drain takes the fates that have come already.
func (g *testing) drain() {
	for {
		select {
		case f := <-g.fates:
			g.fate(f)
		case e := <-g.answers:
			g.take(e)
		default:
			return
		}
	}
}

// ask sends the End until a report comes, three times at most. To a group it waits for more reports until the time is over.
func (g *testing) ask(ctx context.Context) error {
	ahead := time.Duration(0)
	if !confirmed(g.Service) {
		// What the node still has goes first.
		ahead = g.s.real(min(lead, time.Duration(g.Count)) * g.Radio.NonARQ(1, g.Size, int(g.Service.MinRetransmissions)).Time)
	}
	for try := range 3 {
		u := probe.Probe{Kind: probe.End, Run: g.run, Sequence: uint16(try), Sent: uint16(g.done.Sent)}.Append(nil)
		r := g.request(u)
		r.DeliveryMode = sure(r.DeliveryMode)
		if err := g.s.send(ctx, r, waiter{g.fates, g.Count + try}); err != nil {
			return err
		}
		g.s.emit(Sent{What: "end", To: g.done.To, Sequence: try, Bytes: len(u)})
		due := time.NewTimer(ahead + g.s.real(g.Wait))
		expired := false
		for !expired && (len(g.reports) == 0 || g.To.Group()) {
			var err error
			if expired, err = g.next(ctx, due.C); err != nil {
				due.Stop()
				return err
			}
		}
		due.Stop()
		// Choice: with ARQ the End has arrived when it is confirmed; who has not answered then has no console.
		if ahead = 0; len(g.reports) > 0 || confirmed(g.Service) {
			return nil
		}
	}
	return nil
}

// take notes a report. A station's last one counts.
func (g *testing) take(e echo) {
	if e.Kind != probe.Report {
		return
	}
	if _, known := g.reports[e.from.Source]; !known && len(g.reports) >= mostStations {
		return
	}
	a := Arrived{From: e.from.Source.String(), Sent: g.done.Sent, Received: int(e.Tally.Received), Duplicates: int(e.Tally.Duplicates),
		Bytes: int(e.Tally.Bytes), Rate: rounded(e.Tally.Rate() / g.s.c.Scale)}
	if a.Sent > 0 {
		a.Loss = ratio(a.Sent-min(a.Received, a.Sent), a.Sent)
	}
	g.reports[e.from.Source] = a
	g.s.emit(a)
}

// finish makes the result.
func (g *testing) finish() {
	d := &g.done
	d.Delivery = spread(&g.delivery, 8)
	for _, a := range sortedKeys(g.reports) {
		r := g.reports[a]
		d.Reports = append(d.Reports, r)
		d.Loss = max(d.Loss, r.Loss)
	}
	if len(g.sentAt) == 0 {
		return
	}
	switch {
	case confirmed(g.Service):
		d.Unknown = d.Sent - d.Delivered - d.Failed
		if known := d.Delivered + d.Failed; known > 0 {
			d.Loss = max(d.Loss, ratio(d.Failed, known))
		}
		if d.Delivered > 0 {
			took := g.s.radio(g.lastGood.Sub(g.sentAt[0]))
			d.Took = Seconds(took)
			if took > 0 {
				d.Rate = rounded(float64(d.Delivered*g.Size*8) / took.Seconds())
			}
		}
	default:
		d.Unknown = d.Sent
		d.Took = Seconds(g.s.radio(time.Since(g.sentAt[0])))
		for _, r := range d.Reports {
			if d.Rate == 0 || r.Rate > 0 && r.Rate < d.Rate {
				d.Rate = r.Rate
			}
		}
		if len(d.Reports) > 0 && !g.To.Group() {
			d.Unknown = 0
			d.Delivered = min(d.Reports[0].Received, d.Sent)
			d.Failed = d.Sent - d.Delivered
		}
	}
}

// rounded is a rate as people read it.
func rounded(x float64) float64 { return float64(int64(x*10+0.5)) / 10 }

func ratio(n, of int) float64 { return float64(int64(float64(n)/float64(of)*1e4+0.5)) / 1e4 }
