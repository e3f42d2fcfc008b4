package pep

import (
	"bytes"
	"errors"
	"strings"
	"time"

	"longwire/store"
	"longwire/xmpp/jid"
	"longwire/xmpp/markup"
	"longwire/xmpp/router"
)

// Bookmark puts a room that the configuration declares into an account's bookmarks. What the user has made of it since, a
// change or its removal, stays; so does a bookmark of the room that the user had before. Declaring the same again does
// nothing. It needs a transaction.
func (s *Service) Bookmark(t *router.Turn, account, room jid.JID, b Bookmark) error {
	if err := t.NeedTx(); err != nil {
		return err
	}
	if err := s.adopt(t, account); err != nil {
		return err
	}
	was, now, err := s.declaration(t.Tx, account, room)
	if err != nil {
		return err
	}
	want := b.payload(nil)
	if bytes.Equal(was, want) {
		return nil
	}
	if was == nil && now == nil || was != nil && unchanged(was, now) { // else it is the user's
		_, err = s.put(t, account, publication{
			node: NodeBookmarks, name: markup.Name{Space: NodeBookmarks, Local: "conference"},
			item: store.PubsubItem{ID: room.String(), Published: time.Now(), Payload: want},
		})
		if err != nil {
			return err
		}
	}
	return s.declare(t.Tx, account, room, want)
}

// Unbookmark takes a room that is not declared any more out of an account's bookmarks, unless the user has changed it. A
// room that was never declared it leaves alone. It needs a transaction.
func (s *Service) Unbookmark(t *router.Turn, account, room jid.JID) error {
	if err := t.NeedTx(); err != nil {
		return err
	}
	was, now, err := s.declaration(t.Tx, account, room)
	if err != nil || was == nil {
		return err
	}
	if err := s.declare(t.Tx, account, room, nil); err != nil {
		return err
	}
	if !unchanged(was, now) {
		return nil
	}
	n, err := t.Tx.PubsubNode(account.String(), NodeBookmarks)
	if err != nil {
		return failed("reading", account, NodeBookmarks, err)
	}
	return s.take(t, account, &n, room.String(), true)
}

// Declared lists the rooms that were declared as bookmarks of the account and not taken back.
func (s *Service) Declared(t *router.Turn, account jid.JID) (rooms []jid.JID, err error) {
	err = s.host.Read(t, func(tx *store.Tx) error {
		return tx.Blobs(account.String(), store.BlobDeclared, func(name string, _ []byte) error {
			if rest, ok := strings.CutPrefix(name, declaredBookmark); ok {
				if j, err := jid.Parse(rest); err == nil {
					rooms = append(rooms, j)
				}
			}
			return nil
		})
	})
	if err != nil {
		return nil, failed("listing what is declared in", account, NodeBookmarks, err)
	}
	return rooms, nil
}

// declaredBookmark begins the names of the blobs that remember a declaration, as the payload that it made.
const declaredBookmark = "bookmark "

// declaration reads what was declared of a room, and the bookmark that there is; nil: none.
func (s *Service) declaration(tx *store.Tx, account, room jid.JID) (was, now []byte, err error) {
	was, err = tx.Blob(account.String(), store.BlobDeclared, declaredBookmark+room.String())
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return nil, nil, failed("reading what is declared in", account, NodeBookmarks, err)
	}
	it, err := tx.PubsubItem(account.String(), NodeBookmarks, room.String())
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return nil, nil, failed("reading", account, NodeBookmarks, err)
	}
	return bytes.Clone(was), it.Payload, nil
}

// unchanged tells whether a bookmark still says what was declared, in whatever words: clients write it anew.
func unchanged(was, now []byte) bool {
	var a, b Bookmark
	for _, x := range []struct {
		raw []byte
		b   *Bookmark
	}{{was, &a}, {now, &b}} {
		e, err := markup.ParseElement(x.raw)
		if err != nil {
			return false
		}
		x.b.read(e)
	}
	return a == b
}

func (s *Service) declare(tx *store.Tx, account, room jid.JID, payload []byte) error {
	if err := tx.PutBlob(account.String(), store.BlobDeclared, declaredBookmark+room.String(), payload); err != nil {
		return failed("declaring a room in", account, NodeBookmarks, err)
	}
	return nil
}
