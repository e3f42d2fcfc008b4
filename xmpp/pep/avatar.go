package pep

import (
	"cmp"
	"crypto/sha1"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"longwire/store"
	"longwire/xmpp/jid"
	"longwire/xmpp/markup"
	"longwire/xmpp/router"
	"longwire/xmpp/stanza"
	"longwire/xmpp/vcard"
)

// Avatars have one truth, the nodes of XEP-0084; the photo of a vcard-temp card is a view of it (XEP-0398 §5.2).
const (
	NodeAvatarData     = "urn:xmpp:avatar:data"
	NodeAvatarMetadata = "urn:xmpp:avatar:metadata"
)

var _ vcard.Photos = (*Service)(nil)

// avatar is what an account's metadata node says.
type avatar struct {
	known   bool   // there is such a node
	id, typ string // of the image at the data node; "": none
	meta    store.PubsubConfig
	data    store.PubsubConfig
}

// avatar reads what the account has published. XEP-0398 §3.1: of several images, the one that is not elsewhere.
func (s *Service) avatar(tx *store.Tx, account jid.JID) (a avatar, err error) {
	n, err := tx.PubsubNode(account.String(), NodeAvatarMetadata)
	if errors.Is(err, store.ErrNotFound) {
		return a, nil
	}
	if err != nil {
		return a, failed("reading", account, NodeAvatarMetadata, err)
	}
	it, ok, err := s.last(tx, account, &n)
	if err != nil || !ok {
		return a, err
	}
	a.known, a.meta = true, n.Config
	e, err := markup.ParseElement(it.Payload)
	if err != nil {
		return a, nil
	}
	for _, c := range e.Children {
		if c.Name == (markup.Name{Space: NodeAvatarMetadata, Local: "info"}) && !c.HasAttr("url") && c.Attr("id") != "" {
			a.id, a.typ = c.Attr("id"), c.Attr("type")
			break
		}
	}
	d, err := tx.PubsubNode(account.String(), NodeAvatarData)
	if errors.Is(err, store.ErrNotFound) {
		a.id = ""
		return a, nil
	}
	if err != nil {
		return a, failed("reading", account, NodeAvatarData, err)
	}
	a.data = d.Config
	return a, nil
}

// image reads the image at the data node; nil when it is not there, or not the one that its id says.
func (s *Service) image(tx *store.Tx, account jid.JID, id string) ([]byte, error) {
	it, err := tx.PubsubItem(account.String(), NodeAvatarData, id)
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, failed("reading", account, NodeAvatarData, err)
	}
	e, err := markup.ParseElement(it.Payload)
	if err != nil {
		return nil, nil
	}
	data, err := vcard.Decode(e.Text)
	if err != nil || !strings.EqualFold(hash(data), id) {
		return nil, nil // XEP-0398 §3.1: the hash is checked
	}
	return data, nil
}

func hash(data []byte) string {
	sum := sha1.Sum(data)
	return hex.EncodeToString(sum[:])
}

// Photo is the avatar as the photo of a card, for who may read both nodes. XEP-0398 §5.2, §7.
func (s *Service) Photo(t *router.Turn, account, asker jid.JID) (p *vcard.Photo, known bool, err error) {
	var a avatar
	var data []byte
	err = s.host.Read(t, func(tx *store.Tx) error {
		if a, err = s.avatar(tx, account); err != nil || a.id == "" {
			return err
		}
		data, err = s.image(tx, account, a.id)
		return err
	})
	if err != nil || data == nil {
		return nil, a.known, err
	}
	for _, c := range []*store.PubsubConfig{&a.meta, &a.data} {
		err := s.may(t, account, c, asker)
		var refusal *stanza.Err
		if errors.As(err, &refusal) {
			return nil, true, nil
		}
		if err != nil {
			return nil, true, err
		}
	}
	return &vcard.Photo{Type: a.typ, Data: data}, true, nil
}

// SetPhoto makes the photo of a card the avatar. XEP-0398 §3.2. Choice: its nodes, if they are new, are open, as the card
// is shown to everybody.
func (s *Service) SetPhoto(t *router.Turn, account, owner jid.JID, p vcard.Photo) (taken bool, err error) {
	a, err := s.avatar(t.Tx, account)
	if err != nil {
		return false, err
	}
	if len(p.Data) == 0 {
		if a.id == "" {
			return a.known, nil
		}
		return true, s.publishAvatar(t, account, owner, single, []byte("<metadata xmlns='"+NodeAvatarMetadata+"'/>"))
	}
	id := hash(p.Data)
	if a.id == id {
		if have, err := s.image(t.Tx, account, id); err != nil || have != nil {
			return have != nil, err
		}
	}
	payload := base64.StdEncoding.AppendEncode([]byte("<data xmlns='"+NodeAvatarData+"'>"), p.Data)
	payload = append(payload, "</data>"...)
	if ok, err := s.fits(t.Tx, account, payload); err != nil || !ok {
		return false, err
	}
	if err := s.open(t.Tx, account, NodeAvatarData); err != nil {
		return false, err
	}
	err = s.place(t, account, publication{
		node: NodeAvatarData,
		item: store.PubsubItem{ID: id, Publisher: owner.String(), Published: time.Now(), Payload: payload},
	})
	if err != nil {
		return false, err
	}
	info := append([]byte("<metadata xmlns='"+NodeAvatarMetadata+"'><info"), " bytes='"+strconv.Itoa(len(p.Data))+"' id='"+id+"'"...)
	info = append(markup.AppendPlainAttr(info, "type", imageType(p)), "/></metadata>"...)
	return true, s.publishAvatar(t, account, owner, id, info)
}

