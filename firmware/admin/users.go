package admin

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"longwire/store"
	"longwire/xmpp/jid"
	"longwire/xmpp/sasl"
)

// User is one account as operators see it.
type User struct {
	JID      string    `json:"jid"`
	Online   int       `json:"online"` // clients connected or about to resume; 0 on a stopped node
	Disabled bool      `json:"disabled,omitempty"`
	Declared string    `json:"declared,omitempty"` // "by the config", "by the config, now left out"
	Waiting  int       `json:"waiting"`            // messages kept for it
	Created  time.Time `json:"created"`
	LastSeen time.Time `json:"last_seen,omitzero"` // end of its last session
}

// account reads "alice" or "alice@field.net" as one of our users; a bare name lives at our first domain.
func (a *Admin) account(name string) (jid.JID, error) {
	return ours(name, a.cfg().Domains, addressWords{"a user's address", "alice", "this node; its domains are"})
}

// addressWords is how a kind of address is spoken of: what it is, an example, whose domains it may have.
type addressWords struct{ what, example, whose string }

// ours reads a name with or without its domain as an address at one of our domains; a bare one lives at the first.
func ours(name string, domains []string, w addressWords) (jid.JID, error) {
	if !strings.Contains(name, "@") && len(domains) > 0 {
		name += "@" + domains[0]
	}
	j, err := jid.Parse(name)
	switch {
	case err != nil:
		return jid.JID{}, misuse("%q is not %s: %w; write it as in %s@%s", name, w.what, err, w.example, domains[0])
	case j.Local() == "" || j.Resource() != "":
		return jid.JID{}, misuse("%q is not %s; write it as in %s@%s", name, w.what, w.example, domains[0])
	case !slices.Contains(domains, j.Domain()):
		return jid.JID{}, misuse("%s is not a domain of %s: %s", j.Domain(), w.whose, strings.Join(domains, ", "))
	}
	return j, nil
}

// Credentials derives what SCRAM needs of a password, for every hash, since a client may know only one of them.
func Credentials(password string) ([]store.Credential, error) {
	if password == "" {
		return nil, misuse("the password is empty")
	}
	var list []store.Credential
	for _, hash := range sasl.Hashes() {
		c, err := sasl.NewCredential(hash, password, nil, 0)
		if err != nil {
			return nil, misuse("this cannot be a password: %w", err)
		}
		list = append(list, store.Credential(c))
	}
	return list, nil
}

// AddUser makes an account and returns its address.
func (a *Admin) AddUser(name, password string) (string, error) {
	j, err := a.account(name)
	if err != nil {
		return "", err
	}
	if c := a.cfg().Attendant; c.Enabled && c.Name == j.Local() {
		return "", misuse("%s is the node's own contact; choose another name, or change attendant.name", j)
	}
	creds, err := Credentials(password)
	if err != nil {
		return "", err
	}
	err = a.update(func(tx *store.Tx) error {
		switch exists, err := tx.AccountExists(j.String()); {
		case err != nil:
			return err
		case exists:
			return &worded{fmt.Sprintf("admin: there is a user %s already; 'user passwd' changes the password", j), store.ErrExists}
		}
		return tx.PutAccount(store.Account{JID: j.String(), Credentials: creds, Created: time.Now()})
	})
	if err == nil && a.node != nil {
		a.node.AccountMade(j)
	}
	return j.String(), err
}

// SetPassword changes a password. Clients that are connected stay so: they have proved themselves already. That of an
// account which the config declares is changed there: the next reload would bring the old one back.
func (a *Admin) SetPassword(name, password string) (string, error) {
	creds, err := Credentials(password)
	if err != nil {
		return "", err
	}
	return a.change(name, func(acc *store.Account) error {
		acc.Credentials = creds
		return a.byHand(*acc, "its password is changed there: put what 'longwire user credentials' prints in place of the old, and reload")
	})
}

// SetDisabled shuts a user out, or lets it in again, and keeps all that belongs to it. It holds for declared accounts too,
// over reloads and restarts.
func (a *Admin) SetDisabled(name string, disabled bool) (string, error) {
	j, err := a.change(name, func(acc *store.Account) error { return a.shutOut(acc, !disabled) })
	if err == nil && disabled {
		a.end(j, "the account was disabled")
	}
	return j, err
}

// RemoveUser deletes an account with everything that belongs to it, unless the config would make it again. A running node cuts off its clients and ends its
// subscriptions; on a stopped one the contacts are told nothing.
func (a *Admin) RemoveUser(name string) (string, error) {
	j, err := a.account(name)
	if err != nil {
		return "", err
	}
	if err = a.read(func(db *store.DB) error { return db.View(func(tx *store.Tx) error { return a.mayRemove(tx, j) }) }); err != nil {
		return "", absent(j, err)
	}
	if a.node != nil {
		err = a.node.RemoveAccount(j)
	} else {
		err = a.update(func(tx *store.Tx) error {
			if err := tx.DeleteAccount(j.String()); err != nil {
				return err
			}
			return Forsake(tx, AtRest(tx), j)
		})
	}
	return j.String(), absent(j, err)
}

// mayRemove keeps accounts that the config would make again. One that it made and left out may go.
func (a *Admin) mayRemove(tx *store.Tx, j jid.JID) error {
	acc, err := tx.Account(j.String())
	if errors.Is(err, store.ErrCorrupt) {
		return nil // what cannot be read can be deleted
	}
	if err == nil && acc.Declared == store.ByConfig {
		err = a.byHand(acc, "it would be made again: take it out there and reload, then remove it")
	}
	return err
}

// worded is an error of the store in words that say all.
type worded struct {
	text string
	err  error
}

func (w *worded) Error() string { return w.text }

// Unwrap gives the store's error.
func (w *worded) Unwrap() error { return w.err }

// absent puts store.ErrNotFound into words.
func absent(j jid.JID, err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return &worded{fmt.Sprintf("admin: there is no user %s; 'user list' shows all", j), store.ErrNotFound}
	}
	return err
}

// end closes the clients of a running node.
func (a *Admin) end(account, text string) {
	if j, err := jid.Parse(account); err == nil && a.node != nil {
		a.node.EndSessions(j, text)
	}
}

func (a *Admin) update(f func(*store.Tx) error) error {
	return a.write(func(db *store.DB) error { return db.Update(f) })
}

func (a *Admin) change(name string, f func(*store.Account) error) (string, error) {
	j, err := a.account(name)
	if err != nil {
		return "", err
	}
	return j.String(), a.update(func(tx *store.Tx) error {
		acc, err := tx.Account(j.String())
		if err != nil {
			return absent(j, err)
		}
		if err := f(&acc); err != nil {
			return err
		}
		return tx.PutAccount(acc)
	})
}

// Users lists all accounts by address.
func (a *Admin) Users() ([]User, error) {
	users := []User{}
	var online map[string]int
	if a.node != nil {
		online = a.node.Live().Sessions
	}
	err := a.read(func(db *store.DB) error {
		return db.View(func(tx *store.Tx) error {
			users = users[:0]
			return tx.Accounts(func(acc store.Account) error {
				u := User{JID: acc.JID, Online: online[acc.JID], Disabled: acc.Disabled, Created: acc.Created, LastSeen: acc.LastSeen,
					Declared: declaredWords[acc.Declared]}
				u.Waiting, _ = tx.SpoolCount(acc.JID)
				users = append(users, u)
				return nil
			})
		})
	})
	return users, err
}
