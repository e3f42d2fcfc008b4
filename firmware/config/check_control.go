package config

import (
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"longwire/xmpp/jid"
)

// precedence checks [precedence].
func (k *checker) precedence() {
	open := -1
	for i := range k.c.Precedence.Rules {
		r, at := &k.c.Precedence.Rules[i], fmt.Sprintf("precedence.rule[%d]", i)
		k.who(at+".from", r.From)
		k.who(at+".to", r.To)
		k.who(at+".room", r.Room)
		k.size(at+".larger_than", r.LargerThan, 0, 64<<20)
		fine := true
		for _, x := range []struct{ key, word string }{{"precedence", r.Precedence}, {"at_most", r.AtMost}} {
			fine = (x.word == "" || k.word(at+"."+x.key, "precedence", x.word, precedences...)) && fine
		}
		switch {
		case r.Precedence == "" && r.AtMost == "":
			k.bad(at, "set precedence, or at_most, or both", "the rule says nothing about how urgent its messages are")
		case fine && r.Precedence != "" && r.AtMost != "" && slices.Index(precedences, r.Precedence) < slices.Index(precedences, r.AtMost):
			k.bad(at+".precedence", fmt.Sprintf("write %q or less, or raise at_most", r.AtMost), "%s is more than at_most, which is %s", r.Precedence, r.AtMost)
		}
		if open >= 0 {
			k.warn(at, "put it before that one, or take it out", "rule %d%s fits every message, so this one is never asked", open+1, k.on(fmt.Sprintf("precedence.rule[%d]", open)))
		} else if anybody(r.From) && anybody(r.To) && r.Room == "" && r.LargerThan == 0 {
			open = i
		}
	}
}

func anybody(who string) bool { return who == "" || who == Everyone }

// who checks somebody's address, a domain, or "*".
func (k *checker) who(path, text string) {
	if text == "" || text == Everyone {
		return
	}
	if j, err := jid.Parse(text); err != nil || j.Resource() != "" {
		k.bad(path, `write alice@field.net, field.net, or "*" for any`, "%q is neither an address nor a domain", text)
	}
}

// budgets checks [[budget]] and [air].
func (k *checker) budgets() {
	for i := range k.c.Budgets {
		b, at := &k.c.Budgets[i], fmt.Sprintf("budget[%d]", i)
		k.budgetOf(at, b)
		k.budgetLimits(at, b)
		for j := range i {
			o := k.c.Budgets[j]
			if o.Soft, o.Hard = b.Soft, b.Hard; o == *b {
				k.bad(at, "join the two", "budget %d%s is about the same", j+1, k.on(fmt.Sprintf("budget[%d]", j)))
				break
			}
		}
	}
	k.duration("air.warn_after", k.c.Air.WarnAfter, 0, day)
	k.duration("air.hold", k.c.Air.Hold, 0, time.Hour)
	if k.c.set("air.hold") && k.c.Air.Hold > 0 && k.c.Air.WarnAfter == 0 {
		k.warn("air.hold", "set warn_after, or take it out", "nothing is held, as warn_after is 0s")
	}
}

// budgetOf checks whom it is for.
func (k *checker) budgetOf(at string, b *Budget) {
	if b.Peer != "" {
		if p := k.c.Peer(b.Peer); p == nil {
			k.bad(at+".peer", k.knownPeers(b.Peer), "there is no peer %q", b.Peer)
		} else if links := k.c.linksOf(p); len(links) > 0 && !slices.ContainsFunc(links, func(l *Link) bool { return l.Rate > 0 || l.Type == LinkS5066 }) {
			k.warn(at+".peer", fmt.Sprintf("set rate for link %q", links[0].Name), "no link of peer %q says how fast it is, so nothing counts before it is measured", b.Peer)
		}
	}
	k.who(at+".user", b.User)
	k.who(at+".room", b.Room)
	if b.Precedence != "" {
		k.word(at+".precedence", "precedence", b.Precedence, precedences...)
	}
	if b.Kind != "" {
		k.word(at+".kind", "kind", b.Kind, kinds...)
	}
}

// budgetLimits: none is no budget, and nothing at all is radio silence, for which there is another switch.
func (k *checker) budgetLimits(at string, b *Budget) {
	zero := false
	for _, x := range []struct {
		key string
		d   time.Duration
	}{{"soft", b.Soft}, {"hard", b.Hard}} {
		path := at + "." + x.key
		if x.d == 0 && k.c.set(path) {
			k.bad(path, "leave it out for no limit; to send nothing at all set emcon = true for the link", "a budget of zero lets nothing pass")
			zero = true
		} else if x.d != 0 {
			k.duration(path, x.d, time.Second, time.Hour)
		}
	}
	switch {
	case zero:
	case b.Soft == 0 && b.Hard == 0:
		k.bad(at, `set soft, or hard, or both, as in hard = "10m"`, "the budget has no limit")
	case b.Soft > b.Hard && b.Hard != 0:
		k.bad(at+".soft", "make it less than hard", "soft is %s and hard%s only %s, so nobody would be warned", durationString(b.Soft), k.on(at+".hard"), durationString(b.Hard))
	}
}

// delivery checks [delivery] and [attendant].
func (k *checker) delivery() {
	d := &k.c.Delivery
	k.word("delivery.receipts", "way of receipts", d.Receipts, ReceiptsHop, ReceiptsClient)
	k.duration("delivery.keep", d.Keep, time.Hour, 3650*day)
	k.number("delivery.max", d.Max, 1, 1e5)
	name := k.c.Attendant.Name
	j, err := jid.Parse(name + "@field.net")
	switch {
	case err != nil || j.Local() == "" || j.Resource() != "":
		k.bad("attendant.name", `write it as in name = "node"`, "%q cannot stand before the @ of an address", name)
	case k.c.Attendant.Enabled:
		for i, u := range k.c.Users {
			if a, err := jid.Parse(u.Address); err == nil && a.Local() == j.Local() {
				k.bad("attendant.name", "choose another name for one of them", "%s is a user%s", u.Address, k.on(fmt.Sprintf("user[%d].address", i)))
			}
		}
	}
}

// telemetry checks [telemetry].
func (k *checker) telemetry() {
	t := &k.c.Telemetry
	k.size("telemetry.max_size", t.MaxSize, 64<<10, 1<<40)
	if t.Folder == "" || filepath.Clean(k.c.TelemetryPath()) == filepath.Clean(k.c.Data) {
		k.bad("telemetry.folder", `name one of its own, as in folder = "telemetry"`, "%q is the folder of everything else", t.Folder)
	}
	if t.Prometheus != "" && k.listen("telemetry.prometheus", t.Prometheus, "") && !loopback(t.Prometheus) {
		k.warn("telemetry.prometheus", "use a loopback address such as 127.0.0.1 unless the network itself is safe", "anybody who reaches %s can read who talks to whom how much", t.Prometheus)
	}
	if t.Prometheus != "" && !t.Enabled {
		k.warn("telemetry.prometheus", "set enabled = true", "there are no figures without telemetry")
	}
}

func (k *checker) knownPeers(name string) string {
	var all []string
	for _, p := range k.c.Peers {
		all = append(all, p.Name)
	}
	if len(all) == 0 {
		return "the config has no [[peer]]"
	}
	return meant(name, all)
}
