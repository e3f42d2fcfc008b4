package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"mellium.im/xmpp/bookmarks"
	"mellium.im/xmpp/disco"
	"mellium.im/xmpp/disco/items"
	"mellium.im/xmpp/history"
	"mellium.im/xmpp/jid"
	"mellium.im/xmpp/muc"
	"mellium.im/xmpp/stanza"

	client "longwire/tools/rig/mellium"
)

// A visitor is a mellium client in rooms, and what it has seen there.
type visitor struct {
	*client.Client
	mu        sync.Mutex
	messages  []client.Message
	presences []client.Presence
	invites   []muc.Invitation
}

// newVisitor logs in.
func newVisitor(ctx context.Context, p *place) (*visitor, error) {
	g := &visitor{}
	note := func(f func()) {
		g.mu.Lock()
		defer g.mu.Unlock()
		f()
	}
	c, err := enter(ctx, p, p.take(), true, tls.VersionTLS13, client.Events{
		Message:  func(m client.Message) { note(func() { g.messages = append(g.messages, m) }) },
		Presence: func(x client.Presence) { note(func() { g.presences = append(g.presences, x) }) },
		Invited:  func(i muc.Invitation) { note(func() { g.invites = append(g.invites, i) }) },
	})
	g.Client = c
	return g, err
}

