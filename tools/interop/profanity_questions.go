package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"longwire/tools/rig/foreign"
)

// profaneQuestions lets two profanities see each other across the radio, and ask.
func profaneQuestions(ctx context.Context, f *federated, tell func(result)) error {
	said := func(name string, err error) {
		r := result{Name: "questions: profanity " + name, OK: err == nil}
		if err != nil {
			r.Detail = err.Error()
		}
		tell(r)
	}
	var screens [2]*foreign.Profanity
	var people [2]string
	for i, where := range []string{"headquarters", "field"} {
		p := f.Servers[where]
		name := p.take()
		s, err := openProfanity(ctx, f.stage, p, name)
		if err != nil {
			return err
		}
		defer s.Close()
		screens[i], people[i] = s, name+"@"+p.Domain
		if err := s.Login(ctx, fmt.Sprintf("/connect %s server %s port %d tls force", people[i], p.Host, p.Port), p.Password); err != nil {
			said("login", err)
			return nil
		}
	}
	for _, step := range []struct {
		name string
		do   func() error
	}{
		{"sees who subscribed to each other as the link is", func() error { return befriend(ctx, screens, people) }},
		{"gets an answer to each command at once", func() error { return command(ctx, screens[0], people[1]) }},
		{"opens a chat", func() error {
			if err := screens[0].Enter(ctx, "/msg "+people[1]+" how copy over there"); err != nil {
				return err
			}
			_, err := screens[1].Long(ctx, "<< chat message: "+people[0], "how copy over there")
			return err
		}},
		{"is told which room to enter", func() error {
			if err := errors.Join(screens[0].Enter(ctx, "/win 1"), screens[0].Enter(ctx, "/join "+f.Rooms["ops"]["field"])); err != nil {
				return err
			}
			_, err := screens[0].Until(ctx, "service-unavailable", f.Rooms["ops"]["headquarters"])
			return err
		}},
	} {
		err := step.do()
		said(step.name, err)
		if err != nil {
			return nil
		}
	}
	return nil
}

// befriend subscribes two people to each other.
func befriend(ctx context.Context, screens [2]*foreign.Profanity, people [2]string) error {
	for i, s := range screens {
		if err := errors.Join(s.Enter(ctx, "/win 1"), s.Enter(ctx, "/roster add "+people[1-i])); err != nil {
			return err
		}
		if err := s.Enter(ctx, "/sub request "+people[1-i]); err != nil {
			return err
		}
	}
	for i, s := range screens {
		if _, err := s.Long(ctx, "Received authorization request from "+people[1-i], "authorization request"); err != nil {
			return err
		}
		if err := s.Enter(ctx, "/sub allow "+people[1-i]); err != nil {
			return err
		}
	}
	for i, s := range screens {
		if _, err := s.Long(ctx, people[1-i]+" is online", "is online"); err != nil {
			return err
		}
		if _, err := s.Until(ctx, "reached by HF"); err != nil {
			return err
		}
	}
	return nil
}

// command types what asks a far entity something, and wants profanity to have said something about it a second later.
func command(ctx context.Context, s *foreign.Profanity, who string) error {
	domain := who[strings.IndexByte(who, '@')+1:]
	for _, c := range []struct{ line, want string }{
		{"/disco info " + domain, "server"},
		{"/disco items " + domain, "chat." + domain},
		{"/disco info " + who, "registered"},
		{"/lastactivity get " + who, "such questions to " + domain + " do not cross the link"},
		{"/rooms service chat." + domain, "ops@chat." + domain},
	} {
		if err := errors.Join(s.Enter(ctx, "/clear"), s.Enter(ctx, c.line)); err != nil {
			return err
		}
		begin := time.Now()
		if _, err := s.Until(ctx, c.want); err != nil {
			return fmt.Errorf("%s: %w", c.line, err)
		}
		if took := time.Since(begin); took > 2*time.Second { // the screen is read ten times a second
			return fmt.Errorf("interop: %s took %v", c.line, took)
		}
	}
	return nil
}
