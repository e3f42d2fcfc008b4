package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"text/tabwriter"
	"time"

	"longwire/links/modem"
	"longwire/tools/rig"
	"longwire/tools/rig/wire"
)

const (
	serviceRate  = 300
	serviceScale = 20
)

// A chapter is one thing that clients do, all five at about the same time.
type chapter struct {
	name string
	do   func(p *person, contact string) (stanza string, id string) // id: of what is answered, "" when nothing is
}

// group is five people at headquarters, each with a contact in the field.
type group struct {
	net  *rig.Net
	near [clients]*person
	far  [clients]*person
}

// services counts what the machinery of ordinary clients costs.
func services(ctx context.Context, b *bench, out io.Writer) error {
	fmt.Fprintln(b.progress, "presence and queries of", clients, "clients")
	g, err := newGroup(ctx, b)
	if err != nil {
		return err
	}
	defer g.end()
	fmt.Fprintf(out, "\nWhat %d ordinary clients at headquarters cost, each with one contact in the field who is online, at %d bit/s short, without folding; scale %d.\n", clients, serviceRate, serviceScale)
	fmt.Fprintln(out, "Links are counted with what needed them. Answered: questions with a result, out of those asked.")
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "what\tstanzas\ttransmissions\tbytes on the air\tair\tuntil quiet\tanswered\t")
	query := func(ns string) func(*person, string) (string, string) {
		return func(p *person, contact string) (string, string) {
			id := uuid()
			return "<iq type='get' id='" + id + "' to='" + wire.Escape(contact) + "'><query xmlns='" + ns + "'/></iq>", id
		}
	}
	for _, c := range []chapter{
		{"subscribe", func(_ *person, contact string) (string, string) {
			return "<presence type='subscribe' to='" + wire.Escape(bare(contact)) + "'/>", ""
		}},
		{"accept and subscribe back", nil},
		{"presence: log in", func(*person, string) (string, string) { return available("", 0), "" }},
		{"presence: go away", func(*person, string) (string, string) { return available("away", 0), "" }},
		{"presence: come back", func(*person, string) (string, string) { return available("", 1), "" }},
		{"disco#info", query("http://jabber.org/protocol/disco#info")},
		{"disco#info again", query("http://jabber.org/protocol/disco#info")},
		{"version", query("jabber:iq:version")},
		{"vCard", func(_ *person, contact string) (string, string) {
			id := uuid()
			return "<iq type='get' id='" + id + "' to='" + wire.Escape(bare(contact)) + "'><vCard xmlns='vcard-temp'/></iq>", id
		}},
		{"presence: log out", func(*person, string) (string, string) { return "<presence type='unavailable'/>", "" }},
	} {
		if err := g.chapter(ctx, w, c); err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
	}
	return w.Flush()
}

func newGroup(ctx context.Context, b *bench) (*group, error) {
	net, err := rig.NewNet(rig.HF{Longwire: b.longwire, SISServer: b.sis, Dir: filepath.Join(b.dir, "services"), Domains: []string{"headquarters.net", "field.net"},
		Rate: serviceRate, Scale: serviceScale, Link: map[string]any{"compress": true}, Peer: allCrosses, Channel: modem.ChannelConfig{Seed: 1}})
	if err != nil {
		return nil, err
	}
	return newGroupOn(ctx, net)
}

// allCrosses are keys of [[peer]] by which nothing is folded and nothing answered on this side.
var allCrosses = map[string]any{"fold.preset": "none", "questions.mode": "cross"}

// newGroupOn brings all online that live on a net of two nodes.
func newGroupOn(ctx context.Context, net *rig.Net) (*group, error) {
	g := &group{net: net}
	var err error
	for i := range clients {
		for j, n := range net.Nodes {
			err = errors.Join(err, n.AddUsers(ctx, rig.User{Name: names[j][i], Domain: n.Domain, Password: password}))
		}
	}
	if err == nil {
		err = net.Start(ctx)
	}
	for i := range clients {
		for j, list := range []*[clients]*person{&g.near, &g.far} {
			if err == nil {
				list[i], err = logIn(ctx, net.Nodes[j], rig.User{Name: names[j][i], Domain: net.Nodes[j].Domain, Password: password}, true)
			}
		}
		if err == nil {
			err = g.far[i].WriteString(available("", 0))
		}
	}
	if err != nil {
		g.end()
		return nil, err
	}
	return g, nil
}

var names = [2][clients]string{{"alice", "carol", "erin", "grace", "ivan"}, {"bob", "dave", "frank", "heidi", "judy"}}

func (g *group) end() {
	g.hangUp()
	_ = g.net.Stop()
}

// hangUp ends the sessions.
func (g *group) hangUp() {
	for i := range clients {
		for _, p := range []*person{g.near[i], g.far[i]} {
			if p != nil {
				p.hangUp()
			}
		}
	}
}

// chapter lets all do it, and prints what it cost until the air was quiet: marks that went alone, and links made and ended, with it.
func (g *group) chapter(ctx context.Context, w io.Writer, c chapter) error {
	first, begin := len(g.net.Air.Signals()), time.Now()
	stanzas := 0
	ids := map[*person]string{}
	for i, p := range g.near {
		if c.do == nil {
			f, back := g.far[i], "<presence type='subscribe' to='"+p.User.JID()+"'/>"
			stanzas += 2
			if err := f.WriteString("<presence type='subscribed' to='" + p.User.JID() + "'/>" + back); err != nil {
				return err
			}
			if err := p.WriteString("<presence type='subscribed' to='" + f.User.JID() + "'/>"); err != nil {
				return err
			}
			stanzas++
			continue
		}
		text, id := c.do(p, g.far[i].Conn.JID)
		stanzas++
		if id != "" {
			ids[p] = id
		}
		if err := p.WriteString(text); err != nil {
			return err
		}
	}
	// Longer than ack_delay and the link's own time.
	if err := g.net.Quiet(ctx, 150*time.Second); err != nil {
		return err
	}
	answered := ""
	if len(ids) > 0 {
		n := 0
		for p, id := range ids {
			if _, ok := p.hears(id); ok {
				n++
			}
		}
		answered = fmt.Sprintf("%d of %d", n, len(ids))
	}
	var air time.Duration
	bytes, last := 0, begin
	epoch := g.net.Air.Clock().Epoch
	signals := g.net.Air.Signals()[first:]
	for _, s := range signals {
		air += s.End.Sub(s.Start)
		bytes += s.Bits / 8
		last = epoch.Add(g.net.Real(s.End.Sub(epoch)))
	}
	_, err := fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%.1f s\t%.0f s\t%s\t\n", c.name, stanzas, len(signals), bytes, air.Seconds(), g.net.Air.Radio(last.Sub(begin)).Seconds(), answered)
	return err
}

// available is presence as a client sends it: with its capabilities and the hash of its avatar.
func available(show string, priority int) string {
	if show != "" {
		show = "<show>" + show + "</show>"
	}
	if priority != 0 {
		show += fmt.Sprintf("<priority>%d</priority>", priority)
	}
	return "<presence>" + show + "<c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='http://conversations.im' ver='QgayPKawpkPSDYmwT/WM94uAlu0='/>" +
		"<x xmlns='vcard-temp:x:update'><photo>a9993e364706816aba3e25717850c26c9cd0d89d</photo></x></presence>"
}

func bare(jid string) string {
	for i := range jid {
		if jid[i] == '/' {
			return jid[:i]
		}
	}
	return jid
}
