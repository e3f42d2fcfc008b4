package pep

import (
	"bytes"
	"errors"
	"slices"
	"time"

	"longwire/store"
	"longwire/xmpp/jid"
	"longwire/xmpp/markup"
	"longwire/xmpp/router"
	"longwire/xmpp/stanza"
)

// storage makes the element of XEP-0048 §2; nil when there is nothing in it. XEP-0402 §5.3.1.
func (s *Service) storage(tx *store.Tx, account jid.JID) ([]byte, error) {
	all, order, err := s.bookmarks(tx, account)
	if err != nil {
		return nil, err
	}
	e, err := s.legacyBlob(tx, account)
	if err != nil {
		return nil, err
	}
	var list []room // what nobody has adopted yet
	var rest []byte
	if e != nil {
		list, rest = rooms(e)
		list = slices.DeleteFunc(list, func(r room) bool { _, ok := all[r.jid]; return ok })
	}
	if len(order) == 0 && len(list) == 0 && len(rest) == 0 {
		return nil, nil
	}
	d := append([]byte(nil), "<storage xmlns='"+NodeLegacyBookmarks+"'>"...)
	for _, room := range order {
		k := all[room]
		d = k.b.append(markup.AppendPlainAttr(append(d, "<conference"...), "jid", k.id), "", nil)
	}
	for _, r := range list {
		d = r.b.append(markup.AppendPlainAttr(append(d, "<conference"...), "jid", r.jid.String()), "", nil)
	}
	return append(append(d, rest...), "</storage>"...), nil
}

// legacyItem is the view that NodeLegacyBookmarks has.
func (s *Service) legacyItem(tx *store.Tx, account jid.JID) (store.PubsubItem, bool, error) {
	b, err := s.storage(tx, account)
	return store.PubsubItem{ID: single, Published: time.Now(), Payload: b}, b != nil, err
}

// privateBookmarks names what package private kept of bookmarks before there was personal eventing, and what is kept
// there still: all but the rooms, such as the URLs of XEP-0048 §2.2.
const privateBookmarks = "storage " + NodeLegacyBookmarks

func (s *Service) legacyBlob(tx *store.Tx, account jid.JID) (*markup.Element, error) {
	b, err := tx.Blob(account.String(), store.BlobPrivate, privateBookmarks)
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, failed("reading", account, NodeLegacyBookmarks, err)
	}
	e, err := markup.ParseElement(bytes.Clone(b))
	if err != nil {
		return nil, nil // what cannot be read is as good as gone
	}
	return e, nil
}

// room is a conference of XEP-0048.
type room struct {
	jid jid.JID
	b   Bookmark
}

// rooms takes a storage apart. A conference without a JID, or one that is there already, is passed over.
func rooms(e *markup.Element) (list []room, others []byte) {
	for _, c := range e.Children {
		if c.Name != (markup.Name{Space: NodeLegacyBookmarks, Local: "conference"}) {
			others = append(others, c.Raw...)
			continue
		}
		j, err := jid.Parse(c.Attr("jid"))
		if err != nil || slices.ContainsFunc(list, func(r room) bool { return r.jid == j.Bare() }) {
			continue
		}
		r := room{jid: j.Bare()}
		r.b.read(c)
		list = append(list, r)
	}
	return list, others
}

// adopt makes items of the rooms that were kept as private XML before. It asks for a transaction only when there are any.
func (s *Service) adopt(t *router.Turn, account jid.JID) error {
	var e *markup.Element
	err := s.host.Read(t, func(tx *store.Tx) (err error) {
		e, err = s.legacyBlob(tx, account)
		return err
	})
	if e == nil || err != nil {
		return err
	}
	list, others := rooms(e)
	if len(list) == 0 {
		return nil
	}
	if err := t.NeedTx(); err != nil {
		return err
	}
	all, _, err := s.bookmarks(t.Tx, account)
	if err != nil {
		return err
	}
	for _, r := range list {
		if _, ok := all[r.jid]; ok {
			continue
		}
		if err := s.place(t, account, r.publication(nil)); err != nil {
			return err
		}
	}
	return s.keepRest(t.Tx, account, others)
}

func (s *Service) keepRest(tx *store.Tx, account jid.JID, others []byte) error {
	var b []byte
	if len(others) > 0 {
		b = append(append(append(b, "<storage xmlns='"+NodeLegacyBookmarks+"'>"...), others...), "</storage>"...)
	}
	if err := tx.PutBlob(account.String(), store.BlobPrivate, privateBookmarks, b); err != nil {
		return failed("keeping", account, NodeLegacyBookmarks, err)
	}
	return nil
}

