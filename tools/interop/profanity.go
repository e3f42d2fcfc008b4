package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"longwire/tools/rig/foreign"
	"longwire/tools/rig/wire"
)

// profanity is the play of profanity on a terminal, with a partner who speaks raw XML.
func profanity(ctx context.Context, st *stage, tell func(result)) error {
	home, far := st.Servers["headquarters"], st.Servers["field"]
	for i, way := range []string{"STARTTLS", "direct TLS"} {
		for _, there := range []*place{home, far} {
			where := map[*place]string{home: "local", far: "across the link"}[there]
			prefix := fmt.Sprintf("profanity, %s: ", way)
			suffix := ", " + where
			if err := profane(ctx, st, home, there, i == 1, func(name string, err error) {
				r := result{Name: prefix + name + suffix, OK: err == nil}
				if err != nil {
					r.Detail = err.Error()
				}
				tell(r)
			}); err != nil {
				return err
			}
		}
	}
	return profaneRooms(ctx, st, home, func(name string, err error) {
		r := result{Name: "profanity, rooms: " + name, OK: err == nil}
		if err != nil {
			r.Detail = err.Error()
		}
		tell(r)
	})
}

// profane runs one profanity through login, chat, roster and subscription. Each step builds on the one before.
func profane(ctx context.Context, st *stage, home, there *place, direct bool, tell func(string, error)) error {
	name, other := home.take(), there.take()
	partner, err := newPartner(ctx, there, other)
	if err != nil {
		return err
	}
	defer partner.conn.Close()
	s, err := openProfanity(ctx, st, home, name)
	if err != nil {
		return err
	}
	defer s.Close()
	port, tls := home.Port, "force"
	if direct {
		port, tls = home.Direct, "legacy"
	}
	steps := []struct {
		name string
		do   func() error
	}{
		{"login", func() error {
			connect := fmt.Sprintf("/connect %s@%s server %s port %d tls %s", name, home.Domain, home.Host, port, tls)
			return s.Login(ctx, connect, home.Password)
		}},
		{"messages both ways", func() error {
			if err := s.Enter(ctx, fmt.Sprintf("/msg %s@%s how copy over there", other, there.Domain)); err != nil {
				return err
			}
			got, err := partner.until("how copy over there")
			if err != nil {
				return err
			}
			if err := partner.conn.WriteString(fmt.Sprintf("<message to='%s' type='chat' id='p1'><body>loud and clear</body></message>", wire.Attr(got, "from"))); err != nil {
				return err
			}
			_, err = s.Until(ctx, "loud and clear")
			return err
		}},
		{"roster and subscription", func() error {
			if err := s.Enter(ctx, "/win 1"); err != nil { // whose panel shows the roster
				return err
			}
			if err := s.Enter(ctx, fmt.Sprintf("/roster add %s@%s Buddy", other, there.Domain)); err != nil {
				return err
			}
			if _, err := s.Until(ctx, "Roster item added", "Buddy"); err != nil {
				return err
			}
			if err := s.Enter(ctx, fmt.Sprintf("/sub request %s@%s", other, there.Domain)); err != nil {
				return err
			}
			if _, err := partner.until("subscribe"); err != nil {
				return err
			}
			if err := partner.conn.WriteString(fmt.Sprintf("<presence to='%s@%s' type='subscribed'/>", name, home.Domain)); err != nil {
				return err
			}
			_, err := s.Until(ctx, "++ Buddy (partner) is online")
			return err
		}},
		{"what was said before, from the archive", func() error {
			fresh, err := openProfanity(ctx, st, home, name)
			if err != nil {
				return err
			}
			defer fresh.Close()
			connect := fmt.Sprintf("/connect %s@%s server %s port %d tls %s", name, home.Domain, home.Host, port, tls)
			if err := errors.Join(fresh.Enter(ctx, "/mam on"), fresh.Login(ctx, connect, home.Password)); err != nil {
				return err
			}
			time.Sleep(2 * time.Second) // it asks once, and not before it has found out that there is an archive
			if err := fresh.Enter(ctx, fmt.Sprintf("/msg %s@%s", other, there.Domain)); err != nil {
				return err
			}
			_, err = fresh.Until(ctx, "loud and clear")
			return err
		}},
	}
	for _, step := range steps {
		err := step.do()
		tell(step.name, err)
		if err != nil {
			return nil
		}
	}
	return nil
}

// openProfanity runs it for the first time on a machine.
func openProfanity(ctx context.Context, st *stage, home *place, name string) (*foreign.Profanity, error) {
	return foreign.OpenProfanity(ctx, st.dir, name, home.Certificate)
}

// A partner is the other side of a conversation.
type partner struct {
	conn *wire.Conn
	got  chan []byte
}

func newPartner(ctx context.Context, p *place, name string) (*partner, error) {
	c, err := wire.Dial(ctx, wire.Login{Address: p.address(), Domain: p.Domain, User: name, Password: p.Password, Mode: wire.StartTLS, Mechanism: "SCRAM-SHA-256"})
	if err != nil {
		return nil, err
	}
	if err := c.Bind("partner"); err != nil {
		return nil, err
	}
	if err := c.WriteString("<iq type='get' id='r'><query xmlns='jabber:iq:roster'/></iq><presence/>"); err != nil {
		return nil, err
	}
	pt := &partner{conn: c, got: make(chan []byte, 1000)}
	go func() {
		defer close(pt.got)
		for {
			e, err := c.Next()
			if err != nil {
				return
			}
			pt.got <- append([]byte(nil), e.Raw...)
		}
	}()
	return pt, nil
}

// until waits for a stanza with the text in it.
func (p *partner) until(text string) ([]byte, error) {
	limit := time.After(patience)
	for {
		select {
		case raw, ok := <-p.got:
			if !ok {
				return nil, errors.New("interop: the partner's stream ended")
			}
			if strings.Contains(string(raw), text) {
				return raw, nil
			}
		case <-limit:
			return nil, fmt.Errorf("interop: the partner waited for %q", text)
		}
	}
}