// imageType is the content type of an image. XEP-0153 §5: what the image is, not what the card says.
func imageType(p vcard.Photo) string {
	if typ := http.DetectContentType(p.Data); strings.HasPrefix(typ, "image/") {
		return typ
	}
	if p.Type != "" && len(p.Type) < 80 {
		return p.Type
	}
	return "image/png"
}

func (s *Service) publishAvatar(t *router.Turn, account, owner jid.JID, id string, payload []byte) error {
	if err := s.open(t.Tx, account, NodeAvatarMetadata); err != nil {
		return err
	}
	err := s.place(t, account, publication{
		node: NodeAvatarMetadata,
		item: store.PubsubItem{ID: id, Publisher: owner.String(), Published: time.Now(), Payload: payload},
	})
	if err != nil {
		return err
	}
	return s.changed(t, account, NodeAvatarMetadata)
}

// open makes an avatar node that is for everybody, if there is none.
func (s *Service) open(tx *store.Tx, account jid.JID, node string) error {
	n, fresh, err := s.ready(tx, account, node, nil)
	if err != nil || !fresh {
		return err
	}
	n.Config.Access = accessOpen
	return s.make(tx, account, n)
}

// fits tells whether an image finds room at the data node.
func (s *Service) fits(tx *store.Tx, account jid.JID, payload []byte) (bool, error) {
	if len(payload) > s.o.Payload {
		return false, nil
	}
	n, fresh, err := s.ready(tx, account, NodeAvatarData, nil)
	if err != nil {
		return false, err
	}
	if n.Config.Transient || n.Config.MaxBytes > 0 && len(payload) > n.Config.MaxBytes {
		return false, nil
	}
	frees, err := s.replaced(tx, account, n, "")
	if err != nil {
		return false, err
	}
	err = s.room(tx, account, fresh, len(payload)+itemOverhead-frees)
	var refusal *stanza.Err
	if errors.As(err, &refusal) {
		return false, nil
	}
	return err == nil, err
}

const nsUpdate = "vcard-temp:x:update"

// Dress adds the hash of the avatar to available presence, as clients of XEP-0153 want it. XEP-0398 §4.
//
// Choice: not in what crosses a peer link, where it costs air with each presence and is stripped by default; and in
// directed presence only if the avatar is open to everybody, as it is of no use else.
func (s *Service) Dress(t *router.Turn, p *stanza.Stanza) (*stanza.Stanza, error) {
	directed := !p.To.IsZero() && p.To.Bare() != p.From.Bare()
	if p.Type != "" || directed && !s.host.Local(p.To.Domain()) && (s.o.Near == nil || !s.o.Near(p.To.Domain())) {
		return p, nil
	}
	if c, ok := p.Child(nsUpdate, "x"); ok {
		if e, err := p.Element(c); err != nil || e.Child(nsUpdate, "photo") != nil {
			return p, nil // the client says it itself
		}
	}
	var a avatar
	err := s.host.Read(t, func(tx *store.Tx) (err error) {
		a, err = s.avatar(tx, p.From.Bare())
		return err
	})
	if err != nil || !a.known || a.id != "" && len(a.id) != 2*sha1.Size || !a.seen(directed) {
		return p, err
	}
	p = p.Without(func(c stanza.Child) bool { return c.Name == (markup.Name{Space: nsUpdate, Local: "x"}) })
	if a.id == "" { // XEP-0153 §4.1 rule 3: there is none any more
		return p.With([]byte("<x xmlns='" + nsUpdate + "'><photo/></x>")), nil
	}
	x := markup.AppendEscaped([]byte("<x xmlns='"+nsUpdate+"'><photo>"), strings.ToLower(a.id))
	return p.With(append(x, "</photo></x>"...)), nil
}

// seen tells whether those who get presence may see the avatar.
func (a *avatar) seen(directed bool) bool {
	for _, access := range []string{a.meta.Access, cmp.Or(a.data.Access, a.meta.Access)} {
		if access != accessOpen && (directed || access != accessPresence) {
			return false
		}
	}
	return true
}
