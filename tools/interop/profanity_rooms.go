package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"longwire/tools/rig/wire"
)

// profaneRooms is profanity in a room, with two partners who speak raw XML. Each step builds on the one before.
func profaneRooms(ctx context.Context, st *stage, home *place, tell func(string, error)) error {
	name := home.take()
	bob, err := newPartner(ctx, home, home.take())
	if err != nil {
		return err
	}
	defer bob.conn.Close()
	carol, err := newPartner(ctx, home, home.take())
	if err != nil {
		return err
	}
	defer carol.conn.Close()
	s, err := openProfanity(ctx, st, home, name)
	if err != nil {
		return err
	}
	defer s.Close()
	room := fmt.Sprintf("tavern%d@chat.%s", time.Now().UnixNano(), home.Domain)
	shows := func(line string, texts ...string) error {
		if line != "" {
			if err := s.Enter(ctx, line); err != nil {
				return err
			}
		}
		for _, t := range texts {
			if _, err := s.Until(ctx, t); err != nil {
				return err
			}
		}
		return nil
	}
	join := func(p *partner, nick string) error {
		if err := p.conn.WriteString(fmt.Sprintf("<presence to='%s/%s'><x xmlns='http://jabber.org/protocol/muc'/></presence>", room, nick)); err != nil {
			return err
		}
		got, err := p.until("<subject")
		if err == nil && wire.Attr(got, "type") != "groupchat" {
			err = fmt.Errorf("%s instead of the subject: %s", nick, got)
		}
		return err
	}
	say := func(p *partner, to, kind, text string) error {
		return p.conn.WriteString(fmt.Sprintf("<message to='%s' type='%s' id='%d'><body>%s</body></message>", to, kind, time.Now().UnixNano(), text))
	}
	for _, step := range []struct {
		name string
		do   func() error
	}{
		{"login", func() error {
			return s.Login(ctx, fmt.Sprintf("/connect %s@%s server %s port %d tls force", name, home.Domain, home.Host, home.Port), home.Password)
		}},
		{"create and configure by the form", func() error {
			if err := shows(fmt.Sprintf("/join %s nick Alice", room), "Room locked, requires configuration"); err != nil {
				return err
			}
			if err := shows("/room config", "Use '/form submit' to save changes."); err != nil {
				return err
			}
			// The room's name comes first.
			if err := shows(`/field1 "The Tavern"`, ": The Tavern"); err != nil {
				return err
			}
			return shows("/form submit", "Room configuration successful")
		}},
		{"who is there", func() error {
			if err := join(bob, "Bob"); err != nil {
				return err
			}
			if err := join(carol, "Carol"); err != nil {
				return err
			}
			return shows("/win 2", "  Bob", "  Carol") // in the panel
		}},
		{"talk", func() error {
			if err := shows("good evening all"); err != nil {
				return err
			}
			if _, err := bob.until("good evening all"); err != nil {
				return err
			}
			if err := say(bob, room, "groupchat", "evening Alice &amp; Carol"); err != nil {
				return err
			}
			return shows("", "Bob: evening Alice & Carol")
		}},
		{"subject", func() error {
			if err := shows("/subject set Happy hour", "Happy hour"); err != nil {
				return err
			}
			_, err := carol.until("Happy hour")
			return err
		}},
		{"private message", func() error {
			if err := say(bob, room+"/Alice", "chat", "psst"); err != nil {
				return err
			}
			if _, err := s.Until(ctx, "Bob"); err != nil {
				return err
			}
			if err := shows("/msg Bob what is it"); err != nil {
				return err
			}
			if _, err := bob.until("what is it"); err != nil {
				return err
			}
			return shows("", "psst")
		}},
		{"nick change", func() error {
			if err := shows("/win 2"); err != nil {
				return err
			}
			if err := shows("/nick Alicia", "  Alicia"); err != nil {
				return err
			}
			got, err := bob.until("303")
			if err == nil && !strings.Contains(string(got), "Alicia") {
				err = fmt.Errorf("without the new nick: %s", got)
			}
			return err
		}},
		{"invitation", func() error {
			other := home.take()
			dora, err := newPartner(ctx, home, other)
			if err != nil {
				return err
			}
			defer dora.conn.Close()
			if err := shows(fmt.Sprintf("/invite send %s@%s free beer", other, home.Domain)); err != nil {
				return err
			}
			got, err := dora.until(room)
			if err == nil && !strings.Contains(string(got), "free beer") {
				err = fmt.Errorf("without its reason: %s", got)
			}
			return err
		}},
		{"kick", func() error {
			if err := shows("/kick Bob too loud", "kicked"); err != nil {
				return err
			}
			got, err := bob.until("307")
			if err == nil && !strings.Contains(string(got), "too loud") {
				err = fmt.Errorf("without its reason: %s", got)
			}
			return err
		}},
		{"ban", func() error {
			if err := shows(fmt.Sprintf("/ban %s out", bare(carol.conn.JID)), "banned"); err != nil {
				return err
			}
			_, err := carol.until("301")
			return err
		}},
		{"affiliations", func() error {
			return shows("/affiliation list outcast", bare(carol.conn.JID))
		}},
		{"leave", func() error {
			if err := join(bob, "Bob"); err != nil {
				return err
			}
			if err := shows("/close"); err != nil {
				return err
			}
			_, err := bob.until("unavailable")
			return err
		}},
		{"discovery", func() error {
			return shows("/rooms service chat."+home.Domain, room)
		}},
		{"destroy", func() error {
			if err := shows(fmt.Sprintf("/join %s nick Alice", room), "Bob"); err != nil {
				return err
			}
			if err := shows("/room destroy"); err != nil {
				return err
			}
			_, err := bob.until("<destroy")
			return err
		}},
	} {
		err := step.do()
		tell(step.name, err)
		if err != nil {
			return nil
		}
	}
	return nil
}

func bare(jid string) string {
	b, _, _ := strings.Cut(jid, "/")
	return b
}
