package pep

import (
	"errors"
	"time"

	"longwire/store"
	"longwire/xmpp/forms"
	"longwire/xmpp/jid"
	"longwire/xmpp/markup"
	"longwire/xmpp/stanza"
)

// make makes a node.
func (s *Service) make(tx *store.Tx, account jid.JID, n store.PubsubNode) error {
	if err := tx.PutPubsubNode(account.String(), n); err != nil {
		return failed("making the node", account, n.Node, err)
	}
	return nil
}

// create makes a node, with a configuration if one is given. XEP-0060 §8.1.
func (s *Service) create(q *request) error {
	if err := q.own(); err != nil {
		return err
	}
	node, c, err := s.wish(q)
	if err != nil {
		return err
	}
	if err := q.Turn.NeedTx(); err != nil {
		return err
	}
	switch _, err := q.Turn.Tx.PubsubNode(q.Account.String(), node); {
	case err == nil:
		return stanza.Fail(stanza.Conflict, "")
	case !errors.Is(err, store.ErrNotFound):
		return failed("reading the node", q.Account, node, err)
	}
	if !keeps(node, &c) {
		return bad(privateFields)
	}
	if err := s.room(q.Turn.Tx, q.Account, true, 0); err != nil {
		return err
	}
	if err := s.make(q.Turn.Tx, q.Account, store.PubsubNode{Node: node, Created: time.Now(), Config: c}); err != nil {
		return err
	}
	if q.node != "" {
		q.Reply(nil)
		return nil
	}
	b := markup.AppendPlainAttr(append([]byte(nil), "<pubsub xmlns='"+NS+"'><create"...), "node", node)
	q.Reply(append(b, "/></pubsub>"...))
	return nil
}

// wish reads what node is to be created.
func (s *Service) wish(q *request) (node string, c store.PubsubConfig, err error) {
	if node = q.node; node == "" {
		node = token() // XEP-0060 §8.1.1: an instant node
	}
	c = defaults(node)
	e := q.Payload.Child(NS, "configure")
	if e == nil {
		return node, c, nil
	}
	if e.HasAttr("node") {
		return node, c, stanza.Fail(stanza.BadRequest, "the node is named by <create/>") // XEP-0060 §8.1.3
	}
	if forms.Find(e) == nil {
		return node, c, nil // an empty <configure/> was how the default was asked for once
	}
	f, err := configForm(e)
	if err == nil {
		err = s.apply(&c, f, nil)
	}
	return node, c, err
}

// configForm reads the form of a <configure/>.
func configForm(e *markup.Element) (*forms.Form, error) {
	f, err := forms.Parse(forms.Find(e))
	if err != nil {
		return nil, err
	}
	if f.Type != forms.Cancel && (f.Type != forms.Submit || f.FormType != formConfig) {
		return nil, stanza.Fail(stanza.BadRequest, "the form is not of the type "+formConfig)
	}
	return f, nil
}

// configuration answers with the form of a node. XEP-0060 §8.2.
func (s *Service) configuration(q *request) error {
	if err := q.own(); err != nil {
		return err
	}
	n, err := s.load(q)
	if err != nil {
		return err
	}
	b := markup.AppendPlainAttr(append([]byte(nil), "<pubsub xmlns='"+NSOwner+"'><configure"...), "node", q.node)
	b = form(forms.Blank, &n.Config).Append(append(b, '>'))
	q.Reply(append(b, "</configure></pubsub>"...))
	return nil
}

// defaultConfiguration answers with the form of a node that does not exist yet. XEP-0060 §8.3.
func (s *Service) defaultConfiguration(q *request) error {
	if err := q.own(); err != nil {
		return err
	}
	c := defaults("")
	b := form(forms.Blank, &c).Append([]byte("<pubsub xmlns='" + NSOwner + "'><default>"))
	q.Reply(append(b, "</default></pubsub>"...))
	return nil
}

