package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/xml"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"mellium.im/sasl"
	"mellium.im/xmpp/blocklist"
	"mellium.im/xmpp/carbons"
	"mellium.im/xmpp/disco"
	"mellium.im/xmpp/jid"
	"mellium.im/xmpp/ping"
	"mellium.im/xmpp/roster"
	"mellium.im/xmpp/stanza"
	"mellium.im/xmpp/version"

	client "longwire/tools/rig/mellium"
)

// patience is how long anything may take.
const patience = 15 * time.Second

// mellium is the play of mellium.im/xmpp.
func mellium(ctx context.Context, st *stage, tell func(result)) error {
	home, far := st.Servers["headquarters"], st.Servers["field"]
	do := func(name string, check func(context.Context) error) {
		ctx, cancel := context.WithTimeout(ctx, 2*patience)
		defer cancel()
		r := result{Name: name, OK: true}
		if err := check(ctx); err != nil {
			r.OK, r.Detail = false, err.Error()
		}
		tell(r)
	}
	for _, direct := range []bool{false, true} {
		way := map[bool]string{false: "STARTTLS", true: "direct TLS"}[direct]
		for _, m := range []sasl.Mechanism{sasl.ScramSha1, sasl.ScramSha256, sasl.ScramSha1Plus, sasl.ScramSha256Plus} {
			for _, v := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
				if st.Reference && v == tls.VersionTLS13 && strings.HasSuffix(m.Name, "PLUS") {
					continue // the reference binds by tls-unique alone, which TLS 1.3 does not have
				}
				do(fmt.Sprintf("mellium %s, %s, %s", m.Name, way, tls.VersionName(v)), func(ctx context.Context) error {
					c, err := enter(ctx, home, home.take(), direct, v, client.Events{}, m)
					if err != nil {
						return err
					}
					return c.Close()
				})
			}
		}
		do("mellium refused for a wrong password, "+way, func(ctx context.Context) error {
			p := *home
			p.Password = "not this one"
			if _, err := enter(ctx, &p, home.take(), direct, tls.VersionTLS13, client.Events{}, sasl.ScramSha256); err == nil {
				return errors.New("logged in")
			}
			return nil
		})
	}
	for _, there := range []*place{home, far} {
		where := map[*place]string{home: "local", far: "across the link"}[there]
		do("mellium chat, "+where, func(ctx context.Context) error { return converse(ctx, home, there) })
	}
	do("mellium roster, ping, version, disco, carbons, blocking", func(ctx context.Context) error { return services(ctx, home) })
	melliumRooms(ctx, home, do)
	return nil
}

// enter logs a client in, sends presence, and does not trust strangers' certificates.
func enter(ctx context.Context, p *place, user string, direct bool, v uint16, events client.Events, m ...sasl.Mechanism) (*client.Client, error) {
	pem, err := os.ReadFile(p.Certificate)
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	address := p.address()
	if direct {
		address = p.directly()
	}
	c, err := client.Dial(ctx, client.Login{
		Address: address, JID: user + "@" + p.Domain, Password: p.Password, Direct: direct, Mechanisms: m,
		TLS: &tls.Config{RootCAs: roots, MinVersion: v, MaxVersion: v},
	}, events)
	if err != nil {
		return nil, err
	}
	return c, c.Available(ctx)
}

