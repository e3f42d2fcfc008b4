package node

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"longwire/firmware/config"
	"longwire/firmware/telemetry"
	"longwire/links/meter"
	"longwire/store"
	"longwire/xmpp/jid"
	"longwire/xmpp/markup"
	"longwire/xmpp/router"
	"longwire/xmpp/s2s"
	"longwire/xmpp/stanza"
)

// budgets translates [[budget]].
func budgets(cfg *config.Config) (all []meter.Budget) {
	for _, b := range cfg.Budgets {
		kind := b.Kind
		if kind == "message" {
			kind = kindWord(store.KindChat)
		}
		all = append(all, meter.Budget{Peer: b.Peer, User: b.User, Room: b.Room, Class: b.Precedence, Kind: kind, Soft: b.Soft, Hard: b.Hard})
	}
	return all
}

// estimate is how long bytes for a peer will take the channel of the link that carries: as the last ones did, or by its rate. 0: not known.
func (r *record) estimate(peer string, bytes int) time.Duration {
	carrier := ""
	if r.carrier != nil {
		carrier = r.carrier(peer)
	}
	if d := r.ledger.Estimate(peer, carrier, bytes); d > 0 {
		return d
	}
	r.mu.Lock()
	cfg := r.cfg
	r.mu.Unlock()
	if l := cfg.Link(carrier); l != nil {
		return firstCost(l, bytes)
	}
	for i := range cfg.Peers {
		if p := &cfg.Peers[i]; p.Name == peer && len(p.Links) > 0 {
			if l := cfg.Link(p.Links[0]); l != nil {
				return firstCost(l, bytes)
			}
		}
	}
	return 0
}

// firstCost is for links over which nothing has gone yet: a stanza alone, in a transmission of its own, and halved by compression if there is one.
func firstCost(l *config.Link, bytes int) time.Duration {
	if l.Compress {
		bytes = (bytes + 1) / 2
	}
	line := meter.Line{Nominal: l.Rate, Packet: 40, Payload: 1400}
	if l.Type == config.LinkS5066 {
		line = meter.Line{Nominal: l.Rate, Packet: 20, Payload: 200, Fixed: 5 * time.Second}
	}
	return line.Air(bytes)
}

// spend is s2s.Hooks.Spend: whether there is air for a stanza.
func (r *record) spend(t *router.Turn, c s2s.Charge) (v s2s.Verdict) {
	cost := r.estimate(c.Peer, c.Bytes)
	if cost <= 0 {
		return v // what is not known cannot be budgeted
	}
	k := r.key(c.Peer, c.From, c.To, c.Kind, c.Class)
	j := r.ledger.Judge(c.Now, k, cost)
	switch {
	case !j.Refused || exempt(t, c):
	case r.relayed(c):
		v.Hold, v.Why = holdFor(j), refusal(j, cost)
	default:
		v.Refuse = stanza.Fail(stanza.ResourceConstraint, refusal(j, cost))
		r.put("", telemetry.Record{At: c.Now, Kind: telemetry.Reject, Peer: c.Peer, Dir: telemetry.Out, Cause: "budget", Type: k.Kind, Class: k.Class, User: k.User, Room: k.Room})
		return v
	}
	if j.Over && c.Class < store.ClassRoutine && c.Class != store.ClassFlash {
		v.Class, k.Class = store.ClassRoutine, classWord(store.ClassRoutine)
	}
	if j.Over && j.Tell && tells(c) {
		v.Note = overText(j)
	}
	r.warn(c, cost, &v)
	// At once, as the next may be judged before this one is committed.
	r.ledger.Reserve(c.Now, k, cost)
	t.Tx.OnUndo(func() { r.ledger.Release(c.Now, k, cost) })
	return v
}

// exempt tells whether a stanza passes a hard limit. Choice: flash does, or nobody could call for help when the air is spent; and what others wait for: answers,
// errors, and subscriptions, which nobody would send again.
func exempt(t *router.Turn, c s2s.Charge) bool {
	return c.Class == store.ClassFlash || t.Verdict || c.Type == stanza.Error || c.Type == stanza.Result ||
		c.Type == stanza.Subscribe || c.Type == stanza.Subscribed || c.Type == stanza.Unsubscribe || c.Type == stanza.Unsubscribed
}

