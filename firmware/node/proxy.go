package node

import (
	"errors"
	"slices"
	"strings"

	"longwire/firmware/config"
	"longwire/links"
	"longwire/store"
	"longwire/xmpp/jid"
	"longwire/xmpp/proxy"
	"longwire/xmpp/router"
	"longwire/xmpp/s2s"
	"longwire/xmpp/stanza"
)

// makeProxy makes who answers for far entities.
func (n *Node) makeProxy() {
	n.proxy = proxy.New(proxy.Env{
		Host: n.host, Sees: n.sees, Subscribed: n.subscribed, Rooms: n.knownFarRooms, State: n.reach, Info: n.pep.Capable,
		Silent: n.silent,
	})
}

// questioned lets the proxy look at what crosses to peers.
func (n *Node) questioned(cfg *config.Config, peers []s2s.Config) []s2s.Config {
	n.proxy.SetPeers(proxyPeers(cfg))
	for i := range peers {
		name := peers[i].Name
		peers[i].Answer = func(t *router.Turn, s *stanza.Stanza) (bool, error) { return n.proxy.Answer(name, t, s) }
		peers[i].Asked = func(t *router.Turn, s *stanza.Stanza) { n.proxy.Asked(name, t, s) }
		peers[i].Failed = n.proxy.Failed
		peers[i].Heard = func(t *router.Turn, s *stanza.Stanza) { n.proxy.Heard(name, t, s) }
	}
	return peers
}

// proxyPeers translates [peer.questions] and [peer.presence].
func proxyPeers(cfg *config.Config) (all []proxy.Peer) {
	for i := range cfg.Peers {
		p := &cfg.Peers[i]
		all = append(all, proxy.Peer{
			Name: p.Name, Domains: p.Domains, Rooms: p.Federation.Domains, Enter: p.Fold.Rooms,
			Policy: questionsOf(cfg, p), Wait: p.Lifetimes.IQ, Synthetic: syntheticOf(p.Presence.Synthetic),
		})
	}
	return all
}

// questionsOf finds what crosses. Choice: the slowest of a peer's links decides, as it may have to carry what was asked while a better one was up.
func questionsOf(cfg *config.Config, p *config.Peer) proxy.Policy {
	out := proxy.Policy{Cross: p.Questions.Cross, Pubsub: p.Pubsub, Rest: true}
	for _, name := range p.Links {
		if l := cfg.Link(name); l != nil {
			out.Local = out.Local || l.Class != ""
			out.Rest = out.Rest && !strings.HasPrefix(l.Class, "hf-")
		}
	}
	switch p.Questions.Mode {
	case config.QuestionsLocal:
		out.Local = true
	case config.QuestionsCross:
		out.Local = false
	}
	return out
}

func syntheticOf(word string) proxy.Synthetic {
	switch word {
	case config.SyntheticOn:
		return proxy.On
	case config.SyntheticOff:
		return proxy.Off
	}
	return proxy.Auto
}

// sees are the contacts whose presence an account is subscribed to.
func (n *Node) sees(t *router.Turn, account jid.JID) (list []jid.JID, err error) {
	items, err := n.rosters.Items(t, account)
	for _, it := range items {
		if j, err := jid.Parse(it.Contact); it.To && err == nil {
			list = append(list, j)
		}
	}
	return list, err
}

// subscribed tells whether an account is subscribed to a contact's presence. It reads one item, as a client that comes online asks for each.
func (n *Node) subscribed(t *router.Turn, account, contact jid.JID) (to bool, err error) {
	err = n.host.Read(t, func(tx *store.Tx) error {
		it, err := tx.RosterItem(account.String(), contact.String())
		if errors.Is(err, store.ErrNotFound) {
			return nil
		}
		to = it.To
		return err
	})
	return to, err
}

// knownFarRooms are the rooms of others that ours are federated with.
func (n *Node) knownFarRooms(t *router.Turn) (all []proxy.Room, err error) {
	if n.rooms == nil {
		return nil, nil
	}
	for _, r := range n.rooms.Rooms() {
		st := r.State()
		if st == nil || !st.Config.Fed.Enabled || st.Config.Gone {
			continue
		}
		far := []string{st.Config.Fed.Node}
		err := n.host.Read(t, func(tx *store.Tx) error {
			return tx.FedPeers(r.JID().String(), func(p store.FedPeer) error {
				if !slices.Contains(far, p.Peer) {
					far = append(far, p.Peer)
				}
				return nil
			})
		})
		if err != nil {
			return nil, err
		}
		for _, address := range far {
			if j, err := jid.Parse(address); err == nil && !j.IsZero() {
				all = append(all, proxy.Room{Far: j, Ours: r.JID(), Name: st.Config.Name, Hidden: st.Config.Hidden || st.Config.Locked})
			}
		}
	}
	return all, nil
}

// reach tells by what a peer is reached now. A link that is closed until there is something to carry counts: it opens for it.
func (n *Node) reach(peer string) proxy.State {
	name, up := n.helm.Carrier(peer)
	l := n.Config().Link(name)
	if l == nil || n.helm.Quiet(name) {
		return proxy.State{}
	}
	for _, s := range n.linkStates() {
		if s.Link != name || s.Peer != peer {
			continue
		}
		if s.S5066 != nil && s.S5066.EMCON || !up && s.State != string(links.Waiting) {
			return proxy.State{}
		}
		return proxy.State{Usable: true, By: wordOf(l)}
	}
	return proxy.State{}
}

// silent tells whether presence does not cross to a peer on the link that carries now, or on the preferred one while none does.
func (n *Node) silent(peer string) bool {
	if name, _ := n.helm.Carrier(peer); name != "" {
		if f := n.folding.peer(peer); f != nil && f.links[name] != nil {
			return !f.links[name].PassesPresence()
		}
	}
	return !n.presenceCrosses(peer)
}

// wordOf is how people call a kind of link.
func wordOf(l *config.Link) string {
	switch {
	case l.Type == config.LinkS5066 || strings.HasPrefix(l.Class, "hf-"):
		return "HF"
	case l.Class == "satcom":
		return "SatCom"
	}
	return "IP"
}
