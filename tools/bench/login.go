package main

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"longwire/tools/rig"
	"longwire/tools/rig/wire"
)

const password = "correct horse battery staple"

// users are the accounts of every measured server.
func users(domain string, n int) []rig.User {
	list := make([]rig.User, n)
	for i := range list {
		list[i] = rig.User{Name: fmt.Sprintf("u%04d", i), Domain: domain, Password: password}
	}
	return list
}

// logIn connects every account as an ordinary client does: one resource, initial presence, and stream management if asked for. Every
// reply that the login brings has been read when it returns.
func logIn(ctx context.Context, s rig.Server, accounts []rig.User, mode wire.Mode, sm bool) ([]*wire.Conn, error) {
	conns := make([]*wire.Conn, len(accounts))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(8)
	for i, u := range accounts {
		g.Go(func() error {
			c, err := logInOne(ctx, s, u, mode, sm)
			conns[i] = c
			return err
		})
	}
	if err := g.Wait(); err != nil {
		hangUp(conns)
		return nil, err
	}
	return conns, nil
}

func logInOne(ctx context.Context, s rig.Server, u rig.User, mode wire.Mode, sm bool) (*wire.Conn, error) {
	address := s.Address()
	if mode == wire.Direct {
		address = s.Direct()
	}
	c, err := wire.Dial(ctx, wire.Login{Address: address, Domain: u.Domain, User: u.Name, Password: u.Password, Mode: mode})
	if err != nil {
		return nil, err
	}
	if err := settle(c, sm); err != nil {
		c.Abort()
		return nil, fmt.Errorf("bench: %s at %s: %w", u.JID(), s.Name(), err)
	}
	return c, nil
}

func settle(c *wire.Conn, sm bool) error {
	if err := c.Bind("bench"); err != nil {
		return err
	}
	// What the presence brings precedes the answer to the ping, so that the count of stream management starts clean.
	err := c.WriteString("<presence/><iq type='get' id='settled' to='" + c.Login.Domain + "'><ping xmlns='urn:xmpp:ping'/></iq>")
	if err != nil {
		return err
	}
	c.SetReadDeadline(time.Now().Add(20 * time.Second))
	defer c.SetReadDeadline(time.Time{})
	for {
		e, err := c.Next()
		if err != nil {
			return err
		}
		if e.Name == "iq" && wire.Attr(e.Raw, "id") == "settled" {
			break
		}
	}
	if !sm {
		return nil
	}
	_, err = c.Enable(false)
	return err
}

func hangUp(conns []*wire.Conn) {
	for _, c := range conns {
		if c != nil {
			c.Close()
		}
	}
}
