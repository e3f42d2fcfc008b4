package main

import (
	"slices"

	"longwire/links/codec"
	"longwire/xmpp/jid"
	"longwire/xmpp/markup"
)

// provisionOf collects what the configuration of two nodes would tell of traffic: its addresses, labels, capabilities and avatars.
func provisionOf(list []*record) codec.Provision {
	g := gathering{jids: map[string]bool{}, strings: map[string]bool{}}
	for _, r := range list {
		if r.isSM() {
			continue
		}
		g.jid(r.stanza.From.String())
		g.jid(r.stanza.To.String())
		for _, c := range r.stanza.Children {
			if e, err := r.stanza.Element(c); err == nil {
				g.element(e)
			}
		}
	}
	return codec.Provision{JIDs: g.list(g.jids), Strings: g.list(g.strings)}
}

type gathering struct{ jids, strings map[string]bool }

// jid notes an address, and the account that it is of.
func (g gathering) jid(s string) {
	j, err := jid.Parse(s)
	if err != nil {
		return
	}
	g.jids[j.String()] = true
	g.jids[j.Bare().String()] = true
	g.jids[j.Domain()] = true
}

// element notes what in an element is of the configuration.
func (g gathering) element(e *markup.Element) {
	for _, a := range e.Attrs {
		switch {
		case a.Name.Local == "jid" || a.Name.Local == "from" || a.Name.Local == "by":
			g.jid(a.Value)
		case e.Name.Space == "http://jabber.org/protocol/caps", e.Name.Local == "displaymarking":
			g.strings[a.Value] = true
		}
	}
	switch e.Name.Local {
	case "displaymarking", "esssecuritylabel", "photo":
		g.strings[e.Text] = true
	}
	for _, c := range e.Children {
		g.element(c)
	}
}

func (g gathering) list(m map[string]bool) (out []string) {
	for s := range m {
		if s != "" {
			out = append(out, s)
		}
	}
	slices.Sort(out)
	return out
}