// until waits until what the visitor has seen satisfies ok, which runs alone.
func (g *visitor) until(ctx context.Context, what string, ok func() bool) error {
	for {
		g.mu.Lock()
		met := ok()
		last := fmt.Sprintf("%d messages, %d presences, %d invitations", len(g.messages), len(g.presences), len(g.invites))
		g.mu.Unlock()
		if met {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s waited for %s: %w; it has seen %s", g.LocalAddr(), what, ctx.Err(), last)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// hears waits for a message.
func (g *visitor) hears(ctx context.Context, from, body string) error {
	return g.until(ctx, fmt.Sprintf("%q from %s", body, from), func() bool {
		return slices.ContainsFunc(g.messages, func(m client.Message) bool { return m.From.String() == from && m.Body == body })
	})
}

// sees waits for a presence.
func (g *visitor) sees(ctx context.Context, from string, kind stanza.PresenceType, ok func(client.Presence) bool) error {
	return g.until(ctx, fmt.Sprintf("presence %q of %s", kind, from), func() bool {
		return slices.ContainsFunc(g.presences, func(p client.Presence) bool {
			return p.From.String() == from && p.Type == kind && (ok == nil || ok(p))
		})
	})
}

// lounge is a room at the home server with three mellium clients: one made it, one joined, one was invited.
type lounge struct {
	room    string
	a, b, c *visitor
	ch      [3]*muc.Channel // theirs
}

// melliumRooms is what the library's rooms, archives and bookmarks do, each step on those before.
func melliumRooms(ctx context.Context, home *place, do func(string, func(context.Context) error)) {
	l := &lounge{room: fmt.Sprintf("lounge%d@chat.%s", time.Now().UnixNano(), home.Domain)}
	defer func() {
		for _, g := range []*visitor{l.a, l.b, l.c} {
			if g != nil && g.Client != nil {
				g.Close()
			}
		}
	}()
	broken := false
	for _, step := range []struct {
		name string
		do   func(context.Context) error
	}{
		{"discover, create, configure", func(ctx context.Context) error { return l.open(ctx, home) }},
		{"join, refused without the password", l.join},
		{"talk, subject, private message", l.talk},
		{"invitation", l.invite},
		{"nick change", l.rename},
		{"archive in pages", l.archive},
		{"ban", l.ban},
		{"leave", l.leave},
		{"bookmarks", l.bookmark},
	} {
		do("mellium rooms: "+step.name, func(ctx context.Context) error {
			if broken {
				return errors.New("what it builds on has failed")
			}
			err := step.do(ctx)
			broken = err != nil
			return err
		})
	}
}

func (l *lounge) open(ctx context.Context, home *place) (err error) {
	for _, g := range []**visitor{&l.a, &l.b, &l.c} {
		if *g, err = newVisitor(ctx, home); err != nil {
			return err
		}
	}
	server := jid.MustParse(home.Domain)
	found := false
	it := disco.FetchItems(ctx, items.Item{JID: server}, l.a.Session)
	for it.Next() {
		found = found || it.Item().JID.String() == "chat."+home.Domain
	}
	if err := errors.Join(it.Err(), it.Close()); err != nil || !found {
		return fmt.Errorf("the rooms' service among the server's items: %v: %w", found, err)
	}
	if l.ch[0], err = l.a.Join(ctx, l.room, "Alice"); err != nil {
		return err
	}
	if err := l.a.sees(ctx, l.room+"/Alice", "", func(p client.Presence) bool {
		return p.Has(110) && p.Has(201) && p.User.Item.Affiliation == muc.AffiliationOwner && p.User.Item.Role == muc.RoleModerator
	}); err != nil {
		return err
	}
	room := jid.MustParse(l.room)
	form, err := muc.GetConfig(ctx, room, l.a.Session)
	if err != nil {
		return fmt.Errorf("configuration: %w", err)
	}
	for name, value := range map[string]any{"roomname": "Lounge & bar", "roomsecret": "sesame", "passwordprotectedroom": true, "persistentroom": true} {
		if _, ok := form.Raw("muc#roomconfig_" + name); !ok && name == "passwordprotectedroom" {
			continue // the reference knows by the secret
		}
		if _, err := form.Set("muc#roomconfig_"+name, value); err != nil {
			return fmt.Errorf("configuration: %s: %w", name, err)
		}
	}
	if err := muc.SetConfig(ctx, room, form, l.a.Session); err != nil {
		return fmt.Errorf("configuration: %w", err)
	}
	info, err := disco.GetInfo(ctx, "", room, l.b.Session)
	if err != nil {
		return err
	}
	if len(info.Identity) != 1 || info.Identity[0].Name != "Lounge & bar" {
		return fmt.Errorf("the room's identity is %+v", info.Identity)
	}
	return nil
}

func (l *lounge) join(ctx context.Context) (err error) {
	if _, err := l.b.Join(ctx, l.room, "Bob"); !errors.Is(err, stanza.Error{Condition: stanza.NotAuthorized}) {
		return fmt.Errorf("without the password: %w", err)
	}
	if l.ch[1], err = l.b.Join(ctx, l.room, "Bob", muc.Password("sesame"), muc.MaxHistory(0)); err != nil {
		return err
	}
	return errors.Join(l.a.sees(ctx, l.room+"/Bob", "", nil), l.b.sees(ctx, l.room+"/Alice", "", nil))
}

func (l *lounge) talk(ctx context.Context) error {
	visitors := []*visitor{l.a, l.b}
	for i := range 30 {
		if err := visitors[i%2].SayIn(ctx, l.room, fmt.Sprint("l", i), fmt.Sprintf("line %d <&> ✓", i)); err != nil {
			return err
		}
		nick := []string{"Alice", "Bob"}[i%2]
		for _, g := range visitors {
			if err := g.hears(ctx, l.room+"/"+nick, fmt.Sprintf("line %d <&> ✓", i)); err != nil {
				return err
			}
		}
	}
	if err := l.ch[0].Subject(ctx, "Tonight: <jazz>"); err != nil {
		return err
	}
	if err := l.b.until(ctx, "the subject", func() bool {
		return slices.ContainsFunc(l.b.messages, func(m client.Message) bool { return m.Subject != nil && *m.Subject == "Tonight: <jazz>" })
	}); err != nil {
		return err
	}
	if err := l.b.SayIn(ctx, l.room+"/Alice", "pm", "between us"); err != nil {
		return err
	}
	return l.a.hears(ctx, l.room+"/Bob", "between us")
}

func (l *lounge) invite(ctx context.Context) (err error) {
	if err := l.ch[0].Invite(ctx, "join us", l.c.LocalAddr().Bare()); err != nil {
		return err
	}
	var i muc.Invitation
	if err := l.c.until(ctx, "the invitation", func() bool {
		if len(l.c.invites) > 0 {
			i = l.c.invites[0]
		}
		return len(l.c.invites) > 0
	}); err != nil {
		return err
	}
	if i.Reason != "join us" || i.Password != "sesame" {
		return fmt.Errorf("the invitation is %+v", i)
	}
	l.ch[2], err = l.c.Join(ctx, l.room, "Carol", muc.Password(i.Password))
	if err != nil {
		return err
	}
	// History, as much as the room gives.
	return l.c.hears(ctx, l.room+"/Bob", "line 29 <&> ✓")
}

func (l *lounge) rename(ctx context.Context) error {
	// The library's option for this asks for the old nick once more.
	if err := l.c.Rename(ctx, l.room, "Caroline"); err != nil {
		return err
	}
	return errors.Join(
		l.a.sees(ctx, l.room+"/Carol", stanza.UnavailablePresence, func(p client.Presence) bool { return p.Has(303) && p.User.Item.Nick == "Caroline" }),
		l.a.sees(ctx, l.room+"/Caroline", "", nil))
}

// archive reads the room's lines in pages of 12, forwards, and the last ones.
func (l *lounge) archive(ctx context.Context) error {
	page := func(q history.Query) (bodies []string, last history.Result, err error) {
		q.ID = fmt.Sprint("q", time.Now().UnixNano())
		last, err = history.Fetch(ctx, q, jid.MustParse(l.room), l.b.Session)
		l.b.mu.Lock()
		defer l.b.mu.Unlock()
		for _, m := range l.b.messages {
			if r := m.Result; r != nil && r.Query == q.ID && r.Forwarded.Message.Body != "" {
				bodies = append(bodies, r.Forwarded.Message.Body)
			}
		}
		return bodies, last, err
	}
	var all []string
	after := ""
	for range 5 {
		bodies, res, err := page(history.Query{Limit: 12, PageID: after})
		if err != nil {
			return err
		}
		all = append(all, bodies...)
		if after = res.Set.Last; res.Complete {
			break
		}
	}
	for i := range 30 {
		if want := fmt.Sprintf("line %d <&> ✓", i); len(all) != 30 || all[i] != want {
			return fmt.Errorf("%d lines, line %d should be %q: %q", len(all), i, want, all)
		}
	}
	// The subject may be an entry behind them.
	bodies, _, err := page(history.Query{Limit: 5, Last: true})
	if err != nil {
		return err
	}
	if len(bodies) < 4 || bodies[len(bodies)-1] != "line 29 <&> ✓" {
		return fmt.Errorf("the last page is %q", bodies)
	}
	return nil
}

func (l *lounge) ban(ctx context.Context) error {
	if err := l.ch[0].SetAffiliation(ctx, muc.AffiliationOutcast, l.c.LocalAddr().Bare(), "", "closing time"); err != nil {
		return err
	}
	gone := func(p client.Presence) bool { return p.Has(301) && p.User.Item.Reason == "closing time" }
	if err := errors.Join(l.c.sees(ctx, l.room+"/Caroline", stanza.UnavailablePresence, gone), l.b.sees(ctx, l.room+"/Caroline", stanza.UnavailablePresence, gone)); err != nil {
		return err
	}
	if _, err := l.c.Join(ctx, l.room, "Carol", muc.Password("sesame")); !errors.Is(err, stanza.Error{Condition: stanza.Forbidden}) {
		return fmt.Errorf("who is banned: %w", err)
	}
	return nil
}

func (l *lounge) leave(ctx context.Context) error {
	if err := l.ch[1].Leave(ctx, "good night"); err != nil {
		return err
	}
	return l.a.sees(ctx, l.room+"/Bob", stanza.UnavailablePresence, nil)
}

func (l *lounge) bookmark(ctx context.Context) error {
	room := jid.MustParse(l.room)
	if err := bookmarks.Publish(ctx, l.a.Session, bookmarks.Channel{JID: room, Autojoin: true, Name: "Lounge", Nick: "Alice"}); err != nil {
		return err
	}
	it := bookmarks.Fetch(ctx, l.a.Session)
	found := 0
	for it.Next() {
		if b := it.Bookmark(); b.JID.Equal(room) && b.Autojoin && b.Name == "Lounge" && b.Nick == "Alice" {
			found++
		}
	}
	if err := errors.Join(it.Err(), it.Close()); err != nil || found != 1 {
		return fmt.Errorf("found %d: %w", found, err)
	}
	return bookmarks.Delete(ctx, l.a.Session, room)
}