// converse has two clients talk with stream management on, and wants every line once, in order, and acked.
func converse(ctx context.Context, home, there *place) error {
	const lines = 50
	heard := [2]chan client.Message{make(chan client.Message, 2*lines), make(chan client.Message, 2*lines)}
	acked := [2]chan uint32{make(chan uint32, 4*lines), make(chan uint32, 4*lines)}
	var c [2]*client.Client
	places := [2]*place{home, there}
	names := [2]string{home.take(), there.take()}
	for i := range c {
		var err error
		c[i], err = enter(ctx, places[i], names[i], i == 0, tls.VersionTLS13, client.Events{
			Message:  func(m client.Message) { heard[i] <- m },
			Accepted: func(n uint32) { acked[i] <- n },
		})
		if err != nil {
			return err
		}
		defer c[i].Close()
		if err := c[i].EnableAcks(ctx); err != nil {
			return err
		}
	}
	body := func(i, k int) string { return fmt.Sprintf("line %d of %d <&> ✓", k, i) }
	for k := range lines {
		for i := range c {
			if _, err := c[i].Say(ctx, c[1-i].LocalAddr().String(), fmt.Sprint("m", k), body(i, k)); err != nil {
				return err
			}
		}
	}
	for i := range c {
		for k := range lines {
			select {
			case m := <-heard[i]:
				if m.Body != body(1-i, k) {
					return fmt.Errorf("line %d is %q from %s", k, m.Body, m.From)
				}
			case <-ctx.Done():
				return fmt.Errorf("waiting for line %d: %w", k, ctx.Err())
			}
		}
		for n := uint32(0); n != lines; {
			select {
			case n = <-acked[i]:
			case <-ctx.Done():
				return fmt.Errorf("%d of %d lines acked: %w", n, lines, ctx.Err())
			}
		}
	}
	return nil
}

// services asks the server for what a client asks.
func services(ctx context.Context, p *place) error {
	c, err := enter(ctx, p, p.take(), false, tls.VersionTLS13, client.Events{})
	if err != nil {
		return err
	}
	defer c.Close()
	server := jid.MustParse(p.Domain)
	friend := jid.MustParse("friend@" + p.Domain)
	if err := ping.Send(ctx, c.Session, server); err != nil {
		return fmt.Errorf("ping: %w", err)
	}
	if v, err := version.Get(ctx, c.Session, server); err != nil || v.Name == "" {
		return fmt.Errorf("version: %q: %w", v.Name, err)
	}
	info, err := disco.GetInfo(ctx, "", server, c.Session)
	if err != nil || len(info.Features) == 0 {
		return fmt.Errorf("disco: %d features: %w", len(info.Features), err)
	}
	if err := roster.Set(ctx, c.Session, roster.Item{JID: friend, Name: "Friend", Group: []string{"Friends"}}); err != nil {
		return fmt.Errorf("roster set: %w", err)
	}
	items := roster.Fetch(ctx, c.Session)
	found := false
	for items.Next() {
		found = found || items.Item().JID.Equal(friend) && items.Item().Name == "Friend"
	}
	if err := errors.Join(items.Err(), items.Close()); err != nil || !found {
		return fmt.Errorf("roster get: found %v: %w", found, err)
	}
	if err := carbons.Enable(ctx, c.Session); err != nil {
		return fmt.Errorf("carbons: %w", err)
	}
	if err := blocklist.Add(ctx, c.Session, friend); err != nil {
		return fmt.Errorf("block: %w", err)
	}
	blocked := blocklist.Fetch(ctx, c.Session)
	found = false
	for blocked.Next() {
		found = found || blocked.JID().Equal(friend)
	}
	if err := errors.Join(blocked.Err(), blocked.Close()); err != nil || !found {
		return fmt.Errorf("block list: found %v: %w", found, err)
	}
	// What the server does not know must come back as service-unavailable.
	reply, err := c.Session.SendIQElement(ctx, nil, stanza.IQ{Type: stanza.GetIQ, To: server})
	if err != nil {
		return fmt.Errorf("an empty question: %w", err)
	}
	defer reply.Close()
	tok, err := reply.Token()
	if err != nil {
		return fmt.Errorf("an empty question: %w", err)
	}
	if start, ok := tok.(xml.StartElement); ok {
		for _, a := range start.Attr {
			if a.Name.Local == "type" && a.Value == "error" {
				return nil
			}
		}
	}
	return fmt.Errorf("an empty question was answered with %v", tok)
}
