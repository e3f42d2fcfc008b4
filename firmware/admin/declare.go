package admin

import (
	"errors"
	"fmt"
	"reflect"
	"time"

	"longwire/firmware/config"
	"longwire/store"
	"longwire/xmpp/sasl"
)

// What a declaration means for an account's record:
//
//	declared       the config's credentials are in force; who has the name already keeps the account, and the password
//	               it had by hand lies beside them
//	left out       an account made by hand has its own password again, and is made by hand again; one that the config made
//	               is disabled. Nothing that belongs to it is deleted
//	disabled       while the config says so, or from 'user disable' to 'user enable'
//
// So a config that is undone leaves the accounts that the one before it had.

// want is what the config says of one account.
type want struct {
	credentials []store.Credential
	disabled    bool
}

// Declare makes the accounts of a store what a config declares, in one transaction; when they are so already nothing is
// written. It returns who cannot log in any more: the caller ends their streams.
func Declare(db *store.DB, users []config.User) (shut []string, err error) {
	wants, err := wanted(db, users)
	if err != nil {
		return nil, fmt.Errorf("admin: reading the accounts that the config declares: %w", err)
	}
	var plan []store.Account
	look := func(tx *store.Tx) (err error) { plan, shut, err = planned(tx, wants); return err }
	if err := db.View(look); err != nil || len(plan) == 0 {
		return nil, err
	}
	err = db.Update(func(tx *store.Tx) error {
		if err := look(tx); err != nil {
			return err
		}
		for _, a := range plan {
			if err := tx.PutAccount(a); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("admin: making the accounts that the config declares: %w", err)
	}
	return shut, nil
}

// wanted reads credentials and derives those of passwords, unless what is stored fits: that is slow, and so done in no
// transaction.
func wanted(db *store.DB, users []config.User) (map[string]want, error) {
	wants := make(map[string]want, len(users))
	for _, u := range users {
		w := want{disabled: u.Disabled}
		for _, c := range u.Stored() {
			w.credentials = append(w.credentials, store.Credential(c))
		}
		if u.Password != "" {
			var have store.Account
			err := db.View(func(tx *store.Tx) (err error) { have, err = tx.Account(u.Address); return err })
			if err != nil && !errors.Is(err, store.ErrNotFound) && !errors.Is(err, store.ErrCorrupt) {
				return nil, err
			}
			if w.credentials = have.Credentials; !fits(have.Credentials, u.Password) {
				if w.credentials, err = Credentials(u.Password); err != nil {
					return nil, err
				}
			}
		}
		wants[u.Address] = w
	}
	return wants, nil
}

// fits tells whether credentials are those of a password, for every hash. Each is made with all others, so one is tried.
func fits(have []store.Credential, password string) bool {
	for _, hash := range sasl.Hashes() {
		found := false
		for _, c := range have {
			found = found || c.Hash == hash
		}
		if !found {
			return false
		}
	}
	return sasl.Credential(have[0]).Verify(password)
}

// planned lists the records to write, and who is shut out by them.
func planned(tx *store.Tx, wants map[string]want) (plan []store.Account, shut []string, err error) {
	met := make(map[string]bool, len(wants))
	err = tx.Accounts(func(a store.Account) error {
		next := a
		if w, ok := wants[a.JID]; ok {
			met[a.JID] = true
			declare(&next, w)
		} else if a.Declared == store.ByConfig {
			leaveOut(&next)
		}
		if reflect.DeepEqual(a, next) {
			return nil
		}
		plan = append(plan, next)
		if next.Disabled && !a.Disabled {
			shut = append(shut, a.JID)
		}
		return nil
	})
	for address, w := range wants {
		if !met[address] {
			a := store.Account{JID: address, Created: time.Now()}
			declare(&a, w)
			plan = append(plan, a)
		}
	}
	return plan, shut, err
}

func declare(a *store.Account, w want) {
	if a.Declared == store.ByHand {
		a.Own, a.Shut = a.Credentials, a.Disabled
	}
	a.Declared, a.Credentials, a.Disabled = store.ByConfig, w.credentials, w.disabled || a.Shut
}

func leaveOut(a *store.Account) {
	if len(a.Own) == 0 {
		a.Declared, a.Disabled = store.LeftOut, true
		return
	}
	a.Declared, a.Credentials, a.Own = store.ByHand, a.Own, nil
	a.Disabled, a.Shut = a.Shut, false
}

// shutOut is 'user disable', and with off 'user enable'. Who was left out is made by hand from then on.
func (a *Admin) shutOut(acc *store.Account, off bool) error {
	switch {
	case !off:
		acc.Disabled, acc.Shut = true, acc.Declared != store.ByHand
	case acc.Declared == store.ByConfig && a.disabledByConfig(acc.JID):
		return fmt.Errorf("admin: %s is disabled by the config%s; take that out there and reload", acc.JID, a.declaredAt(acc.JID))
	case acc.Declared == store.LeftOut:
		acc.Declared, acc.Disabled, acc.Shut = store.ByHand, false, false
	default:
		acc.Disabled, acc.Shut = false, false
	}
	return nil
}

func (a *Admin) disabledByConfig(address string) bool {
	u := a.cfg().User(address)
	return u != nil && u.Disabled
}

// byHand refuses what the config would undo at the next reload.
func (a *Admin) byHand(acc store.Account, instead string) error {
	switch acc.Declared {
	case store.ByConfig:
		return fmt.Errorf("admin: %s is declared by the config%s; %s", acc.JID, a.declaredAt(acc.JID), instead)
	case store.LeftOut:
		return fmt.Errorf("admin: %s was declared by the config and is left out now; 'user enable' makes it one that commands may change", acc.JID)
	}
	return nil
}

// declaredAt is the place of a declaration, for people; "" if the config does not have it any more.
func (a *Admin) declaredAt(address string) string {
	c := a.cfg()
	for i, u := range c.Users {
		if line := c.Line(fmt.Sprintf("user[%d]", i)); u.Address == address && line > 0 {
			return fmt.Sprintf(" (%s, line %d)", c.File, line)
		}
	}
	return ""
}

// declaredWords are what operators read of store.Declared.
var declaredWords = map[store.Declared]string{
	store.ByConfig: "by the config",
	store.LeftOut:  "by the config, now left out",
}
