package proxy

import (
	"container/list"

	"longwire/xmpp/jid"
	"longwire/xmpp/markup"
	"longwire/xmpp/stanza"
)

// Limits of what is remembered of far clients.
const (
	maxFaces   = 4000 // pairs of an account and a contact
	maxClients = 8    // of one contact
	maxShown   = 4096 // bytes of a presence that is remembered with all it says
	facesSize  = 4 << 20
)

// faces are the far contacts whose real presence came, by who was told. The latest used come first.
type faces struct {
	byPair map[pair]*list.Element // of order; its Value is a *face
	order  list.List
	size   int // bytes of all that is remembered
}

type pair struct{ account, contact jid.JID }

// face is what an account was told of a contact; without clients, that nobody is there.
type face struct {
	pair
	clients []*stanza.Stanza // the last available presence of each
}

func (f *face) size() (n int) {
	for _, c := range f.clients {
		n += len(c.Inner) + 200 // for what is around it
	}
	return n
}

// note remembers a presence. first: of this contact, the account had not heard before.
func (f *faces) note(st *stanza.Stanza) (first bool) {
	at := pair{st.To.Bare(), st.From.Bare()}
	if f.byPair == nil {
		f.byPair = make(map[pair]*list.Element)
	}
	el := f.byPair[at]
	if first = el == nil; first {
		el = f.order.PushFront(&face{pair: at})
		f.byPair[at] = el
		if f.order.Len() > maxFaces {
			f.forget(f.order.Back().Value.(*face).pair)
		}
	}
	f.order.MoveToFront(el)
	fc := el.Value.(*face)
	f.size -= fc.size()
	var rest []*stanza.Stanza // a new list: the old one may be read meanwhile
	for _, c := range fc.clients {
		if c.From != st.From && !(st.Type == stanza.Unavailable && st.From.IsBare()) {
			rest = append(rest, c)
		}
	}
	if st.Type == "" && len(rest) < maxClients {
		if len(st.Inner) > maxShown { // that it is there counts, whatever else it says
			st = st.Copy()
			st.SetInner(nil)
		}
		rest = append(rest, st)
	}
	fc.clients = rest
	f.size += fc.size()
	for f.size > facesSize {
		f.forget(f.order.Back().Value.(*face).pair)
	}
	return first
}

func (f *faces) forget(at pair) {
	if el := f.byPair[at]; el != nil {
		f.size -= el.Value.(*face).size()
		f.order.Remove(el)
		delete(f.byPair, at)
	}
}

// of is what is known of a contact; ok: its real presence came once.
func (f *faces) of(account, contact jid.JID) (clients []*stanza.Stanza, ok bool) {
	el := f.byPair[pair{account, contact}]
	if el == nil {
		return nil, false
	}
	return el.Value.(*face).clients, true
}

// within are the faces from some domains.
func (f *faces) within(domains map[string]bool) (all []face) {
	for el := f.order.Front(); el != nil; el = el.Next() {
		if fc := el.Value.(*face); domains[fc.contact.Domain()] {
			all = append(all, *fc)
		}
	}
	return all
}

// capsOf is a <c/> that stands in a presence. XEP-0115 §4.
type capsOf struct{ hash, ver, node string }

// caps are what a far client has shown to an account, nil for nothing.
func (s *Service) caps(account, client jid.JID) *capsOf {
	s.mu.Lock()
	defer s.mu.Unlock()
	clients, _ := s.faces.of(account, client.Bare())
	for _, p := range clients {
		if c, ok := p.Child(nsCaps, "c"); ok && p.From == client {
			e, err := markup.ParseElement(p.Raw(c))
			if err != nil || e.Attr("hash") == "" {
				return nil
			}
			return &capsOf{e.Attr("hash"), e.Attr("ver"), e.Attr("node")}
		}
	}
	return nil
}
