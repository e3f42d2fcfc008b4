package register_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"longwire/store"
	"longwire/xmpp/jid"
	"longwire/xmpp/register"
	"longwire/xmpp/router"
	"longwire/xmpp/servicetest"
	"longwire/xmpp/stanza"
	"longwire/xmpp/stream"
)

const (
	alice = "alice@field.net/tent"
	hq    = "hank@headquarters.net/desk"
)

// derive makes credentials that tests can read, and refuses one password.
func derive(password string) ([]store.Credential, error) {
	if password == "bad" {
		return nil, errors.New("prohibited")
	}
	return []store.Credential{{Hash: "SHA-256", Salt: []byte(password), Iterations: 4096}}, nil
}

func ask(typ, to, inner string) string {
	if to != "" {
		to = " to='" + to + "'"
	}
	return "<iq type='" + typ + "' id='1'" + to + "><query xmlns='jabber:iq:register'>" + inner + "</query></iq>"
}

func password(st *servicetest.Stage, account string) (p string) {
	st.View(func(tx *store.Tx) error {
		a, err := tx.Account(account)
		if err == nil && len(a.Credentials) == 1 {
			p = string(a.Credentials[0].Salt)
		}
		return nil
	})
	return p
}

func TestPasswordChange(t *testing.T) {
	st := servicetest.New(t)
	st.Login(alice)
	derived := 0
	register.New(st.Host, register.Options{Derive: func(p string) ([]store.Credential, error) {
		derived++
		return derive(p)
	}})
	change := func(name, pw string) string {
		return "<username>" + name + "</username><password>" + pw + "</password>"
	}
	fail := func(kind, condition, text string) string {
		return servicetest.Error("field.net", alice, "1", kind, stanza.Condition(condition), text)
	}
	const done = "<iq from='field.net' to='alice@field.net/tent' type='result' id='1'/>"
	st.Run(t, []servicetest.Case{
		{"who am I", alice, ask("get", "field.net", ""), "<iq from='field.net' to='alice@field.net/tent' type='result' id='1'>" +
			"<query xmlns='jabber:iq:register'><registered/><username>alice</username><password/></query></iq>"},
		{"change", alice, ask("set", "field.net", change("alice", "n&lt;w")), done},
		{"change without to", alice, ask("set", "", change("Alice", "next")), strings.Replace(done, "field.net", "alice@field.net", 1)},
		{"empty", alice, ask("set", "field.net", change("alice", "")), fail("modify", "bad-request", "username and password are both needed")},
		{"no name", alice, ask("set", "field.net", "<password>x</password>"), fail("modify", "bad-request", "username and password are both needed")},
		{"another's", alice, ask("set", "field.net", change("bob", "x")), fail("auth", "forbidden", "only your own password")},
		{"no address at all", alice, ask("set", "field.net", change("a@b", "x")), fail("auth", "forbidden", "only your own password")},
		{"not usable", alice, ask("set", "field.net", change("alice", "bad")), fail("modify", "not-acceptable", "this password cannot be used")},
		{"too long", alice, ask("set", "field.net", change("alice", strings.Repeat("x", 1025))), fail("modify", "not-acceptable", "a password may have at most 1024 bytes")},
		{"from afar", hq, ask("set", "field.net", change("hank", "x")), servicetest.Error("field.net", hq, "1", "cancel", "service-unavailable", "")},
		{"from afar to an account", hq, ask("set", "alice@field.net", change("alice", "x")), servicetest.Error("alice@field.net", hq, "1", "cancel", "service-unavailable", "")},
	})
	if got := password(st, "alice@field.net"); got != "next" {
		t.Errorf("the password is %q", got)
	}
	if derived != 3 {
		t.Errorf("derived %d times, want once for each usable request: not again on the committer", derived)
	}
}

func TestRemoval(t *testing.T) {
	st := servicetest.New(t)
	st.Login(alice)
	var order []string
	register.New(st.Host, register.Options{
		Derive: derive,
		Leaving: func(tn *router.Turn, account jid.JID) error {
			ok, err := tn.Tx.AccountExists(account.String())
			order = append(order, fmt.Sprint("leaving ", account, " ", ok))
			return err
		},
		Left: func(account jid.JID) { order = append(order, fmt.Sprint("left ", account)) },
	})
	fail := func(kind, condition, text string) string {
		return servicetest.Error("alice@field.net", alice, "1", kind, stanza.Condition(condition), text)
	}
	st.Run(t, []servicetest.Case{
		{"not alone", alice, ask("set", "", "<remove/><username>alice</username>"), fail("modify", "bad-request", "")},
		{"remove", alice, ask("set", "", "<remove/>"), "<iq from='alice@field.net' to='alice@field.net/tent' type='result' id='1'/>"},
		{"once more", alice, ask("set", "", "<remove/>"), fail("auth", "registration-required", "")},
		{"password of nobody", alice, ask("set", "", "<username>alice</username><password>x</password>"), fail("auth", "registration-required", "")},
	})
	if got, want := strings.Join(order, ", "), "leaving alice@field.net true, left alice@field.net"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	st.View(func(tx *store.Tx) error {
		if ok, _ := tx.AccountExists("alice@field.net"); ok {
			t.Error("the account is still there")
		}
		return nil
	})
}

