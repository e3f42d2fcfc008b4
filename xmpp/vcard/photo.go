package vcard

import (
	"encoding/base64"
	"strings"

	"longwire/xmpp/jid"
	"longwire/xmpp/local"
	"longwire/xmpp/markup"
	"longwire/xmpp/router"
)

// A Photo is the image of a card. XEP-0153 §4.5.
type Photo struct {
	Type string // content type, "" when it is not known
	Data []byte // empty: there is no image
}

// Photos keeps the photos of cards in a form of its own, such as the avatars of package pep (XEP-0398).
type Photos interface {
	// Photo is the account's image; nil when there is none that the asker may see. With known false it has nothing to say,
	// and what the card itself holds counts.
	Photo(t *router.Turn, account, asker jid.JID) (p *Photo, known bool, err error)
	// SetPhoto takes the image of a card that its owner has set, in a transaction. With taken false the card keeps it.
	SetPhoto(t *router.Turn, account, owner jid.JID, p Photo) (taken bool, err error)
}

// Use names who keeps photos. It is called before the first stanza comes.
func (s *Service) Use(p Photos) { s.photos = p }

// shown puts the photo that the asker may see into a card; the card may be nil, and so may what is shown.
func (s *Service) shown(q *local.Request, card []byte) ([]byte, error) {
	if s.photos == nil {
		return card, nil
	}
	p, known, err := s.photos.Photo(q.Turn, q.Account, q.Stanza.From)
	if err != nil || !known {
		return card, err
	}
	if card != nil {
		card, _, _ = cut(card)
	}
	if p == nil {
		return card, nil
	}
	return insert(card, p), nil
}

// stored is what is kept of a card: all but a photo that Photos has taken.
func (s *Service) stored(q *local.Request, card []byte) ([]byte, error) {
	if s.photos == nil {
		return card, nil
	}
	rest, photo, ok := cut(card)
	if !ok || photo == nil {
		return card, nil
	}
	p, ok := read(photo)
	if !ok {
		return card, nil
	}
	taken, err := s.photos.SetPhoto(q.Turn, q.Account, q.Stanza.From, p)
	if err != nil || !taken {
		return card, err
	}
	return rest, nil
}

// read takes a <PHOTO/> apart; ok is false when it has no image in it, such as one that only points to one.
func read(e *markup.Element) (p Photo, ok bool) {
	for _, c := range e.Children {
		switch c.Name.Local {
		case "TYPE":
			p.Type = strings.TrimSpace(c.Text)
		case "BINVAL":
			data, err := Decode(c.Text)
			p.Data, ok = data, err == nil
		}
	}
	return p, ok
}

// Decode reads base64 with any white space in it. XEP-0153 §4.6.
func Decode(s string) ([]byte, error) {
	return base64.StdEncoding.DecodeString(strings.Map(func(r rune) rune {
		switch r {
		case ' ', '\t', '\n', '\r':
			return -1
		}
		return r
	}, s))
}

// cut takes the photos out of a card, and returns the first. ok is false when the card cannot be cut.
func cut(card []byte) (rest []byte, photo *markup.Element, ok bool) {
	top, err := markup.Index(card)
	if err != nil || len(top) != 1 {
		return card, nil, false
	}
	inner := card[top[0].TextStart:top[0].TextEnd]
	kids, err := markup.Index(inner)
	if err != nil {
		return card, nil, false // its children use a prefix that it has declared
	}
	rest = append(rest, card[:top[0].TextStart]...)
	at := 0
	for _, k := range kids {
		if k.Name.Local != "PHOTO" {
			continue
		}
		if photo == nil {
			if photo, err = markup.ParseElement(inner[k.Start:k.End]); err != nil {
				return card, nil, false
			}
		}
		rest = append(rest, inner[at:k.Start]...)
		at = k.End
	}
	rest = append(rest, inner[at:]...)
	return append(rest, card[top[0].TextEnd:]...), photo, true
}

// insert puts a photo behind what a card has.
func insert(card []byte, p *Photo) []byte {
	b := append([]byte(nil), "<PHOTO xmlns='"+NS+"'>"...)
	if p.Type != "" {
		b = append(markup.AppendEscaped(append(b, "<TYPE>"...), p.Type), "</TYPE>"...)
	}
	b = base64.StdEncoding.AppendEncode(append(b, "<BINVAL>"...), p.Data)
	b = append(b, "</BINVAL></PHOTO>"...)
	top, err := markup.Index(card)
	if err != nil || len(top) != 1 || top[0].TextEnd == top[0].End { // none, or an empty one
		return append(append([]byte("<vCard xmlns='"+NS+"'>"), b...), "</vCard>"...)
	}
	whole := append([]byte(nil), card[:top[0].TextEnd]...)
	return append(append(whole, b...), card[top[0].TextEnd:]...)
}
