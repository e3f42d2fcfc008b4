package pep

import (
	"longwire/store"
	"longwire/xmpp/jid"
	"longwire/xmpp/markup"
	"longwire/xmpp/stanza"
)

// Bookmarks have one truth, the items of NodeBookmarks, and three views: XEP-0402 is the items themselves; the one item
// of NodeLegacyBookmarks (XEP-0048 on PEP) and the element of jabber:iq:private (XEP-0048 on XEP-0049) are made of them
// when somebody asks, and what is written there is taken apart into changes of items.
const (
	NodeBookmarks       = "urn:xmpp:bookmarks:1"
	NodeLegacyBookmarks = "storage:bookmarks"
)

// Features of an account whose bookmarks are one: XEP-0402 §5.3, XEP-0411 §2.
var bookmarkFeatures = []string{NodeBookmarks + "#compat", NodeBookmarks + "#compat-pep", "urn:xmpp:bookmarks-conversion:0"}

var storageName = markup.Name{Space: NodeLegacyBookmarks, Local: "storage"}

// A Bookmark is what is known of one room in a user's list. XEP-0402 §2.
type Bookmark struct {
	Name, Nick, Password string
	Autojoin             bool
}

// checkBookmark refuses what is no bookmark. XEP-0402 §2.
func checkBookmark(p *publication) error {
	if p.name != (markup.Name{Space: NodeBookmarks, Local: "conference"}) {
		return refuse(stanza.BadRequest, "", "invalid-payload", "a bookmark is a conference")
	}
	if j, err := jid.Parse(p.item.ID); err != nil || !j.IsBare() {
		return stanza.Fail(stanza.BadRequest, "the id of a bookmark is the JID of its room")
	}
	return nil
}

// read takes a conference of either namespace apart.
func (b *Bookmark) read(e *markup.Element) {
	*b = Bookmark{Name: e.Attr("name"), Autojoin: isTrue(e.Attr("autojoin"))}
	if c := e.Child(e.Name.Space, "nick"); c != nil {
		b.Nick = c.Text
	}
	if c := e.Child(e.Name.Space, "password"); c != nil {
		b.Password = c.Text
	}
}

// append writes a conference; its children are of the namespace in force, as is the conference itself.
func (b *Bookmark) append(d []byte, open string, extra [][]byte) []byte {
	d = append(d, open...)
	if b.Name != "" {
		d = markup.AppendPlainAttr(d, "name", b.Name)
	}
	if b.Autojoin {
		d = markup.AppendPlainAttr(d, "autojoin", "true")
	}
	if b.Nick == "" && b.Password == "" && len(extra) == 0 {
		return append(d, '/', '>')
	}
	d = append(d, '>')
	if b.Nick != "" {
		d = append(markup.AppendEscaped(append(d, "<nick>"...), b.Nick), "</nick>"...)
	}
	if b.Password != "" {
		d = append(markup.AppendEscaped(append(d, "<password>"...), b.Password), "</password>"...)
	}
	for _, x := range extra {
		d = append(d, x...)
	}
	return append(d, "</conference>"...)
}

// payload is the bookmark as an item has it. XEP-0402 §2: what old was extended by stays.
func (b *Bookmark) payload(old *markup.Element) []byte {
	var extra [][]byte
	if old != nil {
		for _, c := range old.Children {
			if c.Name.Space != NodeBookmarks || c.Name.Local != "nick" && c.Name.Local != "password" {
				extra = append(extra, c.Raw)
			}
		}
	}
	return b.append(nil, "<conference xmlns='"+NodeBookmarks+"'", extra)
}

// kept is a bookmark as it is stored.
type kept struct {
	id string
	b  Bookmark
	e  *markup.Element
}

// bookmarks reads all, by the JIDs of their rooms, and the JIDs in order of publication.
func (s *Service) bookmarks(tx *store.Tx, account jid.JID) (all map[jid.JID]kept, order []jid.JID, err error) {
	all = make(map[jid.JID]kept)
	err = tx.PubsubItems(account.String(), NodeBookmarks, false, func(it store.PubsubItem) (bool, error) {
		room, err := jid.Parse(it.ID)
		if err != nil {
			return true, nil
		}
		e, err := markup.ParseElement(it.Payload)
		if err != nil {
			return true, nil
		}
		k := kept{id: it.ID, e: e}
		k.b.read(e)
		if _, ok := all[room]; !ok {
			order = append(order, room)
		}
		all[room] = k
		return true, nil
	})
	if err != nil {
		return nil, nil, failed("reading", account, NodeBookmarks, err)
	}
	return all, order, nil
}
