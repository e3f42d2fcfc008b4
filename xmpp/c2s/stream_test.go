package c2s_test

import (
	"crypto/tls"
	"strings"
	"testing"

	"longwire/xmpp/c2s"
	"longwire/xmpp/sasl"
)

func TestHeaderIsAnsweredBeforeAnyError(t *testing.T) {
	r := newRig(t)
	for _, c := range []struct{ name, send, want string }{
		{"unknown domain", strings.Replace(header, "field.net", "elsewhere.net", 1), "<host-unknown "},
		{"no version", strings.Replace(header, " version='1.0' xml:lang", " xml:lang", 1), "<unsupported-version "},
		{"old version", strings.Replace(header, "version='1.0' xml:lang", "version='0.9' xml:lang", 1), "<unsupported-version "},
		{"wrong default namespace", strings.Replace(header, "jabber:client", "jabber:server", 1), "<invalid-namespace "},
		{"wrong stream namespace", strings.Replace(header, "http://etherx", "http://nowhere", 1), "<invalid-namespace "},
		{"wrong prefix", strings.NewReplacer("stream:stream", "s:stream", "xmlns:stream", "xmlns:s").Replace(header), "<bad-namespace-prefix "},
		{"no XML at all", "GET / HTTP/1.1\r\n\r\n", "<not-well-formed "},
		{"DTD", "<?xml version='1.0'?><!DOCTYPE x []>" + header, "<restricted-xml "},
	} {
		t.Run(c.name, func(t *testing.T) {
			cl := dial(t, r.plain)
			cl.send(c.send)
			got := cl.closed()
			if !strings.HasPrefix(got, "<?xml version='1.0'?><stream:stream ") {
				t.Errorf("no stream header first: %q", got)
			}
			if !strings.Contains(got, "<stream:error>"+c.want) {
				t.Errorf("got %q, want %s", got, c.want)
			}
		})
	}
}

func TestTLSComesFirst(t *testing.T) {
	r := newRig(t)
	cl := dial(t, r.start)
	cl.send(header)
	got := cl.until("</stream:features>")
	if !strings.HasSuffix(got, "<stream:features><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'><required/></starttls></stream:features>") {
		t.Errorf("features without TLS: %q", got)
	}
	cl.send("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>AGFsaWNlAHNlY3JldA==</auth>")
	cl.until("<failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><encryption-required/></failure>")
	cl.send("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")
	cl.until("<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")
	cl.nc = tls.Client(cl.nc, &tls.Config{InsecureSkipVerify: true})
	cl.send(header)
	got = cl.until("</stream:features>")
	for _, want := range []string{"<mechanism>SCRAM-SHA-256-PLUS</mechanism><mechanism>SCRAM-SHA-1-PLUS</mechanism>",
		"<mechanism>PLAIN</mechanism>", "<channel-binding type='tls-exporter'/>", "<max-bytes>10000</max-bytes>"} {
		if !strings.Contains(got, want) {
			t.Errorf("features under TLS: %q lacks %q", got, want)
		}
	}
}

func TestPlaintextBehindStartTLSIsAnInjection(t *testing.T) {
	r := newRig(t)
	cl := dial(t, r.start)
	cl.send(header)
	cl.until("</stream:features>")
	cl.send("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/><iq type='get' id='x'/>")
	cl.until("<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")
	if n, err := cl.nc.Read(make([]byte, 1)); n != 0 || err == nil {
		t.Error("the server went on")
	}
}

func TestBadInputOnABoundStream(t *testing.T) {
	r := newRig(t, func(c *c2s.Config) { c.MaxStanza = 20000 })
	for _, c := range []struct{ name, send, want string }{
		{"not well-formed", "<message><body></message>", "<not-well-formed "},
		{"comment", "<message><!-- hi --></message>", "<restricted-xml "},
		{"processing instruction", "<?php ?>", "<restricted-xml "},
		{"entity", "<message><body>&nbsp;</body></message>", "<restricted-xml "},
		{"oversize stanza", "<message to='bob@field.net'><body>" + strings.Repeat("x", 20001), "<policy-violation "},
		{"spoofed from", "<message from='bob@field.net/x' to='bob@field.net'><body/></message>", "<invalid-from "},
		{"malformed from", "<message from='@' to='bob@field.net'><body/></message>", "<invalid-from "},
		{"unknown element", "<letter xmlns='jabber:client'/>", "<unsupported-stanza-type "},
		{"bad UTF-8", "<message><body>\xff</body></message>", "<unsupported-encoding "},
	} {
		t.Run(c.name, func(t *testing.T) {
			cl := r.login("alice", "x")
			cl.send(c.send)
			if got := cl.closed(); !strings.Contains(got, "<stream:error>"+c.want) {
				t.Errorf("got %q, want %s", got, c.want)
			}
		})
	}
}

