package muc

import (
	"crypto/sha1"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"longwire/store"
	"longwire/xmpp/markup"
	"longwire/xmpp/router"
	"longwire/xmpp/stanza"
)

// maxCard is the size of the largest card of a room.
const maxCard = 64 << 10

const nsCardUpdate = "vcard-temp:x:update" // XEP-0153

func (s *Service) serveCard() {
	s.handleIQ(toRoom, nsVCard, "vCard", false, s.inside(s.cardGet))
	s.handleIQ(toRoom, nsVCard, "vCard", true, s.inside(s.cardSet))
}

// cardGet shows a room's card to those who may enter. XEP-0486 §3.3.
func (s *Service) cardGet(q *request) error {
	if q.standing().Role == NoRole && !q.mayEnter() {
		return stanza.Fail(stanza.Forbidden, "")
	}
	var card []byte
	err := s.host.Read(q.Turn, func(tx *store.Tx) error {
		b, err := tx.Blob(q.room.jid.String(), store.BlobVCard, "")
		card = append(card, b...)
		return err
	})
	switch {
	case errors.Is(err, store.ErrNotFound):
		return stanza.Fail(stanza.ItemNotFound, "") // XEP-0054 §3.3
	case err != nil:
		return fmt.Errorf("muc: reading the card of %s: %w", q.room.jid, err)
	}
	return s.reply(q, card)
}

// cardSet gives a room its card, with its avatar. XEP-0486 §3.2: for owners; an empty card takes it back.
func (s *Service) cardSet(q *request) error {
	if err := q.NeedTx(); err != nil {
		return err
	}
	if q.state.Affiliation(q.stanza.From) != Owner {
		return stanza.Fail(stanza.Forbidden, "only owners set the room's card")
	}
	card := q.payload.Raw
	if len(card) > maxCard {
		return stanza.Fail(stanza.PolicyViolation, fmt.Sprintf("a vCard may have at most %d bytes", maxCard))
	}
	hashes, err := avatarHashes(q.payload)
	if err != nil {
		return err
	}
	if len(q.payload.Children) == 0 {
		card = nil
	}
	r := q.room
	if err := q.Tx.PutBlob(r.jid.String(), store.BlobVCard, "", card); err != nil {
		return fmt.Errorf("muc: keeping the card of %s: %w", r.jid, err)
	}
	n := r.next.clone()
	n.avatar = hashes
	r.set(q.Turn, n)
	if err := s.reply(q, nil); err != nil {
		return err
	}
	if err := r.status(q.Turn, []int{104}); err != nil { // XEP-0486 §3.2
		return err
	}
	face := r.face(n)
	return r.each(q.Turn, n, func(*Occupant, *Session) *stanza.Stanza { return face })
}

// avatarHashes are those of the photos of a card. XEP-0153 §3.1, XEP-0486 §5.1.
func avatarHashes(card *markup.Element) (all []string, err error) {
	for _, c := range card.Children {
		if c.Name != (markup.Name{Space: nsVCard, Local: "PHOTO"}) {
			continue
		}
		v := c.Child(nsVCard, "BINVAL")
		if v == nil {
			continue // elsewhere, by EXTVAL
		}
		img, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(v.Text), ""))
		if err != nil {
			return nil, stanza.Fail(stanza.BadRequest, "the photo is not in base64")
		}
		if len(img) == 0 {
			continue
		}
		sum := sha1.Sum(img)
		all = append(all, hex.EncodeToString(sum[:]))
	}
	return all, nil
}

// face is the room's own presence, by which clients learn its avatar: what they read it from before XEP-0486, and many
// still do. Only the first photo's hash has a place there.
func (r *Room) face(st *State) *stanza.Stanza {
	p := &stanza.Stanza{Kind: stanza.Presence, From: r.jid}
	photo := "<photo/>" // XEP-0153 §4.2: there is none
	if len(st.avatar) > 0 {
		photo = "<photo>" + st.avatar[0] + "</photo>"
	}
	p.SetInner([]byte("<x xmlns='" + nsCardUpdate + "'>" + photo + "</x>"))
	return p
}

// loadAvatar reads the hashes of a room's photos from the store.
func (r *Room) loadAvatar(t *router.Turn) ([]string, error) {
	card, err := t.Tx.Blob(r.jid.String(), store.BlobVCard, "")
	if errors.Is(err, store.ErrNotFound) || errors.Is(err, store.ErrCorrupt) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	e, err := markup.ParseElement(append([]byte(nil), card...))
	if err != nil {
		return nil, nil
	}
	hashes, _ := avatarHashes(e)
	return hashes, nil
}
