package config

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"longwire/links/fold"
	"longwire/links/plan"
)

// linkAir checks what a link is like, and when it may transmit.
func (k *checker) linkAir(at string, l *Link) {
	if l.Class != "" {
		k.word(at+".class", "class of links", l.Class, fold.Classes()...)
	}
	k.word(at+".direction", "direction", l.Direction, DirectionBoth, DirectionInbound)
	k.number(at+".rate", l.Rate, 0, 1e9)
	if c := l.CostPerKiB; c < 0 || c > 1e6 {
		k.bad(at+".cost_per_kib", "choose 0 to 1000000", "%g is out of range", c)
	}
	for j, text := range l.Windows {
		if _, err := plan.ParseWindow(text); err != nil {
			k.bad(fmt.Sprintf("%s.windows[%d]", at, j), `write "06:00-18:00" or "mon-fri 22:00-02:00", by UTC`, "%s", windowWords(err))
		}
	}
}

func windowWords(err error) string {
	problem, _, _ := strings.Cut(strings.TrimPrefix(err.Error(), "plan: "), "; ")
	return problem
}

// peerFailover checks the order of a peer's links and what may go where.
func (k *checker) peerFailover(i int) {
	p, at := &k.c.Peers[i], fmt.Sprintf("peer[%d]", i)
	for j, name := range p.Links {
		first := slices.Index(p.Links, name)
		switch {
		case first == j:
		case first == j-1:
			k.bad(fmt.Sprintf("%s.links[%d]", at, j), "keep one of the two", "link %q stands there twice", name)
		default:
			k.bad(fmt.Sprintf("%s.links[%d]", at, j), "name each link once, the best first", "the order of the links goes in a circle: %s", strings.Join(p.Links[first:j+1], " → "))
		}
	}
	f := p.Failover
	k.duration(at+".failover.after", f.After, time.Second, day)
	k.duration(at+".failover.back_after", f.BackAfter, 0, day)
	k.duration(at+".failover.back_max", f.BackMax, f.BackAfter, 7*day)
	if links := k.c.linksOf(p); len(links) > 0 && !slices.ContainsFunc(links, func(l *Link) bool { return l.Direction != DirectionInbound }) {
		k.warn(at+".links", `add one that may transmit, or set direction = "both"`, "every link of peer %q is inbound, so nothing is ever sent to it", p.Name)
	}
	k.numberings(at, p)
	k.routes(at, p)
}

// numberings: between Longwire nodes all links go on with one numbering. Where a link has its own, what it had sent is sent again by the next.
func (k *checker) numberings(at string, p *Peer) {
	links := k.c.linksOf(p)
	if len(links) < 2 {
		return
	}
	radios := 0
	for _, l := range links {
		own := l.Type == LinkIP && !l.ZeroRTT
		if l.Type == LinkS5066 {
			radios++
			own = p.S5066.Mapping != MappingLongwire
		}
		if own {
			k.warn(at+".links", `if it runs Longwire, set zero_rtt = true and mapping = "longwire" on both sides; else its server has to drop repeats by their id`,
				"peer %q may get messages twice when another link takes over: link %q has numbers of its own", p.Name, l.Name)
			break
		}
	}
	if radios > 1 && p.Pairing.Token != "" {
		k.bad(at+".links", "keep one link of type s5066, beside any number of type ip", "peer %q is introduced over HF, and that goes over one link", p.Name)
	}
}

func (k *checker) routes(at string, p *Peer) {
	all := -1
	for j := range p.Routes {
		r, at := &p.Routes[j], fmt.Sprintf("%s.route[%d]", at, j)
		k.words(at+".precedence", "precedence", r.Precedence, precedences...)
		k.words(at+".kinds", "kind", r.Kinds, kinds...)
		k.duration(at+".wait", r.Wait, 0, 365*day)
		k.routeLinks(at, p, r)
		if all >= 0 {
			k.warn(at, "put it before that one, or take it out", "route %d%s takes everything, so this one is never asked", all+1, k.on(fmt.Sprintf("%s.route[%d]", at[:strings.LastIndex(at, ".route")], all)))
		} else if len(r.Precedence) == 0 && len(r.Kinds) == 0 {
			all = j
		}
	}
}

func (k *checker) routeLinks(at string, p *Peer, r *Route) {
	if len(r.Links) == 0 {
		k.bad(at+".links", fmt.Sprintf("name some of the peer's, as in links = [%q]", first(p.Links)), "the route leads nowhere")
	}
	sends := len(r.Links) == 0 || r.Wait > 0
	for j, name := range r.Links {
		path := fmt.Sprintf("%s.links[%d]", at, j)
		l := k.c.Link(name)
		switch {
		case !slices.Contains(p.Links, name):
			k.bad(path, meant(name, p.Links), "peer %q has no link %q", p.Name, name)
			sends = true
		case slices.Contains(r.Links[:j], name):
			k.bad(path, "keep one of the two", "link %q stands there twice", name)
		}
		sends = sends || l == nil || l.Direction != DirectionInbound
	}
	if !sends {
		k.bad(at+".links", "name one that may transmit, or set wait", "only inbound links are named, so what fits would wait for ever")
	}
}