func TestDeclaredAccountIsTheOperators(t *testing.T) {
	st := servicetest.New(t)
	st.Login(alice)
	register.New(st.Host, register.Options{Derive: derive})
	if err := st.DB.Update(func(tx *store.Tx) error {
		return tx.PutAccount(store.Account{JID: "alice@field.net", Declared: store.ByConfig})
	}); err != nil {
		t.Fatal(err)
	}
	refused := servicetest.Error("alice@field.net", alice, "1", "cancel", "not-allowed", "this account is set up by the operator of the node")
	st.Run(t, []servicetest.Case{
		{"password", alice, ask("set", "", "<username>alice</username><password>next</password>"), refused},
		{"remove", alice, ask("set", "", "<remove/>"), refused},
	})
}

func TestAnotherLocalDomainHasNoAccountOfOurs(t *testing.T) {
	st := servicetest.New(t)
	if err := st.Host.SetDomains([]string{"field.net", "two.net"}); err != nil {
		t.Fatal(err)
	}
	st.Login(alice)
	register.New(st.Host, register.Options{Derive: derive})
	got := st.Ask(alice, ask("set", "two.net", "<remove/>"))
	if want := servicetest.Error("two.net", alice, "1", "auth", "registration-required", ""); got != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
}

// stranger asks on a stream to field.net that is not logged in, as c2s does.
func stranger(st *servicetest.Stage, s *register.Service, xml string) (string, error) {
	iq, err := stream.ParseStanza([]byte(xml))
	if err != nil {
		return "", err
	}
	t := new(router.Turn)
	inner, err := s.Stranger(t, "field.net", iq)
	if errors.Is(err, router.ErrNeedTx) {
		err = st.DB.Update(func(tx *store.Tx) error {
			t.Reset(tx)
			inner, err = s.Stranger(t, "field.net", iq)
			return err
		})
	}
	if err == nil {
		t.Done()
	}
	return string(inner), err
}

func TestStrangersMayRegisterOnlyWhereAllowed(t *testing.T) {
	st := servicetest.New(t)
	s := register.New(st.Host, register.Options{Derive: derive})
	want := stanza.Fail(stanza.ServiceUnavailable, "")
	for _, typ := range []string{"get", "set"} {
		if _, err := stranger(st, s, ask(typ, "", "<username>dan</username><password>x</password>")); !errors.Is(err, want) {
			t.Errorf("%s while closed: %v", typ, err)
		}
	}
	s.SetOpen(true)
	for _, c := range []struct {
		name, ask, inner string
		err              error
	}{
		{"form", ask("get", "field.net", ""), "<query xmlns='jabber:iq:register'><instructions>Choose a user name and a password.</instructions><username/><password/></query>", nil},
		{"make", ask("set", "", "<username>Dan</username><password>x</password>"), "", nil},
		{"taken", ask("set", "", "<username>dan</username><password>y</password>"), "", &stanza.Err{Condition: stanza.Conflict, Type: "cancel"}},
		{"incomplete", ask("set", "", "<username>eve</username>"), "", &stanza.Err{Condition: stanza.NotAcceptable, Type: "modify"}},
		{"bad name", ask("set", "", "<username>a@b</username><password>y</password>"), "", &stanza.Err{Condition: stanza.JIDMalformed, Type: "modify"}},
		{"bad password", ask("set", "", "<username>eve</username><password>bad</password>"), "", &stanza.Err{Condition: stanza.NotAcceptable, Type: "modify"}},
		{"remove", ask("set", "", "<remove/>"), "", &stanza.Err{Condition: stanza.UnexpectedRequest, Type: "wait"}},
		{"other domain", ask("get", "two.net", ""), "", &stanza.Err{Condition: stanza.ItemNotFound, Type: "cancel"}},
		{"other payload", "<iq type='set' id='1'><ping xmlns='urn:xmpp:ping'/></iq>", "", &stanza.Err{Condition: stanza.BadRequest, Type: "modify"}},
	} {
		inner, err := stranger(st, s, c.ask)
		if inner != c.inner || c.err == nil && err != nil || c.err != nil && !errors.Is(err, c.err) {
			t.Errorf("%s: %q, %v; want %q, %v", c.name, inner, err, c.inner, c.err)
		}
	}
	if got := password(st, "dan@field.net"); got != "x" {
		t.Errorf("dan's password is %q", got)
	}
}

func TestNewAccountsAreThrottled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := servicetest.New(t)
		s := register.New(st.Host, register.Options{Derive: derive, Open: true, PerHour: 2})
		try := func(name string) error {
			_, err := stranger(st, s, ask("set", "", "<username>"+name+"</username><password>x</password>"))
			return err
		}
		for _, n := range []string{"u1", "u2"} {
			if err := try(n); err != nil {
				t.Fatal(err)
			}
		}
		if err := try("u3"); !errors.Is(err, &stanza.Err{Condition: stanza.ResourceConstraint, Type: "wait"}) {
			t.Errorf("third in the hour: %v", err)
		}
		time.Sleep(time.Hour + time.Second)
		if err := try("u3"); err != nil {
			t.Errorf("an hour later: %v", err)
		}
	})
}