// relayed tells whether a room of ours passes it on. Choice: it waits instead: the room would take an error for the end of an occupant, or of its
// federation.
func (r *record) relayed(c s2s.Charge) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Contains(r.cfg.RoomService.Domains, c.From.Domain())
}

// holdFor is how long what may not be refused waits for room: until there is some, or a while.
func holdFor(j meter.Judgement) time.Duration {
	const while = 10 * time.Minute
	if j.Again == 0 {
		return while
	}
	return min(j.Again, time.Hour)
}

// tells tells whether somebody wrote it, who can be told something.
func tells(c s2s.Charge) bool {
	return (c.Kind == store.KindChat || c.Kind == store.KindGroupchat) && c.Type != stanza.Error && c.From.Local() != ""
}

// warn is for messages that cost much: their sender is told, and has time to cancel.
func (r *record) warn(c s2s.Charge, cost time.Duration, v *s2s.Verdict) {
	r.mu.Lock()
	air := r.cfg.Air
	r.mu.Unlock()
	if air.WarnAfter <= 0 || cost <= air.WarnAfter || c.Kind != store.KindChat || !tells(c) {
		return
	}
	note := fmt.Sprintf("Your message to %s takes about %s of air time.", c.To.Bare(), spanOf(cost))
	if air.Hold > 0 && c.Class != store.ClassFlash {
		if air.Hold > v.Hold {
			v.Hold, v.Why = air.Hold, fmt.Sprintf("it takes about %s of air time, and its sender may still take it back", spanOf(cost))
		}
		note += fmt.Sprintf(" It waits %s: say \"cancel %s\" to take it back.", spanOf(air.Hold), s2s.NoteNumber)
	}
	v.Note = strings.TrimSpace(v.Note + " " + note)
}

// overText tells who has spent so much that it goes behind.
func overText(j meter.Judgement) string {
	return fmt.Sprintf("%s have been used of %s of air time in any hour%s: what follows goes last, until there is room again.",
		spanOf(j.Spent), spanOf(j.Budget.Soft), whose(j.Budget))
}

func refusal(j meter.Judgement, cost time.Duration) string {
	text := fmt.Sprintf("the air time of this hour is used%s: %s of %s, and this takes %s", whose(j.Budget), spanOf(j.Spent), spanOf(j.Budget.Hard), spanOf(cost))
	switch {
	case cost > j.Budget.Hard:
		return text + "; there will never be room for it"
	case j.Again == 0:
		return text + "; there is room again when what waits was sent"
	}
	return text + "; there is room again in " + spanOf(j.Again)
}

// whose is what a budget is about, in words.
func whose(b meter.Budget) string {
	var of []string
	for _, p := range []struct{ word, is string }{{"for ", b.Peer}, {"by ", b.User}, {"in ", b.Room}, {"as ", b.Class}, {"for kind ", b.Kind}} {
		switch p.is {
		case "":
		case meter.Each:
			of = append(of, p.word+"each")
		default:
			of = append(of, p.word+p.is)
		}
	}
	if len(of) == 0 {
		return ""
	}
	return " (" + strings.Join(of, ", ") + ")"
}

// spanOf is a duration for people.
func spanOf(d time.Duration) string {
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%d s", int(d.Round(time.Second).Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%d min", int(d.Round(time.Minute).Minutes()))
	}
	return fmt.Sprintf("%d h %d min", int(d.Hours()), int(d.Minutes())%60)
}

// tell says something about a stanza to the user who sent it, as the node itself.
func (n *Node) tell(t *router.Turn, s *stanza.Stanza, note string) error {
	to := s.From.Bare()
	if to.Local() == "" || !n.host.Local(to.Domain()) {
		return nil
	}
	if n.attendant.Name() != "" {
		t.After(func() { n.attendant.Tell(to, note) })
		return nil
	}
	from, err := jid.Parse(to.Domain())
	if err != nil {
		return nil
	}
	// Choice: a headline, as it is of no use to who reads it tomorrow.
	m := &stanza.Stanza{Kind: stanza.Message, Type: stanza.Headline, From: from, To: to}
	m.SetInner(append(markup.AppendEscaped([]byte("<body>"), note), "</body>"...))
	return n.router.Route(t, m)
}
