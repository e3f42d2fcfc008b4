package pep

import (
	"errors"
	"slices"

	"longwire/store"
	"longwire/xmpp/jid"
	"longwire/xmpp/router"
	"longwire/xmpp/stanza"
)

// refuse is a stanza error with a condition of XEP-0060's own; kind "": the usual type.
func refuse(c stanza.Condition, kind, app, text string) *stanza.Err {
	return &stanza.Err{Condition: c, Type: kind, Text: text, App: []byte("<" + app + " xmlns='" + NSErrors + "'/>")}
}

// lacks refuses what is not done here, with the name of the missing feature. XEP-0060 §11.
func lacks(feature string) *stanza.Err {
	return &stanza.Err{
		Condition: stanza.FeatureNotImplemented,
		App:       []byte("<unsupported xmlns='" + NSErrors + "' feature='" + feature + "'/>"),
	}
}

// admit refuses those across a peer link, unless the configuration lets them ask.
func (s *Service) admit(q *request) error {
	if s.host.Local(q.Stanza.From.Domain()) {
		return nil
	}
	if s.o.Peers == nil || !s.o.Peers(q.Stanza.From.Domain()) {
		return stanza.Fail(stanza.ServiceUnavailable, "")
	}
	return q.Turn.NeedTx() // the answer goes into the peer's queue
}

// shield keeps strangers from learning that an account exists. Choice: whatever XEP-0060 wants them to be told, they get
// what an account answers that does not exist (RFC 6121 §8.5.1); only an open node is shown to them. Those who may see
// the account's presence get the exact reason.
func (s *Service) shield(q *request, err error) error {
	var refusal *stanza.Err
	if q.Own || !errors.As(err, &refusal) {
		return err
	}
	trusted, err2 := s.host.Trusted(q.Turn, q.Account, q.Stanza.From)
	if err2 != nil {
		return err2
	}
	if !trusted {
		return stanza.Fail(stanza.ServiceUnavailable, "")
	}
	return err
}

// own refuses who is not the owner. XEP-0163 §2.2: nobody else publishes.
func (q *request) own() error {
	if !q.Own {
		return stanza.Fail(stanza.Forbidden, "")
	}
	return nil
}

// named refuses a request without a node.
func (q *request) named() error {
	if q.node == "" {
		return refuse(stanza.BadRequest, "", "nodeid-required", "")
	}
	return nil
}

// load finds the node that a request is about.
func (s *Service) load(q *request) (n store.PubsubNode, err error) {
	if err := q.named(); err != nil {
		return n, err
	}
	if q.Own && private(q.node) {
		if err := s.adopt(q.Turn, q.Account); err != nil {
			return n, err
		}
	}
	err = s.host.Read(q.Turn, func(tx *store.Tx) (err error) {
		n, err = tx.PubsubNode(q.Account.String(), q.node)
		if errors.Is(err, store.ErrNotFound) && q.node == NodeLegacyBookmarks {
			// It is there as soon as there are bookmarks.
			if _, err := tx.PubsubNode(q.Account.String(), NodeBookmarks); err != nil {
				return err
			}
			n, err = store.PubsubNode{Node: q.node, Config: defaults(q.node)}, nil
		}
		return err
	})
	if errors.Is(err, store.ErrNotFound) {
		return n, stanza.Fail(stanza.ItemNotFound, "")
	}
	if err != nil {
		return n, failed("reading the node", q.Account, q.node, err)
	}
	return n, nil
}

// may tells whether someone may read a node: nil, a *stanza.Err, or what went wrong. XEP-0060 §4.5.
func (s *Service) may(t *router.Turn, account jid.JID, c *store.PubsubConfig, who jid.JID) error {
	who = who.Bare()
	if who == account {
		return nil
	}
	if c.Access == accessOpen || c.Access == accessWhitelist {
		return mayContact(c, nil)
	}
	it, _, err := s.contacts.Item(t, account, who)
	if err != nil {
		return err
	}
	return mayContact(c, &it)
}

// mayContact is may for someone whose roster item is at hand.
func mayContact(c *store.PubsubConfig, it *store.RosterItem) error {
	switch c.Access {
	case accessOpen:
		return nil
	case accessPresence:
		if !it.From {
			return refuse(stanza.NotAuthorized, "", "presence-subscription-required", "")
		}
		return nil
	case accessRoster:
		// XEP-0060 §9.1.2: in the group, and subscribed to the presence.
		if !it.From || !slices.ContainsFunc(it.Groups, func(g string) bool { return slices.Contains(c.Groups, g) }) {
			return refuse(stanza.NotAuthorized, "", "not-in-roster-group", "")
		}
		return nil
	}
	return refuse(stanza.NotAllowed, "", "closed-node", "") // XEP-0060 §6.5.9.8
}
