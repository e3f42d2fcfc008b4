package node_test

import (
	"fmt"
	"strings"
	"testing"

	"longwire/firmware/node"
	"longwire/store"
	"longwire/xmpp/sasl"
)

// declared is a configuration with users and their passwords, as "alice=secret".
func declared(users ...string) string {
	doc := quiet + "plaintext = [\"127.0.0.1:0\"]\n"
	for _, u := range users {
		name, password, _ := strings.Cut(u, "=")
		doc += "[[user]]\naddress = \"" + name + "\"\npassword = \"" + password + "\"\n"
	}
	return doc
}

func TestDeclaredAccountsFollowTheConfig(t *testing.T) {
	dir := t.TempDir()
	n, stop := launch(t, write(t, dir, declared("alice=secret", "bob=secret")))
	addr := func() string { return address(t, n, "clients in plaintext") }
	apply := func(users ...string) {
		t.Helper()
		if err := n.Reload(write(t, dir, declared(users...))); err != nil {
			t.Fatal(err)
		}
	}
	alice, bob := login(t, addr(), "alice", "field.net"), login(t, addr(), "bob", "field.net")

	// Another password: who is connected stays so, and only the new one opens.
	apply("alice=changed", "bob=secret")
	alice.send("<iq type='get' id='p' to='field.net'><ping xmlns='urn:xmpp:ping'/></iq>")
	alice.until("type='result' id='p'")
	if refused(t, addr(), "alice") == "" {
		t.Error("the old password still opens")
	}
	// Left out: cut off and shut out.
	apply("alice=secret")
	bob.until("</stream:stream>")
	if got := refused(t, addr(), "bob"); !strings.Contains(got, "<account-disabled/>") {
		t.Errorf("bob is told %q", got)
	}
	alice.send("<iq type='get' id='q' to='field.net'><ping xmlns='urn:xmpp:ping'/></iq>")
	alice.until("type='result' id='q'")
	stop()

	// A node that starts does the same.
	n, stop = launch(t, write(t, dir, declared("bob=secret")))
	login(t, addr(), "bob", "field.net")
	if got := refused(t, addr(), "alice"); !strings.Contains(got, "<account-disabled/>") {
		t.Errorf("alice is told %q", got)
	}
	stop()
}

// refused tries the password "secret" and returns the failure, "" if it opens.
func refused(t *testing.T, addr, user string) string {
	t.Helper()
	c := &chatter{tb: t, nc: dial(t, addr)}
	c.send("<stream:stream to='field.net' version='1.0' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>")
	c.until("</stream:features>")
	c.send("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>" + sasl.Encode([]byte("\x00"+user+"\x00secret")) + "</auth>")
	c.until(">")
	for strings.Count(c.got, "</failure>") == 0 && !strings.Contains(c.got, "<success") {
		b := make([]byte, 1000)
		k, err := c.nc.Read(b)
		if c.got += string(b[:k]); err != nil {
			break
		}
	}
	if strings.Contains(c.got, "<success") {
		return ""
	}
	return c.got
}

// A store that cannot take them keeps a reload from happening at all.
func TestReloadWhoseAccountsCannotBeMadeChangesNothing(t *testing.T) {
	dir := t.TempDir()
	n := start(t, write(t, dir, strings.Replace(declared(), "[clients]", "[store]\nmax_size = \"1MiB\"\n[clients]", 1)))
	old := n.Config()
	fill(t, n)
	err := n.Reload(write(t, dir, strings.Replace(declared("alice=secret"), "[clients]", "[store]\nmax_size = \"1MiB\"\n[clients]", 1)))
	if err == nil || !strings.Contains(err.Error(), "making the accounts that the config declares") || n.Config() != old {
		t.Errorf("got %v", err)
	}
}

// fill adds to the store until it takes no more, however small.
func fill(t *testing.T, n *node.Node) {
	t.Helper()
	for _, size := range []int{16 << 10, 256, 1} {
		var err error
		for i := 0; err == nil && i < 10000; i++ {
			err = n.Store().Update(func(tx *store.Tx) error {
				return tx.PutBlob("filler@field.net", store.BlobBlock, fmt.Sprint(size, "/", i), make([]byte, size))
			})
		}
		if err == nil {
			t.Fatal("the store does not fill up")
		}
	}
}
