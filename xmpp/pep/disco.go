package pep

import (
	"errors"
	"time"

	"longwire/store"
	"longwire/xmpp/disco"
	"longwire/xmpp/forms"
	"longwire/xmpp/jid"
	"longwire/xmpp/local"
	"longwire/xmpp/markup"
	"longwire/xmpp/stanza"
)

var _ disco.Nodes = (*Service)(nil)

// Identity is what an account is besides. XEP-0163 §6.1.
func (s *Service) Identity() (category, kind string) { return "pubsub", "pep" }

// NodeInfo tells what a node is. XEP-0060 §5.3, §5.4.
func (s *Service) NodeInfo(q *local.Request, node string) ([]byte, error) {
	r := &request{Request: q, node: node}
	if err := s.admit(r); err != nil {
		return nil, err
	}
	n, err := s.find(r)
	if err != nil {
		return nil, s.shield(r, err)
	}
	b := append([]byte(nil), "<identity category='pubsub' type='leaf'/><feature var='"+NS+"'/>"...)
	return meta(q.Account, &n).Append(b), nil
}

// meta is the form that tells of a node.
func meta(account jid.JID, n *store.PubsubNode) *forms.Form {
	f := &forms.Form{Type: forms.Result, FormType: formMeta}
	add := func(name string, values ...string) {
		f.Fields = append(f.Fields, forms.Field{Var: "pubsub#" + name, Values: values})
	}
	for _, o := range options {
		switch o.name {
		case "title", "description", "type", "access_model", "max_items":
			if v := o.get(&n.Config); v != nil {
				add(o.name, v...)
			}
		case "publish_model":
			add(o.name, o.fixed)
		}
	}
	if !n.Created.IsZero() {
		add("creation_date", n.Created.UTC().Format(time.RFC3339))
	}
	add("creator", account.String())
	add("owner", account.String())
	return f
}

// NodeItems lists the nodes of an account that the asker may read (XEP-0163 §6.2), or the items of a node.
func (s *Service) NodeItems(q *local.Request, node string) (b []byte, err error) {
	r := &request{Request: q, node: node}
	if s.admit(r) != nil {
		if node == "" {
			return nil, nil
		}
		return nil, stanza.Fail(stanza.ItemNotFound, "")
	}
	if node != "" {
		return s.itemNames(r)
	}
	var all []store.PubsubNode
	err = s.host.Read(q.Turn, func(tx *store.Tx) (err error) {
		all, err = s.nodes(r, tx)
		return err
	})
	var refusal *stanza.Err
	for i := range all {
		err := s.may(q.Turn, q.Account, &all[i].Config, q.Stanza.From)
		if errors.As(err, &refusal) {
			continue
		}
		if err != nil {
			return nil, err
		}
		b = markup.AppendPlainAttr(markup.AppendPlainAttr(append(b, "<item"...), "jid", q.Account.String()), "node", all[i].Node)
		if title := all[i].Config.Title; title != "" {
			b = markup.AppendPlainAttr(b, "name", title)
		}
		b = append(b, "/>"...)
	}
	return b, err
}

// itemNames lists the items of a node by their ids. XEP-0060 §5.5.
func (s *Service) itemNames(q *request) (b []byte, err error) {
	if _, err := s.find(q); err != nil {
		return nil, s.shield(q, err)
	}
	var w window
	err = s.host.Read(q.Turn, func(tx *store.Tx) (err error) {
		w, err = s.list(tx, q)
		return err
	})
	for _, id := range w.ids {
		b = append(markup.AppendPlainAttr(markup.AppendPlainAttr(append(b, "<item"...), "jid", q.Account.String()), "name", id), "/>"...)
	}
	return b, err
}
