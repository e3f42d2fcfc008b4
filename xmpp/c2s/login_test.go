package c2s_test

import (
	"crypto/tls"
	"errors"
	"strings"
	"testing"

	"longwire/store"
	"longwire/xmpp/c2s"
	"longwire/xmpp/sasl"
)

// secure dials one of the two TLS doors and returns a client whose server's features were read, with its channel bindings.
func (r *rig) secure(direct bool, maxVersion uint16) (*client, string, []sasl.Binding) {
	r.tb.Helper()
	conf := &tls.Config{InsecureSkipVerify: true, ServerName: "field.net", MaxVersion: maxVersion}
	var cl *client
	if direct {
		conf.NextProtos = []string{"xmpp-client"} // XEP-0368 §2
		cl = dial(r.tb, r.tls)
	} else {
		cl = dial(r.tb, r.start)
		cl.send(header)
		cl.until("</stream:features>")
		cl.send("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")
		cl.until("<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")
	}
	t := tls.Client(cl.nc, conf)
	if err := t.Handshake(); err != nil {
		r.tb.Fatal(err)
	}
	cl.nc = t
	cs := t.ConnectionState()
	cl.send(header)
	return cl, cl.until("</stream:features>"), sasl.Bindings(&cs, cs.PeerCertificates[0].Raw)
}

func auth(mech, data string) string {
	return "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='" + mech + "'>" + data + "</auth>"
}

func response(data string) string {
	return "<response xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>" + data + "</response>"
}

// between cuts out what stands between two texts.
func between(s, before, after string) string {
	_, s, _ = strings.Cut(s, before)
	s, _, _ = strings.Cut(s, after)
	return s
}

// exchange runs SCRAM up to the client's final message and returns that, and the client to check the server with.
func exchange(t *testing.T, cl *client, c sasl.ClientConfig) (*sasl.Client, string) {
	t.Helper()
	a, err := sasl.NewClient(c)
	if err != nil {
		t.Fatal(err)
	}
	cl.send(auth(c.Mechanism, sasl.Encode(a.Start())))
	challenge, err := sasl.Decode(between(cl.until("</challenge>"), "xmpp-sasl'>", "<"))
	if err != nil {
		t.Fatal(err)
	}
	final, err := a.Next(challenge)
	if err != nil {
		t.Fatal(err)
	}
	return a, sasl.Encode(final)
}

func TestEveryMechanismOverEveryKindOfTLS(t *testing.T) {
	r := newRig(t, func(c *c2s.Config) {
		c.DirectTLS = c.DirectTLS.Clone()
		c.DirectTLS.NextProtos = []string{"xmpp-client"}
	})
	for _, door := range []struct {
		name    string
		direct  bool
		version uint16
	}{{"STARTTLS 1.3", false, tls.VersionTLS13}, {"STARTTLS 1.2", false, tls.VersionTLS12}, {"direct TLS 1.3", true, tls.VersionTLS13}, {"direct TLS 1.2", true, tls.VersionTLS12}} {
		for _, mech := range []string{sasl.ScramSHA1, sasl.ScramSHA256, sasl.ScramSHA1Plus, sasl.ScramSHA256Plus} {
			types := []string{""}
			if strings.HasSuffix(mech, "-PLUS") {
				types = []string{sasl.TLSExporter, sasl.TLSServerEndPoint}
			}
			for _, typ := range types {
				t.Run(strings.Join([]string{door.name, mech, typ}, " "), func(t *testing.T) {
					cl, features, bindings := r.secure(door.direct, door.version)
					cl.tb = t
					if !strings.Contains(features, "<mechanism>"+mech+"</mechanism>") {
						t.Fatalf("not offered: %q", features)
					}
					conf := sasl.ClientConfig{Mechanism: mech, Username: "alice", Password: "secret"}
					for i, b := range bindings {
						if b.Type == typ {
							conf.Binding = &bindings[i]
						}
					}
					if typ != "" && !strings.Contains(features, "<channel-binding type='"+typ+"'/>") {
						t.Fatalf("%s not offered: %q", typ, features)
					}
					a, final := exchange(t, cl, conf)
					cl.send(response(final))
					got, err := sasl.Decode(between(cl.until("</success>"), "xmpp-sasl'>", "<"))
					if err != nil {
						t.Fatal(err)
					}
					if _, err := a.Next(got); err != nil || !a.Done() {
						t.Errorf("the server did not prove itself: %v", err)
					}
					cl.send(header)
					cl.until("<bind ")
				})
			}
		}
	}
}

