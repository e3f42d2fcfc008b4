package admin

import (
	"fmt"
	"slices"

	"longwire/store"
	"longwire/xmpp/delivery"
	"longwire/xmpp/jid"
)

// maxMessages is how many messages a list has when nobody says how many.
const maxMessages = 100

// Messages lists what became of a user's messages for peers, newest first; "" means of all users'. most is how many, 0: 100.
func (a *Admin) Messages(user string, most int) ([]Queued, error) {
	if most <= 0 {
		most = maxMessages
	}
	var accounts []jid.JID
	if user != "" {
		j, err := a.account(user)
		if err != nil {
			return nil, err
		}
		accounts = append(accounts, j)
	}
	list := []Queued{}
	err := a.read(func(db *store.DB) error {
		if user == "" {
			var err error
			if accounts, err = everyone(db); err != nil {
				return err
			}
		}
		truth := a.truth(db)
		var all []delivery.Message
		for _, account := range accounts {
			messages, err := truth.OfAccount(account, most)
			if err != nil {
				return fmt.Errorf("admin: %w", err)
			}
			all = append(all, messages...)
		}
		slices.SortStableFunc(all, func(a, b delivery.Message) int { return b.Queued.Compare(a.Queued) })
		for _, m := range all[:min(most, len(all))] {
			list = append(list, queued(m))
		}
		return nil
	})
	return list, err
}

// everyone are the node's accounts.
func everyone(db *store.DB) (all []jid.JID, err error) {
	err = db.View(func(tx *store.Tx) error {
		return tx.Accounts(func(acc store.Account) error {
			j, err := jid.Parse(acc.JID)
			if err == nil {
				all = append(all, j)
			}
			return err
		})
	})
	return all, err
}
