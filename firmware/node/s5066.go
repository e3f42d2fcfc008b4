package node

import (
	"fmt"
	"time"

	"longwire/firmware/admin"
	"longwire/firmware/config"
	"longwire/links/s5066"
	"longwire/links/sis"
	"longwire/links/steer"
	"longwire/store"
)

// s5066Configs translates [[link]] of type s5066. A link that no peer uses stays closed.
func (n *Node) s5066Configs(cfg *config.Config) (out []s5066.Config, err error) {
	for l, p := range reached(cfg, config.LinkS5066) {
		if len(out) == 0 || out[len(out)-1].Name != l.Name {
			c, err := n.s5066Config(l)
			if err != nil {
				return nil, err
			}
			out = append(out, c)
		}
		pc, err := n.s5066Peer(cfg, l, p)
		if err != nil {
			return nil, err
		}
		c := &out[len(out)-1]
		c.Peers = append(c.Peers, pc)
	}
	return out, nil
}

func (n *Node) s5066Config(l *config.Link) (s5066.Config, error) {
	wrong := func(err error) (s5066.Config, error) {
		return s5066.Config{}, fmt.Errorf("node: link %q: %w", l.Name, err)
	}
	server, err := config.ParseServer(l.Server)
	if err != nil {
		return wrong(err)
	}
	local, err := sis.ParseAddress(l.Local5066Address)
	if err != nil {
		return wrong(err)
	}
	silent, err := n.silenced(l.Name)
	if err != nil {
		return wrong(err)
	}
	p := l.Priority
	return s5066.Config{
		Name: l.Name, Server: s5066.Server{Network: server.Network, Address: server.Address, Baud: l.ServerBaud},
		SAP: uint8(l.SAP), Rank: uint8(l.Rank), LocalAddress: local, Compress: l.Compress,
		Priority: map[store.Kind]uint8{
			store.KindChat: uint8(p.Message), store.KindGroupchat: uint8(p.Groupchat), store.KindIQ: uint8(p.IQ),
			store.KindPresence: uint8(p.Presence), store.KindReceipt: uint8(p.Receipt), store.KindState: uint8(p.State),
		},
		TTL: l.TTL, AckDelay: l.AckDelay, TimeScale: float64(l.TimeScale), EMCON: l.EMCON || silent, Rate: l.Rate,
	}, nil
}

func (n *Node) s5066Peer(cfg *config.Config, l *config.Link, p *config.Peer) (s5066.PeerConfig, error) {
	s := p.S5066
	wrong := func(err error) (s5066.PeerConfig, error) {
		return s5066.PeerConfig{}, fmt.Errorf("node: link %q: peer %q: %w", l.Name, p.Name, err)
	}
	var remote sis.Address
	var err error
	if s.Remote5066Address != "" { // a kit's may be missing
		if remote, err = sis.ParseAddress(s.Remote5066Address); err != nil {
			return wrong(err)
		}
	}
	pairing, err := n.pairing(cfg, p)
	if err != nil {
		return wrong(err)
	}
	methods, err := n.methods.of(cfg, l, p)
	if err != nil {
		return wrong(err)
	}
	return s5066.PeerConfig{
		Methods: methods,
		Peer:    p.Name, RemoteAddress: remote, Mapping: s.Mapping, Domains: p.Domains, LocalDomains: locals(cfg, p),
		ConnectionID: uint8(s.ConnectionID), AppID: uint16(s.ApplicationID), Confirm: s.Confirm,
		Delivery: s.Delivery, Repeats: uint8(s.Repeats), Pairing: pairing,
	}, nil
}

// silenced tells whether an operator's command has silenced a link.
func (n *Node) silenced(link string) (on bool, err error) {
	if _, on := n.hushed.Load(link); on {
		return true, nil
	}
	err = n.db.View(func(tx *store.Tx) error {
		s, err := tx.LinkSwitch(link)
		on = s.EMCON
		return err
	})
	return on, err
}

