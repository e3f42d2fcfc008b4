package admin

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"longwire/firmware/config"
	"longwire/links/plan"
)

// Explanation is which link carries what for a peer, and why.
type Explanation struct {
	Peer    string        `json:"peer"`
	Carrier string        `json:"carrier,omitempty"` // link that sends now; none: nothing may be sent
	Classes []ClassChoice `json:"classes"`
	Links   []LinkChoice  `json:"links"` // in order of preference
}

// ClassChoice is the choice for stanzas of one class and kind.
type ClassChoice struct {
	Class string `json:"class"`
	Kind  string `json:"kind"`
	Link  string `json:"link,omitempty"` // none: it waits
	Why   string `json:"why"`
	Now   bool   `json:"now"` // the link takes it now; else another has its turn, or it goes in a lane of its own
}

// LinkChoice is how a link stands.
type LinkChoice struct {
	Link    string    `json:"link"`
	Type    string    `json:"type,omitempty"`
	Carries bool      `json:"carries"`
	May     bool      `json:"may"` // it may carry; what keeps it from that is a better one
	Why     string    `json:"why"`
	Since   time.Time `json:"since,omitzero"`
	Until   time.Time `json:"until,omitzero"`
	Cost    float64   `json:"cost_per_kib,omitempty"`

	Codec      string `json:"codec,omitempty"`       // how stanzas are coded on it
	CodecFault string `json:"codec_fault,omitempty"` // why not by the best method of ours
}

var classWords = map[plan.Class]string{plan.Flash: "flash", plan.Immediate: "immediate", plan.Priority: "priority", plan.Routine: "routine",
	plan.IQ: "iq", plan.Presence: "presence", plan.Receipt: "receipt", plan.State: "chat state"}

// Explain says a choice in words.
func Explain(peer string, p plan.Peer, choice plan.Choice) Explanation {
	e := Explanation{Peer: peer, Classes: []ClassChoice{}, Links: []LinkChoice{}}
	for i, v := range choice.Links {
		l := LinkChoice{Link: v.Link, Carries: v.Carries, May: v.May, Why: v.Why, Since: v.Since.Round(0), Until: v.Until.Round(0), Cost: p.Links[i].Cost}
		if v.Carries {
			e.Carrier = v.Link
		}
		e.Links = append(e.Links, l)
	}
	for _, r := range choice.Rows {
		c := ClassChoice{Class: classWords[r.Class], Kind: kindWord(r.Kind), Why: rowReason(p, choice, r)}
		if r.Link >= 0 {
			c.Link = p.Links[r.Link].Name
			c.Now = r.Link == choice.Carrier && choice.Load.Has(r.Cell)
		}
		e.Classes = append(e.Classes, c)
	}
	return e
}

func kindWord(k plan.Kind) string {
	switch k {
	case plan.KindMessage:
		return "message"
	case plan.KindGroupchat:
		return "groupchat"
	}
	return ""
}

// rowReason is why a link was chosen for a row: the rule, and what the better ones lack.
func rowReason(p plan.Peer, choice plan.Choice, r plan.Row) string {
	order := make([]string, 0, len(p.Links))
	for _, l := range p.Links {
		order = append(order, l.Name)
	}
	var why []string
	switch {
	case r.Open:
		why = append(why, fmt.Sprintf("route %d, but it has waited for %s, so any link will do", r.Rule, p.Rules[r.Rule-1].Wait))
	case r.Rule > 0:
		why = append(why, fmt.Sprintf("route %d", r.Rule))
	}
	if r.Rule > 0 {
		order = p.Rules[r.Rule-1].Links
	}
	for _, name := range order {
		i := slices.IndexFunc(choice.Links, func(v plan.Verdict) bool { return v.Link == name })
		if i == r.Link || i < 0 {
			break
		}
		why = append(why, name+": "+choice.Links[i].Why)
	}
	if r.Link < 0 {
		why = append(why, "no link may send it")
	}
	if len(why) == 0 {
		return "the preferred link"
	}
	return strings.Join(why, "; ")
}

// Explain tells which link carries what for a peer, called by its name or one of its domains.
func (a *Admin) Explain(name string) (Explanation, error) {
	c := a.cfg()
	i := slices.IndexFunc(c.Peers, func(p config.Peer) bool { return p.Name == name || slices.Contains(p.Domains, name) })
	if i < 0 {
		var known []string
		for _, p := range c.Peers {
			known = append(known, p.Name)
		}
		return Explanation{}, misuse("there is no peer %q; there are: %s", name, strings.Join(known, ", "))
	}
	if a.node == nil {
		return Explanation{}, fmt.Errorf("admin: which link is chosen only the running node knows; start it with 'longwire node'")
	}
	e, ok := a.node.Explain(c.Peers[i].Name)
	if !ok {
		return e, fmt.Errorf("admin: peer %q is not in force yet; 'longwire reload' makes it so", name)
	}
	for j := range e.Links {
		if l := c.Link(e.Links[j].Link); l != nil {
			e.Links[j].Type = l.Type
		}
	}
	all, err := a.Links()
	if err != nil {
		return e, err
	}
	for j := range e.Links {
		for _, l := range all {
			for _, s := range l.Peers {
				if l.Name == e.Links[j].Link && s.Peer == e.Peer {
					e.Links[j].Codec, e.Links[j].CodecFault = s.Codec, s.CodecFault
				}
			}
		}
	}
	return e, nil
}
