package admin_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"longwire/firmware/admin"
	"longwire/firmware/config"
	"longwire/store"
	"longwire/xmpp/sasl"
)

// stored makes the credentials of a password as a config has them.
func stored(t *testing.T, password string) []string {
	t.Helper()
	var all []string
	for _, hash := range sasl.Hashes() {
		c, err := sasl.NewCredential(hash, password, nil, 4096)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, sasl.FormatCredential(c))
	}
	return all
}

func credentials(t *testing.T, password string) (all []store.Credential) {
	t.Helper()
	for _, text := range stored(t, password) {
		c, err := sasl.ParseCredential(text)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, store.Credential(c))
	}
	return all
}

// database is a store of its own.
func database(t *testing.T) (db *store.DB, path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "store.db")
	db, err := store.Open(path, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db, path
}

// commits is the number of the last transaction in a file of bbolt: it stands at byte 48 of each of its two first pages,
// behind a header of 16.
func commits(t *testing.T, path string) int {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return int(max(binary.NativeEndian.Uint64(b[16+48:]), binary.NativeEndian.Uint64(b[4096+16+48:])))
}

// accounts tells of each who could log in with which of some passwords, and what the record says.
func accounts(t *testing.T, db *store.DB) string {
	t.Helper()
	var lines []string
	err := db.View(func(tx *store.Tx) error {
		lines = nil
		return tx.Accounts(func(a store.Account) error {
			line := strings.TrimSuffix(a.JID, "@field.net")
			for _, p := range []string{"one", "two", "own"} {
				if len(a.Credentials) == 2 && sasl.Credential(a.Credentials[0]).Verify(p) && sasl.Credential(a.Credentials[1]).Verify(p) {
					line += " " + p
				}
			}
			line += map[store.Declared]string{store.ByHand: " hand", store.ByConfig: " config", store.LeftOut: " left"}[a.Declared]
			if a.Disabled {
				line += " disabled"
			}
			lines = append(lines, line)
			return nil
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(lines, ", ")
}

func declare(t *testing.T, db *store.DB, users ...config.User) string {
	t.Helper()
	shut, err := admin.Declare(db, users)
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(shut)
	return strings.Join(shut, ", ")
}

func TestUndoOfAConfigLeavesTheAccountsOfTheOneBefore(t *testing.T) {
	db, _ := database(t)
	if err := db.Update(func(tx *store.Tx) error {
		_, err := tx.SpoolPut("carol@field.net", store.SpoolEntry{Stanza: []byte("<message/>")}, true)
		return errors.Join(err,
			tx.PutAccount(store.Account{JID: "hand@field.net", Credentials: credentials(t, "own"), Created: time.Unix(1, 0).UTC()}),
			tx.PutAccount(store.Account{JID: "shut@field.net", Credentials: credentials(t, "own"), Disabled: true}),
			tx.PutAccount(store.Account{JID: "alone@field.net", Credentials: credentials(t, "own")}))
	}); err != nil {
		t.Fatal(err)
	}
	u := func(name, password string) config.User {
		return config.User{Address: name + "@field.net", Credentials: stored(t, password)}
	}
	off := u("dave", "one")
	off.Disabled = true
	a := []config.User{u("alice", "one"), u("carol", "one"), off}
	b := []config.User{u("alice", "two"), u("bob", "two"), u("hand", "two"), u("shut", "two"), u("dave", "one")}
	const ofA = "alice one config, alone own hand, carol one config, dave one config disabled, hand own hand, shut own hand disabled"

	if shut := declare(t, db, a...); shut != "" || accounts(t, db) != ofA {
		t.Errorf("A: %s\n%s", shut, accounts(t, db))
	}
	if shut := declare(t, db, b...); shut != "carol@field.net" {
		t.Errorf("B shuts out %s", shut)
	}
	if got := accounts(t, db); got != "alice two config, alone own hand, bob two config, carol one left disabled, dave one config, hand two config, shut two config disabled" {
		t.Errorf("B: %s", got)
	}
	// Undone: as before, and bob, whom A does not know, is out.
	if shut := declare(t, db, a...); shut != "bob@field.net, dave@field.net" {
		t.Errorf("A again shuts out %s", shut)
	}
	if got := accounts(t, db); got != strings.Replace(ofA, "carol", "bob two left disabled, carol", 1) {
		t.Errorf("A again: %s", got)
	}
	err := db.View(func(tx *store.Tx) error {
		if n, _ := tx.SpoolCount("carol@field.net"); n != 1 {
			t.Errorf("carol has %d messages", n)
		}
		hand, err := tx.Account("hand@field.net")
		if hand.Own != nil || hand.Shut || !hand.Created.Equal(time.Unix(1, 0)) {
			t.Errorf("made by hand: %+v", hand)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// Flash wears out: what is so already is not written.
func TestDeclaringAgainWritesNothing(t *testing.T) {
	db, path := database(t)
	users := []config.User{{Address: "alice@field.net", Password: "one"}, {Address: "bob@field.net", Credentials: stored(t, "two"), Disabled: true}}
	writes := func(users ...config.User) (n int) {
		t.Helper()
		before := commits(t, path)
		declare(t, db, users...)
		return commits(t, path) - before
	}
	if n := writes(users...); n != 1 {
		t.Errorf("the first time: %d commits, want one", n)
	}
	if got := accounts(t, db); got != "alice one config, bob two config disabled" {
		t.Error(got)
	}
	for what, list := range map[string][]config.User{"again": users, "in another order": {users[1], users[0]}} {
		if n := writes(list...); n != 0 {
			t.Errorf("%s: %d commits", what, n)
		}
	}
	users[0].Password = "two"
	if n := writes(users...); n != 1 || !strings.HasPrefix(accounts(t, db), "alice two") {
		t.Errorf("another password: %d commits, %s", n, accounts(t, db))
	}
	if n := writes(); n != 1 {
		t.Errorf("left out: %d commits", n)
	}
	if n := writes(); n != 0 {
		t.Errorf("left out before: %d commits", n)
	}
}

const declared = `
domains = ["field.net"]
data = "data"
[[user]]
address = "alice"
password = "one"
[[user]]
address = "bob"
password = "one"
disabled = true
`

func TestCommandsOnDeclaredAccountsSayWhatHolds(t *testing.T) {
	cfg := load(t, declared)
	a := admin.Stopped(cfg)
	left := func(users []config.User) {
		t.Helper()
		db, err := store.Open(cfg.StorePath(), store.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		declare(t, db, users...)
	}
	if _, err := a.AddUser("carol", "own"); err != nil {
		t.Fatal(err)
	}
	left(append(slices.Clone(cfg.Users), config.User{Address: "dora@field.net", Password: "one"}))
	left(cfg.Users)
	states := func(want string) {
		t.Helper()
		users, err := a.Users()
		var got []string
		for _, u := range users {
			got = append(got, fmt.Sprint(strings.TrimSuffix(u.JID, "@field.net"), ":", u.Disabled, ":", u.Declared))
		}
		if strings.Join(got, " ") != want || err != nil {
			t.Errorf("%v, %v, want %s", got, err, want)
		}
	}
	states("alice:false:by the config bob:true:by the config carol:false: dora:true:by the config, now left out")
	refused := func(_ string, err error, want string) {
		t.Helper()
		if err == nil || errors.Is(err, admin.ErrMisuse) || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	who, err := a.SetPassword("alice", "other")
	refused(who, err, "alice@field.net is declared by the config ("+cfg.File+", line ")
	refused(who, err, "'longwire user credentials'")
	who, err = a.RemoveUser("alice")
	refused(who, err, "it would be made again: take it out there and reload, then remove it")
	who, err = a.SetDisabled("bob", false)
	refused(who, err, "bob@field.net is disabled by the config")
	who, err = a.SetPassword("dora", "other")
	refused(who, err, "is left out now; 'user enable' makes it one that commands may change")

	// What a command disabled stays so, whatever the config says, until a command enables it.
	did := func(_ string, err error) {
		t.Helper()
		if err != nil {
			t.Error(err)
		}
	}
	did(a.SetDisabled("alice", true))
	left(cfg.Users)
	left(nil)
	left(cfg.Users)
	states("alice:true:by the config bob:true:by the config carol:false: dora:true:by the config, now left out")
	did(a.SetDisabled("alice", false))
	left(cfg.Users)
	did(a.SetDisabled("dora", false))
	left(cfg.Users)
	states("alice:false:by the config bob:true:by the config carol:false: dora:false:")
	did(a.SetPassword("dora", "own"))
	left(nil)
	did(a.RemoveUser("bob"))
	states("alice:true:by the config, now left out carol:false: dora:false:")
}