// SetEMCON silences a link or lets it send again, and keeps that over restarts.
func (n *Node) SetEMCON(link string, on bool) error {
	if on {
		// First of all, whatever else goes on. A link that no peer uses does not run, and sends nothing.
		n.hushed.Store(link, true)
		_ = n.s5066.SetEMCON(link, true)
		n.resteer()
	}
	n.reload.Lock()
	defer n.reload.Unlock()
	n.resteer() // a reload that was under way may not have known of it
	err := n.db.Update(func(tx *store.Tx) error {
		return tx.PutLinkSwitch(link, store.LinkSwitch{EMCON: on, Changed: time.Now()})
	})
	switch {
	case err != nil && on:
		return fmt.Errorf("node: the link is silent now, but a restart of the node would end that: %w", err)
	case err != nil:
		return fmt.Errorf("node: the link stays silent: %w", err)
	}
	n.hushed.Delete(link) // the store knows
	configs, err := n.s5066Configs(n.Config())
	var courses []steer.Config
	if err == nil {
		courses, err = n.courses(n.Config())
	}
	if err == nil {
		n.helm.Apply(courses)
		err = n.s5066.Apply(configs) // where nothing but EMCON is new
	}
	if err != nil {
		return fmt.Errorf("node: %w", err)
	}
	_ = n.s5066.SetEMCON(link, on)
	n.log.Warn("emission control", "link", link, "on", on)
	return nil
}

// resteer lets the choice of links know at once who is silent.
func (n *Node) resteer() {
	courses, err := n.courses(n.Config())
	if err != nil {
		n.log.Error("links are not steered anew", "err", err)
		return
	}
	n.helm.Apply(courses)
}

// leftSilent warns of links that were silenced by command and have left the configuration: under another name they are others, which send.
func (n *Node) leftSilent(old, cfg *config.Config) {
	if old == nil {
		return
	}
	for _, l := range old.Links {
		if still := cfg.Link(l.Name); still != nil && still.Type == l.Type {
			continue
		}
		if on, err := n.silenced(l.Name); on || err != nil {
			n.log.Warn("a link that was silenced by command is no longer in the configuration; others are not silent for it", "link", l.Name, "err", err)
		}
	}
}

func (n *Node) s5066States() (all []admin.LinkState) {
	cfg := n.Config()
	for _, s := range n.s5066.Status() {
		state := admin.LinkState{
			Link: s.Link, Peer: s.Peer, State: string(s.State), Since: s.Since, Until: s.Until, Remote: s.Remote, RTT: s.RTT, Fault: s.Fault,
			StanzasIn: s.In.Stanzas, StanzasOut: s.Out.Stanzas, BytesIn: s.In.Wire, BytesOut: s.Out.Wire,
			AgainIn: s.In.Repeated, AgainOut: s.Out.Repeated,
			S5066: &admin.S5066{
				Mapping: s.Mapping, Bound: s.Bound, FlowOff: s.FlowOff, EMCON: s.EMCON, MTU: s.MTU,
				Outstanding: s.Outstanding, OnFarNode: s.OnFarNode, Unconfirmed: s.Unconfirmed, FramesIn: s.FramesIn, FramesOut: s.FramesOut,
				Rate: s.Rate, Heard: s.Heard, MarkOwed: s.MarkOwed,
				Dropped: s.Drops.Overflow + s.Drops.Check + s.Drops.Codec + s.Drops.Gap + s.Drops.Old + s.Drops.Closed,
				Foreign: s.Drops.Format + s.Foreign,
				Strays:  s.Strays.Unknown + s.Strays.WrongSAP, Uninvited: s.Strays.Pairing,
			},
		}
		if s.Mapping == s5066.Longwire {
			state.Codec, state.CodecFault = s.Codec.Out, s.Codec.Fault
		}
		if s.Pairing != nil {
			p := admin.PairingOf(*s.Pairing)
			state.S5066.Pairing = &p
		}
		if s.Bound && s.Node != sis.NodeOn {
			state.S5066.Node = s.Node.String()
			if s.Reason != 0 {
				state.S5066.Node += ": " + s.Reason.String()
			}
		}
		if l := cfg.Link(s.Link); l != nil {
			state.S5066.Server, state.S5066.SAP, state.S5066.Local = l.Server, l.SAP, l.Local5066Address
		}
		all = append(all, state)
	}
	return all
}