// configure changes the configuration of a node. XEP-0060 §8.2.4.
func (s *Service) configure(q *request) error {
	if err := q.own(); err != nil {
		return err
	}
	n, err := s.load(q)
	if err != nil {
		return err
	}
	f, err := configForm(q.act)
	if err != nil {
		return err
	}
	if f.Type == forms.Cancel {
		q.Reply(nil)
		return nil
	}
	old := n.Config
	// XEP-0004 §3.2: a field that the form had not is passed over.
	if err := s.apply(&n.Config, f, nil); err != nil {
		return err
	}
	if !keeps(n.Node, &n.Config) {
		return bad(privateFields)
	}
	if same(old, n.Config) {
		q.Reply(nil)
		return nil
	}
	if err := q.Turn.NeedTx(); err != nil {
		return err
	}
	if err := s.reconfigure(q, n); err != nil {
		return err
	}
	q.Reply(nil)
	return nil
}

// reconfigure stores a new configuration and does what follows from it.
func (s *Service) reconfigure(q *request, n store.PubsubNode) error {
	account := q.Account.String()
	if err := q.Turn.Tx.PutPubsubNode(account, n); err != nil {
		return failed("configuring", q.Account, n.Node, err)
	}
	limit := s.o.Items
	switch {
	case n.Config.Transient:
		limit = 0
	case n.Config.MaxItems > 0:
		limit = n.Config.MaxItems
	}
	if err := s.trim(q.Turn.Tx, q.Account, n.Node, limit); err != nil {
		return err
	}
	if !n.Config.NotifyConfig {
		return nil
	}
	// XEP-0060 §8.2.5.3.
	b := markup.AppendPlainAttr(append([]byte(nil), "<event xmlns='"+NSEvent+"'><configuration"...), "node", n.Node)
	if n.Config.NoPayload {
		b = append(b, "/></event>"...)
	} else {
		b = append(form(forms.Result, &n.Config).Append(append(b, '>')), "</configuration></event>"...)
	}
	return s.tell(q.Turn, q.Account, n.Node, &n.Config, b)
}

// deleteNode deletes a node and tells of it. XEP-0060 §8.4.
func (s *Service) deleteNode(q *request) error {
	if err := q.own(); err != nil {
		return err
	}
	n, err := s.load(q)
	if err != nil {
		return err
	}
	if q.node == NodeLegacyBookmarks {
		return notTheTruth()
	}
	if err := q.Turn.NeedTx(); err != nil {
		return err
	}
	if n.Config.NotifyDelete {
		b := markup.AppendPlainAttr(append([]byte(nil), "<event xmlns='"+NSEvent+"'><delete"...), "node", q.node)
		if err := s.tell(q.Turn, q.Account, q.node, &n.Config, append(b, "/></event>"...)); err != nil {
			return err
		}
	}
	if err := q.Turn.Tx.DeletePubsubNode(q.Account.String(), q.node); err != nil {
		return failed("deleting", q.Account, q.node, err)
	}
	q.Reply(nil)
	return s.changed(q.Turn, q.Account, q.node)
}

// purge deletes the items of a node and tells of it once. XEP-0060 §8.5.
func (s *Service) purge(q *request) error {
	if err := q.own(); err != nil {
		return err
	}
	n, err := s.load(q)
	if err != nil {
		return err
	}
	if n.Config.Transient {
		return lacks("persistent-items")
	}
	if q.node == NodeLegacyBookmarks {
		return notTheTruth()
	}
	if err := q.Turn.NeedTx(); err != nil {
		return err
	}
	if err := q.Turn.Tx.PurgePubsubNode(q.Account.String(), q.node); err != nil {
		return failed("purging", q.Account, q.node, err)
	}
	b := markup.AppendPlainAttr(append([]byte(nil), "<event xmlns='"+NSEvent+"'><purge"...), "node", q.node)
	if err := s.tell(q.Turn, q.Account, q.node, &n.Config, append(b, "/></event>"...)); err != nil {
		return err
	}
	q.Reply(nil)
	return s.changed(q.Turn, q.Account, q.node)
}