// publication is the bookmark as an item, in place of old.
func (r *room) publication(old *kept) publication {
	id, e := r.jid.String(), (*markup.Element)(nil)
	if old != nil {
		id, e = old.id, old.e
	}
	return publication{
		node: NodeBookmarks, name: markup.Name{Space: NodeBookmarks, Local: "conference"},
		item: store.PubsubItem{ID: id, Published: time.Now(), Payload: r.b.payload(e)},
	}
}

// replace makes the bookmarks what a client of XEP-0048 has written. XEP-0402 §5.3.2: nobody is told of what stays.
func (s *Service) replace(t *router.Turn, account jid.JID, e *markup.Element) error {
	if err := t.NeedTx(); err != nil {
		return err
	}
	if err := s.adopt(t, account); err != nil {
		return err
	}
	list, others := rooms(e)
	if len(list) > s.o.Items {
		return stanza.Fail(stanza.ResourceConstraint, "too many bookmarks")
	}
	all, order, err := s.bookmarks(t.Tx, account)
	if err != nil {
		return err
	}
	more := len(e.Raw) + (len(list)-len(all))*itemOverhead
	for _, k := range all {
		if k.e != nil {
			more -= len(k.e.Raw)
		}
	}
	if err := s.room(t.Tx, account, false, more); err != nil {
		return err
	}
	if err := s.removeOthers(t, account, list, all, order); err != nil {
		return err
	}
	for _, r := range list {
		old, ok := all[r.jid]
		if ok && old.b == r.b {
			continue
		}
		p := r.publication(nil)
		if ok {
			p = r.publication(&old)
		}
		if err := s.place(t, account, p); err != nil {
			return err
		}
	}
	if err := s.keepRest(t.Tx, account, others); err != nil {
		return err
	}
	return s.tellLegacy(t, account)
}

// removeOthers retracts the bookmarks that are not in the list.
func (s *Service) removeOthers(t *router.Turn, account jid.JID, list []room, all map[jid.JID]kept, order []jid.JID) error {
	for _, j := range order {
		if slices.ContainsFunc(list, func(r room) bool { return r.jid == j }) {
			continue
		}
		n, err := t.Tx.PubsubNode(account.String(), NodeBookmarks)
		if err != nil {
			return failed("reading", account, NodeBookmarks, err)
		}
		if err := s.remove(t, account, &n, all[j].id, true); err != nil {
			return err
		}
	}
	return nil
}

// tellLegacy tells the account's clients of XEP-0048 on PEP what the bookmarks are now. XEP-0411 §3.
func (s *Service) tellLegacy(t *router.Turn, account jid.JID) error {
	if !s.anyoneWants(account, NodeLegacyBookmarks) {
		return nil
	}
	it, ok, err := s.legacyItem(t.Tx, account)
	if err != nil {
		return err
	}
	if !ok {
		it.Payload = []byte("<storage xmlns='" + NodeLegacyBookmarks + "'/>")
	}
	c := defaults(NodeLegacyBookmarks)
	event := append(appendItem(append(openItems(nil, NodeLegacyBookmarks), '>'), &it, true), "</items></event>"...)
	return s.tell(t, account, NodeLegacyBookmarks, &c, event)
}

// anyoneWants tells whether a client of the account wants the events of a node.
func (s *Service) anyoneWants(account jid.JID, node string) bool {
	for _, r := range s.host.Resources(account) {
		if s.caps.Wants(r, node) {
			return true
		}
	}
	return false
}

// notTheTruth refuses to empty a view. Choice: a client that tidies up after its own conversion would delete every
// bookmark; who means that publishes an empty list.
func notTheTruth() *stanza.Err {
	return stanza.Fail(stanza.NotAllowed, "these are the bookmarks of "+NodeBookmarks+"; publish an empty list to delete all")
}

// Storage is the view of jabber:iq:private: a private.Keeper.
type Storage struct{ s *Service }

// Storage returns the view of the bookmarks that package private shows; Name is the element that it is.
func (s *Service) Storage() Storage { return Storage{s} }

// Name is the element's.
func (Storage) Name() markup.Name { return storageName }

// Get is the whole element, nil when there is nothing in it.
func (v Storage) Get(t *router.Turn, account jid.JID) (b []byte, err error) {
	if err := v.s.adopt(t, account); err != nil {
		return nil, err
	}
	err = v.s.host.Read(t, func(tx *store.Tx) error {
		b, err = v.s.storage(tx, account)
		return err
	})
	return b, err
}

// Set makes the bookmarks what e says.
func (v Storage) Set(t *router.Turn, account jid.JID, e *markup.Element) error {
	return v.s.replace(t, account, e)
}