func TestStanzasThatAreRefused(t *testing.T) {
	r := newRig(t)
	cl := r.login("alice", "x")
	for _, c := range []struct{ name, send, want string }{
		{"second bind", "<iq type='set' id='1'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>",
			"<iq from='alice@field.net' to='alice@field.net/x' type='error' id='1'><error type='cancel'><not-allowed "},
		{"iq without id", "<iq type='get'><ping xmlns='urn:xmpp:ping'/></iq>", "type='error'><error type='modify'><bad-request "},
		{"iq of unknown type", "<iq type='put' id='2'><ping xmlns='urn:xmpp:ping'/></iq>", ""},
		{"iq with two children", "<iq type='get' id='3'><a xmlns='a'/><b xmlns='b'/></iq>", "id='3'><error type='modify'><bad-request "},
		{"nobody understands", "<iq type='get' id='4' to='field.net'><a xmlns='a'/></iq>",
			"<iq from='field.net' to='alice@field.net/x' type='error' id='4'><error type='cancel'><service-unavailable "},
		{"malformed to", "<message to='a@b@c' id='5'><body/></message>", "id='5'><error type='modify'><jid-malformed "},
		{"unknown domain", "<message to='a@nowhere.example' id='6'><body/></message>",
			"<message from='a@nowhere.example' to='alice@field.net/x' type='error' id='6'><error type='cancel'><remote-server-not-found "},
		{"unknown account", "<message to='nobody@field.net' id='7'><body>x</body></message>", "id='7'><error type='cancel'><service-unavailable "},
	} {
		cl.send(c.send)
		if c.want != "" {
			cl.until(c.want)
		}
	}
	cl.never("<stream:error>")
}

func TestStanzaBeforeAuthentication(t *testing.T) {
	r := newRig(t)
	cl := dial(t, r.plain)
	cl.send(header)
	cl.until("</stream:features>")
	cl.send("<message to='bob@field.net'><body>x</body></message>")
	if got := cl.closed(); !strings.Contains(got, "<not-authorized ") {
		t.Error(got)
	}
}

func TestStanzaBeforeBinding(t *testing.T) {
	r := newRig(t)
	cl := r.authenticated("alice")
	cl.send("<message to='bob@field.net'><body>x</body></message>")
	if got := cl.closed(); !strings.Contains(got, "<not-authorized ") {
		t.Error(got)
	}
}

func TestSASLFailures(t *testing.T) {
	r := newRig(t)
	auth := func(mech, data string) string {
		return "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='" + mech + "'>" + data + "</auth>"
	}
	for _, c := range []struct{ name, send, want string }{
		{"bad base64", auth("PLAIN", "%%%"), "<incorrect-encoding/>"},
		{"unknown mechanism", auth("DIGEST-MD5", "="), "<invalid-mechanism/>"},
		{"wrong password", auth("PLAIN", "AGFsaWNlAHdyb25n"), "<not-authorized/>"},
		{"unknown user", auth("PLAIN", "AG1hbGxvcnkAd3Jvbmc="), "<not-authorized/>"},
		{"other's authzid", auth("PLAIN", "Ym9iQGZpZWxkLm5ldABhbGljZQBzZWNyZXQ="), "<invalid-authzid/>"},
		{"response to nothing", "<response xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>=</response>", "<malformed-request/>"},
		{"abort", "<abort xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>", "<aborted/>"},
	} {
		t.Run(c.name, func(t *testing.T) {
			cl := dial(t, r.plain)
			cl.send(header)
			cl.until("</stream:features>")
			cl.send(c.send)
			cl.until("<failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>" + c.want)
		})
	}
	t.Run("three tries", func(t *testing.T) {
		cl := dial(t, r.plain)
		cl.send(header)
		for range 3 {
			cl.send(auth("PLAIN", "AGFsaWNlAHdyb25n"))
			cl.until("<not-authorized/>")
		}
		if got := cl.closed(); !strings.Contains(got, "<policy-violation ") {
			t.Error(got)
		}
	})
}

func TestSameResourceReplacesTheOlder(t *testing.T) {
	r := newRig(t)
	one := r.login("alice", "desk")
	two := r.login("alice", "desk")
	if got := one.closed(); !strings.Contains(got, "<conflict ") {
		t.Error(got)
	}
	two.never("<stream:error>")
}

func TestTooManyResources(t *testing.T) {
	r := newRig(t, func(c *c2s.Config) { c.StreamsPerAccount = 1 })
	r.login("alice", "one")
	cl := r.authenticated("alice")
	cl.send("<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>two</resource></bind></iq>")
	cl.until("type='error' id='b'><error type='wait'><resource-constraint ")
}

func TestBindingsThatDoNotFitAreNoTries(t *testing.T) {
	r := newRig(t)
	cl := dial(t, r.tls)
	cl.nc = tls.Client(cl.nc, &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS13})
	cl.send(header)
	cl.until("</stream:features>")
	auth := func(mech, first string) {
		cl.send("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='" + mech + "'>" + sasl.Encode([]byte(first)) + "</auth>")
	}
	for _, c := range []struct{ mech, first, want string }{
		{"SCRAM-SHA-256-PLUS", "p=tls-unique,,n=alice,r=abc", "<malformed-request/>"},
		{"SCRAM-SHA-1-PLUS", "p=tls-unique,,n=alice,r=abc", "<malformed-request/>"},
		{"SCRAM-SHA-256", "y,,n=alice,r=abc", "<not-authorized/>"},
		{"SCRAM-SHA-1", "y,,n=alice,r=abc", "<not-authorized/>"},
	} {
		auth(c.mech, c.first)
		cl.until("<failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>" + c.want)
	}
	auth("PLAIN", "\x00alice\x00secret")
	cl.until("<success ")
}

func TestHeaderIsAnsweredToTheAddressItCameFrom(t *testing.T) {
	r := newRig(t)
	for _, from := range []string{"alice@field.net", "alice@field.net/desk"} {
		cl := dial(t, r.tls)
		cl.nc = tls.Client(cl.nc, &tls.Config{InsecureSkipVerify: true})
		cl.send(strings.Replace(header, "<stream:stream ", "<stream:stream from='"+from+"' ", 1))
		if got := cl.until("</stream:features>"); !strings.Contains(got, " to='"+from+"'") {
			t.Errorf("from %s: %q", from, got)
		}
	}
}
