package main

import (
	"fmt"
	"strings"
	"time"

	"longwire/firmware/admin"
	"longwire/firmware/ctl"
)

func cmdLinkList(c *call) error {
	return listing(c, ctl.OpLinkList, nil, "The config has no [[link]]; 'longwire config example' shows one of each type.", c.links)
}

// links prints the links, then what each does for each of its peers.
func (c *call) links(list []admin.Link) error {
	t := newTable(c.out, "LINK", "TYPE", "PEER", "STATE", "SINCE", "EMCON", "IN", "OUT")
	var states []admin.LinkState
	for _, l := range list {
		silence := map[bool]string{true: "ON", false: "off"}[l.EMCON.On]
		if len(l.Peers) == 0 {
			t.row(l.Name, l.Type, "-", "no peer uses it", "-", silence, "-", "-")
		}
		for _, s := range l.Peers {
			t.row(l.Name, l.Type, s.Peer, s.State, ago(s.Since), silence, traffic(s.StanzasIn, s.BytesIn), traffic(s.StanzasOut, s.BytesOut))
		}
		states = append(states, l.Peers...)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	for _, l := range list {
		if l.EMCON.On {
			fmt.Fprintf(c.out, "EMCON %s\n", clean(emcon(l)))
		}
	}
	return c.linkNotes(states)
}

// emcon says who keeps a link silent, since when, and what that holds up.
func emcon(l admin.Link) string {
	var by []string
	if l.EMCON.Switch {
		by = append(by, "by command "+ago(l.EMCON.Since))
	}
	if l.EMCON.Config {
		by = append(by, "by the config")
	}
	return fmt.Sprintf("ON for link %q, %s: it only receives; %s waiting", l.Name, strings.Join(by, " and "), plural(l.EMCON.Held, "stanza"))
}

// linkNotes prints what a table has no room for, one line for each peer of a link: faults, and all about HF.
func (c *call) linkNotes(states []admin.LinkState) error {
	for _, s := range states {
		note := linkNote(s)
		if note == "" {
			continue
		}
		name := s.Link
		if s.S5066 != nil {
			name += " → " + s.Peer
		}
		if _, err := fmt.Fprintln(c.out, clean(name+": "+note)); err != nil {
			return err
		}
	}
	return nil
}

func linkNote(s admin.LinkState) string {
	var parts []string
	say := func(format string, args ...any) { parts = append(parts, fmt.Sprintf(format, args...)) }
	h := s.S5066
	coded := func() {
		if s.CodecFault != "" {
			say("stanzas coded by %s: %s", s.Codec, s.CodecFault)
		} else if s.Codec != "" {
			say("coded by %s", s.Codec)
		}
	}
	if h == nil {
		if s.Fault != "" {
			say("%s", s.Fault)
		}
		coded()
		return strings.Join(parts, ", ")
	}
	remote := s.Remote
	if remote == "" {
		remote = "an address that is not known yet"
	}
	where := fmt.Sprintf("SAP %d at %s, %s to %s, %s", h.SAP, h.Server, h.Local, remote, h.Mapping)
	switch {
	case !h.Bound && s.Fault != "":
		say("not bound (%s); %s", s.Fault, where)
	case !h.Bound:
		say("not bound yet; %s", where)
	default:
		say("bound; %s", where)
		if s.Fault != "" {
			say("%s", s.Fault)
		}
	}
	if h.EMCON {
		say("EMCON")
	}
	if h.FlowOff {
		say("the SIS server holds us (flow off)")
	}
	if h.Node != "" {
		say("the SIS server says %s", h.Node)
	}
	if p := h.Pairing; p != nil && (p.State != "paired" || p.Conflict() != "") {
		if p.State != "paired" {
			say("%s", p.Words)
			if left := time.Until(p.Until); left > 0 {
				say("next try in %s", span(left))
			}
		}
		if text := p.Conflict(); text != "" {
			say("%s", text)
		}
		if p.Refused > 0 {
			say("%s refused", plural(int(p.Refused), "introduction"))
		}
	}
	if left := time.Until(s.Until); left > 0 {
		say("next try at %s, in %s", s.Until.Local().Format(time.TimeOnly), span(left))
	}
	if h.Outstanding > 0 {
		say("%s at the SIS server", plural(h.Outstanding, "frame"))
	}
	if h.Unconfirmed > 0 {
		say("%s on the way", plural(h.Unconfirmed, "stanza"))
	}
	if h.OnFarNode > 0 {
		say("%d of them on the far node", h.OnFarNode)
	}
	if h.FramesIn+h.FramesOut > 0 {
		say("%d frames in, %d out", h.FramesIn, h.FramesOut)
	}
	if h.Rate > 0 {
		say("about %d bit/s", h.Rate)
	}
	switch {
	case !h.Heard.IsZero():
		say("heard %s", ago(h.Heard))
	case h.OnFarNode > 0:
		say("not heard yet: is the peer up, and bound to SAP %d there as well?", h.SAP)
	case h.FramesOut > 0:
		say("not heard yet")
	}
	coded()
	if h.Foreign > 0 {
		say("%s not of mapping %s: are the settings below [peer.s5066] the same on both sides?", plural(int(h.Foreign), "frame"), h.Mapping)
	}
	if h.Dropped > 0 {
		say("%s without effect", plural(int(h.Dropped), "frame"))
	}
	if h.Strays > 0 {
		say("%s of no peer", plural(int(h.Strays), "frame"))
	}
	if h.Uninvited > 0 {
		say("%s of a kit that the config does not invite", plural(int(h.Uninvited), "introduction"))
	}
	return strings.Join(parts, ", ")
}

func cmdLinkEMCON(c *call) error {
	on := map[string]bool{"on": true, "off": false}
	silent, ok := on[c.args[1]]
	if !ok {
		return fmt.Errorf("%w: say on or off, not %q", admin.ErrMisuse, c.args[1])
	}
	caller, cfg, running, err := c.node()
	if err != nil {
		return err
	}
	list, err := ctl.Collect[admin.Link](c.ctx, caller, ctl.OpLinkEMCON, ctl.EMCONArgs{Link: c.args[0], On: silent})
	if err != nil {
		return err
	}
	c.changed(cfg, running)
	for _, l := range list {
		switch {
		case c.json:
			err = c.printJSON(l)
		case l.EMCON.On:
			_, err = fmt.Fprintf(c.err, "EMCON %s\n", emcon(l))
		default:
			_, err = fmt.Fprintf(c.err, "EMCON off for link %q: it sends again\n", l.Name)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
