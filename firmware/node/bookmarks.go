package node

import (
	"errors"

	"longwire/firmware/config"
	"longwire/store"
	"longwire/xmpp/jid"
	"longwire/xmpp/pep"
	"longwire/xmpp/router"
	"longwire/xmpp/stanza"
)

// bookmarkAll makes the bookmarks of all accounts those that a configuration declares, in one transaction. Where they are so already
// nothing is written, and what users have made of theirs stays.
func (n *Node) bookmarkAll(cfg *config.Config) error {
	return n.turn(func(t *router.Turn) error {
		var accounts []jid.JID
		err := t.Tx.Accounts(func(a store.Account) error {
			if j, err := jid.Parse(a.JID); err == nil {
				accounts = append(accounts, j)
			}
			return nil
		})
		for _, j := range accounts {
			if err == nil {
				err = n.bookmark(t, cfg, j)
			}
		}
		return err
	})
}

// bookmark does so for one account.
func (n *Node) bookmark(t *router.Turn, cfg *config.Config, account jid.JID) error {
	declared, err := n.pep.Declared(t, account)
	if err != nil {
		return err
	}
	left := make(map[jid.JID]bool)
	for _, room := range declared {
		left[room] = true
	}
	for i := range cfg.Rooms {
		r := &cfg.Rooms[i]
		room, err := jid.Parse(r.Address)
		if err != nil || !r.AutojoinFor(account) {
			continue
		}
		delete(left, room)
		err = n.pep.Bookmark(t, account, room, pep.Bookmark{Name: r.Title, Nick: r.NickOf(account), Password: r.Password, Autojoin: true})
		if err := n.refused(account, room, err); err != nil {
			return err
		}
	}
	for room := range left {
		if err := n.pep.Unbookmark(t, account, room); err != nil {
			return err
		}
	}
	return nil
}

// refused lets go of what an account has no room for; that is no reason to refuse a configuration.
func (n *Node) refused(account, room jid.JID, err error) error {
	var refusal *stanza.Err
	if errors.As(err, &refusal) {
		n.log.Warn("bookmark not made", "account", account, "room", room, "err", err)
		return nil
	}
	return err
}

// AccountMade gives a new account what the configuration has for all.
func (n *Node) AccountMade(account jid.JID) {
	err := n.turn(func(t *router.Turn) error { return n.bookmark(t, n.Config(), account) })
	if err != nil {
		n.log.Error("a new account has no bookmarks yet; it gets them at the next start", "account", account, "err", err)
	}
}

// turn runs f as a Turn of its own, and waits for it. What it causes is seen in the order of the store.
func (n *Node) turn(f func(*router.Turn) error) error {
	t, done := new(router.Turn), make(chan error, 1)
	n.db.Submit(func(tx *store.Tx) error {
		t.Reset(tx)
		return f(t)
	}, func(err error) {
		if err == nil {
			t.Done()
		}
		done <- err
	})
	return <-done
}
