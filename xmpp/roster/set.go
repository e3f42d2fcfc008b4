package roster

import (
	"slices"

	"longwire/store"
	"longwire/xmpp/jid"
	"longwire/xmpp/local"
	"longwire/xmpp/markup"
	"longwire/xmpp/stanza"
)

// wish is what a client asks for.
type wish struct {
	contact jid.JID
	name    string
	groups  []string
	remove  bool
}

// set adds, changes or removes one contact. RFC 6121 §2.3 to §2.5.
func (s *Service) set(q *local.Request) error {
	if !q.Own {
		return stanza.Fail(stanza.Forbidden, "") // RFC 6121 §2.3.3
	}
	w, err := parse(q.Payload)
	if err != nil {
		return err
	}
	if err := q.Turn.NeedTx(); err != nil {
		return err
	}
	if w.remove {
		err = s.remove(q, w.contact)
	} else {
		err = s.keep(q, w)
	}
	if err != nil {
		return err
	}
	q.Reply(nil)
	return nil
}

// parse reads the one item of a set. What it says of subscription, ask and approved is not the client's to say and is
// ignored (RFC 6121 §2.1.2), but for remove.
func parse(query *markup.Element) (w wish, err error) {
	bad := func(text string) (wish, error) { return wish{}, stanza.Fail(stanza.BadRequest, text) }
	if len(query.Children) != 1 || query.Child(NS, "item") == nil {
		return bad("a roster set holds exactly one item") // RFC 6121 §2.3.3
	}
	item := query.Children[0]
	if item.Attr("jid") == "" {
		return bad("an item needs a jid")
	}
	w.contact, err = jid.Parse(item.Attr("jid"))
	if err != nil {
		return w, stanza.Fail(stanza.JIDMalformed, "")
	}
	if !w.contact.IsBare() {
		// Choice: RFC 6121 §2.1.2.3 makes items with a resource possible; subscriptions are between bare JIDs.
		return bad("a contact's jid has no resource")
	}
	if item.Attr("subscription") == "remove" {
		w.remove = true
		return w, nil
	}
	w.name = item.Attr("name")
	if len(w.name) > MaxText {
		return w, stanza.Fail(stanza.NotAcceptable, "the name is too long") // RFC 6121 §2.3.3
	}
	w.groups, err = parseGroups(item)
	return w, err
}

func parseGroups(item *markup.Element) (groups []string, err error) {
	for _, c := range item.Children {
		if c.Name.Space != NS || c.Name.Local != "group" {
			continue
		}
		switch {
		case c.Text == "":
			return nil, stanza.Fail(stanza.NotAcceptable, "a group needs a name") // RFC 6121 §2.3.3
		case len(c.Text) > MaxText:
			return nil, stanza.Fail(stanza.NotAcceptable, "a group's name is too long") // RFC 6121 §2.3.3
		case slices.Contains(groups, c.Text):
			return nil, stanza.Fail(stanza.BadRequest, "a group is named twice") // RFC 6121 §2.3.3
		case len(groups) == MaxGroups:
			return nil, stanza.Fail(stanza.NotAcceptable, "the contact is in too many groups")
		}
		groups = append(groups, c.Text)
	}
	return groups, nil
}

// keep stores an item as the client gave it; the subscription stays as it is.
func (s *Service) keep(q *local.Request, w wish) error {
	if w.contact == q.Account {
		// Choice: an account sees its own presence without asking (RFC 6121 §4.2.2), so it is no contact of its own.
		return stanza.Fail(stanza.NotAllowed, "an account is not its own contact")
	}
	it, _, err := s.Item(q.Turn, q.Account, w.contact)
	if err != nil {
		return err
	}
	if !it.InRoster {
		if ok, err := s.Room(q.Turn, q.Account, true); err != nil {
			return err
		} else if !ok {
			return stanza.Fail(stanza.ResourceConstraint, "the roster is full")
		}
	}
	it.Name, it.Groups, it.InRoster = w.name, w.groups, true
	return s.Put(q.Turn, q.Account, it)
}

// remove deletes an item and what the subscription was. RFC 6121 §2.5.2.
func (s *Service) remove(q *local.Request, contact jid.JID) error {
	it, _, err := s.Item(q.Turn, q.Account, contact)
	if err != nil {
		return err
	}
	if !it.InRoster {
		return stanza.Fail(stanza.ItemNotFound, "") // RFC 6121 §2.5.3
	}
	return s.drop(q, contact, it)
}

func (s *Service) drop(q *local.Request, contact jid.JID, it store.RosterItem) error {
	if err := s.Delete(q.Turn, q.Account, it); err != nil {
		return err
	}
	return s.subs.Dropped(q.Turn, q.Account, contact, it)
}