func TestALPNOfAnotherProtocolIsRefused(t *testing.T) {
	r := newRig(t, func(c *c2s.Config) {
		c.DirectTLS = c.DirectTLS.Clone()
		c.DirectTLS.NextProtos = []string{"xmpp-client"}
	})
	cl := dial(t, r.tls)
	err := tls.Client(cl.nc, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2"}}).Handshake()
	if err == nil || !strings.Contains(err.Error(), "no application protocol") {
		t.Error(err)
	}
}

func TestReplayedSCRAM(t *testing.T) {
	r := newRig(t)
	conf := sasl.ClientConfig{Mechanism: sasl.ScramSHA256, Username: "alice", Password: "secret"}
	cl := dial(t, r.plain)
	cl.send(header)
	cl.until("</stream:features>")
	a, err := sasl.NewClient(conf)
	if err != nil {
		t.Fatal(err)
	}
	first := sasl.Encode(a.Start())
	cl.send(auth(conf.Mechanism, first))
	challenge, _ := sasl.Decode(between(cl.until("</challenge>"), "xmpp-sasl'>", "<"))
	final, err := a.Next(challenge)
	if err != nil {
		t.Fatal(err)
	}
	cl.send(response(sasl.Encode(final)))
	cl.until("</success>")

	t.Run("on another connection", func(t *testing.T) {
		thief := dial(t, r.plain)
		thief.send(header)
		thief.until("</stream:features>")
		thief.send(auth(conf.Mechanism, first))
		thief.until("</challenge>")
		thief.send(response(sasl.Encode(final))) // has the nonce of the other exchange
		thief.until("<failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><not-authorized/></failure>")
		thief.send(response(sasl.Encode(final)))
		thief.until("<malformed-request/>")
	})
	t.Run("with the binding of another connection", func(t *testing.T) {
		_, _, stolen := r.secure(false, 0)
		cl, _, _ := r.secure(false, 0)
		_, final := exchange(t, cl, sasl.ClientConfig{Mechanism: sasl.ScramSHA256Plus, Username: "alice", Password: "secret", Binding: &stolen[0]})
		cl.send(response(final))
		cl.until("<not-authorized/><text xml:lang='en'>channel-bindings-dont-match</text></failure>")
	})
	t.Run("downgraded to no binding", func(t *testing.T) {
		cl, _, own := r.secure(false, 0)
		a, err := sasl.NewClient(sasl.ClientConfig{Mechanism: sasl.ScramSHA256, Username: "alice", Password: "secret", Binding: &own[0]})
		if err != nil {
			t.Fatal(err)
		}
		cl.send(auth(sasl.ScramSHA256, sasl.Encode(a.Start()))) // says "y": the server offered no -PLUS
		cl.until("<not-authorized/><text xml:lang='en'>server-does-support-channel-binding</text></failure>")
	})
}

// wrong tries a wrong password once and returns the condition of the failure.
func (r *rig) wrong(user string) string {
	r.tb.Helper()
	return r.try(user, "wrong")
}

func (r *rig) try(user, password string) string {
	r.tb.Helper()
	cl := dial(r.tb, r.plain)
	defer cl.nc.Close()
	cl.send(header)
	cl.until("</stream:features>")
	cl.send(auth("PLAIN", sasl.Encode([]byte("\x00"+user+"\x00"+password))))
	got := cl.until("</")
	if strings.Contains(got, "<success") {
		return "success"
	}
	return between(got, "xmpp-sasl'><", "/>")
}

func TestAddressThatFailsTooOftenWaits(t *testing.T) {
	r := newRig(t, func(c *c2s.Config) { c.FailuresPerMinute = 3 })
	for _, user := range []string{"alice", "bob", "mallory"} {
		if got := r.wrong(user); got != "not-authorized" {
			t.Errorf("%s: %s", user, got)
		}
	}
	for range 2 { // a minute may begin in between
		if got := r.try("alice", "secret"); got == "temporary-auth-failure" {
			return
		}
		for range 3 {
			r.wrong("mallory")
		}
	}
	t.Error("the address was not held up")
}

func TestStrangersCannotLockAUserOut(t *testing.T) {
	c2s.AtOneMinute(t, func(th *c2s.Throttle) {
		th.SetMax(3)
		th.Succeeded("alice@field.net", "10.0.0.1")
		for i := range 15 {
			addr := "192.0.2." + string(rune('a'+i))
			if th.AddressMustWait(addr) || th.MustWait("alice@field.net", addr) {
				t.Fatalf("held up at failure %d", i)
			}
			th.Failed("alice@field.net", addr)
		}
		if !th.MustWait("alice@field.net", "192.0.2.200") {
			t.Error("many addresses may guess together")
		}
		if th.MustWait("alice@field.net", "10.0.0.1") {
			t.Error("the user is locked out where he always logs in")
		}
		if th.MustWait("bob@field.net", "192.0.2.200") {
			t.Error("another account pays for it")
		}
	})
}

func TestAddressesOfOneNetworkCountTogether(t *testing.T) {
	for _, c := range []struct{ addr, want string }{
		{"192.0.2.7:5222", "192.0.2.7"},
		{"[::ffff:192.0.2.7]:5222", "192.0.2.7"},
		{"[2001:db8:1:2:3:4:5:6]:5222", "2001:db8:1:2::/64"},
		{"[fe80::1%eth0]:5222", "fe80::1%eth0"},
		{"[::1]:5222", "::1"},
		{"@", "@"},
	} {
		if got := c2s.HostOf(c.addr); got != c.want {
			t.Errorf("%s: %s, want %s", c.addr, got, c.want)
		}
	}
}

func TestAccountRemovedBetweenLoginAndBinding(t *testing.T) {
	r := newRig(t)
	for _, c := range []struct {
		name   string
		change func(tx *store.Tx) error
	}{
		{"disabled", func(tx *store.Tx) error {
			a, err := tx.Account("alice@field.net")
			a.Disabled = true
			return errors.Join(err, tx.PutAccount(a))
		}},
		{"removed", func(tx *store.Tx) error { return tx.DeleteAccount("alice@field.net") }},
	} {
		var cl *client
		if c.name == "disabled" {
			cl = r.authenticated("alice")
		} else {
			if err := r.db.Update(func(tx *store.Tx) error {
				a, err := tx.Account("alice@field.net")
				a.Disabled = false
				return errors.Join(err, tx.PutAccount(a))
			}); err != nil {
				t.Fatal(err)
			}
			cl = r.authenticated("alice")
		}
		if err := r.db.Update(c.change); err != nil {
			t.Fatal(err)
		}
		cl.send("<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>")
		if got := cl.closed(); !strings.Contains(got, "<not-authorized ") {
			t.Errorf("%s: %q", c.name, got)
		}
		r.eventually(func() bool { return len(r.host.Resources(jidOf(t, "alice@field.net"))) == 0 })
	}
}
