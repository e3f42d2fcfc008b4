package node

import (
	"errors"
	"fmt"
	"slices"

	"longwire/firmware/config"
	"longwire/links"
	"longwire/links/foresight"
	"longwire/store"
	"longwire/xmpp/attendant"
	"longwire/xmpp/delivery"
	"longwire/xmpp/disco"
	"longwire/xmpp/jid"
)

// attendantName is how the attendant is called where people look around.
const attendantName = "Longwire: what became of my messages"

// makeTruth makes what knows the states of messages, and who tells the users. It needs peers and host.
func (n *Node) makeTruth() {
	n.foresight = foresight.New(foresight.Env{DB: n.db, Rate: n.rateOf, Ways: n.ways})
	n.truth = delivery.New(delivery.Env{DB: n.db, Forecasts: n.forecasts, Waits: n.waits, Cancel: n.cancelForSender, Mute: n.mute})
	n.attendant = attendant.New(n.host, n.truth, n.log)
}

// Truth knows what became of each message.
func (n *Node) Truth() *delivery.Truth { return n.truth }

// follow tells those who know states what happened on a link.
func (n *Node) follow(e links.Event) {
	n.foresight.Event(e)
	switch e.Kind {
	case links.EventSent:
		n.truth.Sent(e.Peer, e.Link, e.Entry)
	case links.EventOnFarNode:
		n.truth.OnFarNode(e.Peer, e.Link, e.Entry)
	case links.EventConfirmed:
		n.truth.Confirmed(e.Peer, e.Entry)
	case links.EventDown:
		n.truth.Down(e.Peer, e.Link)
	}
}

// forecasts asks what is foreseen, in words too.
func (n *Node) forecasts(peer string, entries []store.Entry) []delivery.Forecast {
	all := make([]delivery.Forecast, len(entries))
	for i, f := range n.foresight.Forecasts(peer, entries) {
		all[i] = delivery.Forecast{Known: f.Known, Why: f.Why, About: f.About, Most: f.Most}
		if f.Known {
			all[i].Words = f.String()
		}
	}
	return all
}

// rateOf is what a link is said to carry.
func (n *Node) rateOf(link string) int {
	for _, l := range n.Config().Links {
		if l.Name == link {
			return l.Rate
		}
	}
	return 0
}

// cancelForSender takes back what its sender does not want to be sent any more.
func (n *Node) cancelForSender(account jid.JID, peer string, ids ...uint64) ([]store.Entry, error) {
	p := n.peers.Peer(peer)
	if p == nil {
		return nil, fmt.Errorf("node: no peer %q", peer)
	}
	return p.CancelOf(account, ids...)
}

// mute tells whether receipts are the far client's alone.
func (n *Node) mute() bool { return n.Config().Delivery.Receipts == config.ReceiptsClient }

// tracks tells whose messages are followed: those of our users, who may ask.
func (n *Node) tracks(from, _ jid.JID) bool { return from.Local() != "" && n.host.Local(from.Domain()) }

// attend makes the attendant what a configuration wants. Only an account of its name can be in the way.
func (n *Node) attend(cfg *config.Config) error {
	if !cfg.Attendant.Enabled {
		n.attendant.Be("")
		n.host.SetContact("", nil)
		return nil
	}
	if err := n.freeForAttendant(cfg); err != nil {
		return err
	}
	n.host.SetContact(cfg.Attendant.Name, n.attendant)
	n.attendant.Be(cfg.Attendant.Name)
	return nil
}

// freeForAttendant refuses a name that a user has.
func (n *Node) freeForAttendant(cfg *config.Config) error {
	if !cfg.Attendant.Enabled {
		return nil
	}
	return n.db.View(func(tx *store.Tx) error {
		for _, d := range cfg.Domains {
			address := cfg.Attendant.Name + "@" + d
			_, err := tx.Account(address)
			switch {
			case err == nil:
				return config.Faults{{File: cfg.File, Line: cfg.Line("attendant.name"), Key: "attendant.name",
					Problem: fmt.Sprintf("there is a user %s", address), Remedy: "choose another name for the attendant, or remove that user"}}
			case !errors.Is(err, store.ErrNotFound):
				return fmt.Errorf("node: %w", err)
			}
		}
		return nil
	})
}

// attendants are the addresses of the attendant at a domain, for those who look around.
func (n *Node) attendants(domain string) (list []disco.Item) {
	name := n.attendant.Name()
	if name == "" || !slices.Contains(n.Config().Domains, domain) {
		return nil
	}
	if j, err := jid.New(name, domain, ""); err == nil {
		list = append(list, disco.Item{JID: j, Name: attendantName})
	}
	return list
}

// peerNames are those whose queues are looked at.
func peerNames(cfg *config.Config) (names []string) {
	for _, p := range cfg.Peers {
		names = append(names, p.Name)
	}
	return names
}
