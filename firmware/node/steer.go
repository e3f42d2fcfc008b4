package node

import (
	"fmt"
	"time"

	"longwire/firmware/admin"
	"longwire/firmware/config"
	"longwire/links/plan"
	"longwire/links/steer"
)

// hfPatience is how long HF may confirm nothing before another link is tried. Spec xmpp.md 10.3 has 30 min for an acknowledgement. Choice: less, as
// what is sent again by another link is known by its number; and what a SIS server rejects makes the link count as down long before.
const hfPatience = 10 * time.Minute

// courses translate what a configuration says about which link carries what.
func (n *Node) courses(cfg *config.Config) (all []steer.Config, err error) {
	for i := range cfg.Peers {
		p := &cfg.Peers[i]
		c := steer.Config{Peer: p.Name, Plan: plan.Peer{
			// To the operator 0 is no hold-down, to plan the default.
			Failover: plan.Failover{After: p.Failover.After, BackAfter: max(p.Failover.BackAfter, 1), BackMax: max(p.Failover.BackMax, 1)}}}
		for _, name := range p.Links {
			l := cfg.Link(name)
			if l == nil {
				continue
			}
			f, err := n.planLink(l, p)
			if err != nil {
				return nil, fmt.Errorf("node: link %q: %w", name, err)
			}
			c.Plan.Links = append(c.Plan.Links, f)
		}
		for _, r := range p.Routes {
			rule, err := planRule(r)
			if err != nil {
				return nil, fmt.Errorf("node: peer %q: %w", p.Name, err)
			}
			c.Plan.Rules = append(c.Plan.Rules, rule)
		}
		all = append(all, c)
	}
	return all, nil
}

func (n *Node) planLink(l *config.Link, p *config.Peer) (plan.Link, error) {
	silent, err := n.silenced(l.Name)
	f := plan.Link{Name: l.Name, Inbound: l.Direction == config.DirectionInbound, EMCON: l.EMCON || silent, Cost: l.CostPerKiB}
	if err != nil {
		return f, err
	}
	for _, text := range l.Windows {
		w, err := plan.ParseWindow(text)
		if err != nil {
			return f, err
		}
		f.Windows = append(f.Windows, w)
	}
	if l.Type == config.LinkS5066 {
		f.Least = time.Duration(float64(hfPatience) / float64(max(l.TimeScale, 1)))
		f.Express = p.S5066.Mapping == config.MappingLongwire
	}
	return f, nil
}

func planRule(r config.Route) (rule plan.Rule, err error) {
	rule = plan.Rule{Links: r.Links, Wait: r.Wait}
	for _, word := range r.Precedence {
		set, err := plan.ClassesOf(word)
		if err != nil {
			return rule, err
		}
		rule.Classes |= set
	}
	for _, word := range r.Kinds {
		set, err := plan.KindsOf(word)
		if err != nil {
			return rule, err
		}
		rule.Kinds |= set
	}
	return rule, nil
}

// carries tells whether what is for a peer goes by a link of that type, which is up.
func (n *Node) carries(peer, kind string) bool {
	name, up := n.helm.Carrier(peer)
	l := n.Config().Link(name)
	return up && l != nil && l.Type == kind
}

// Explain tells which link carries what for a peer, and why.
func (n *Node) Explain(peer string) (admin.Explanation, bool) {
	p, choice, ok := n.helm.Explain(peer)
	if !ok {
		return admin.Explanation{}, false
	}
	return admin.Explain(peer, p, choice), true
}
