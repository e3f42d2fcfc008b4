package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"time"

	client "longwire/tools/rig/mellium"
)

// A person is somebody with an XMPP client, outside of any kit.
type person struct {
	jid, password string
	address       string // of the kit, STARTTLS
	tls           *tls.Config

	c     *client.Client
	heard chan client.Message
	taken chan uint32 // how many of the stanzas said with sayTaken the node has taken
	acks  bool        // stream management is on
}

// enter logs in.
func (p *person) enter(ctx context.Context) error {
	p.acks = false
	p.heard, p.taken = make(chan client.Message, 64), make(chan uint32, 64)
	var err error
	p.c, err = client.Dial(ctx, client.Login{Address: p.address, JID: p.jid, Password: p.password, TLS: p.tls},
		client.Events{Message: p.hear, Accepted: func(n uint32) {
			select {
			case p.taken <- n:
			default:
			}
		}})
	if err != nil {
		return err
	}
	return p.c.Available(ctx)
}

func (p *person) hear(m client.Message) {
	if m.Body == "" {
		return
	}
	select {
	case p.heard <- m:
	default: // far more than any play sends
	}
}

// leave logs out, as far as the kit is there.
func (p *person) leave() {
	if p.c != nil {
		p.c.Close()
		p.c = nil
	}
}

// enterWithin tries to log in until it works: a kit that has just turned green may still be starting.
func (p *person) enterWithin(ctx context.Context, d time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	for {
		try, stop := context.WithTimeout(ctx, 20*time.Second)
		err := p.enter(try)
		stop()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s cannot log in: %w", p.jid, err)
		case <-time.After(500 * time.Millisecond):
		}
	}
}

// say sends a line.
func (p *person) say(ctx context.Context, to *person, body string) error {
	_, err := p.c.Say(ctx, to.jid, body, body)
	return err
}

// sayTaken sends a line and waits until the node has taken responsibility for it.
func (p *person) sayTaken(ctx context.Context, to, body string) error {
	if !p.acks {
		if err := p.c.EnableAcks(ctx); err != nil {
			return err
		}
		p.acks = true
	}
	n, err := p.c.Say(ctx, to, body, body)
	if err != nil {
		return err
	}
	for {
		select {
		case <-ctx.Done():
			return fmt.Errorf("%q was not taken: %w", body, ctx.Err())
		case have := <-p.taken:
			if have >= n {
				return nil
			}
		}
	}
}

// hears waits for that line, which must come exactly as it was said; earlier ones may come before it.
func (p *person) hears(ctx context.Context, body string, within time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	for {
		select {
		case m := <-p.heard:
			if m.Body == body {
				return nil
			}
		case <-ctx.Done():
			return fmt.Errorf("%s did not hear %q within %s", p.jid, body, within)
		}
	}
}

// converse has two people say one line each, the second as an answer to the first.
func converse(ctx context.Context, a, b *person, what string, within time.Duration) error {
	for i, pair := range [][2]*person{{a, b}, {b, a}} {
		body := fmt.Sprintf("%s, line %d of %s", what, i+1, pair[0].jid)
		if err := pair[0].say(ctx, pair[1], body); err != nil {
			return err
		}
		if err := pair[1].hears(ctx, body, within); err != nil {
			return err
		}
	}
	return nil
}
