package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"longwire/tools/rig/foreign"
	"longwire/tools/rig/screen"
)

// told is the play of people in the field who want to know what became of their messages to headquarters, over HF.
func told(ctx context.Context, st *stage, tell func(result)) error {
	f, err := newFederatedHF(ctx, st, filepath.Join(st.dir, "delivery"))
	if err != nil {
		return err
	}
	defer f.strike()
	field := f.nodes[1]
	field.Attendant = map[string]any{"enabled": true, "name": "node"}
	if err := field.WriteConfig(); err != nil {
		return err
	}
	if _, err := field.Command(ctx, "", "reload"); err != nil {
		return err
	}
	f.hand = func(ctx context.Context, what string) error {
		_, err := field.Command(ctx, "", "link", "emcon", field.HF[0].Name, what)
		return err
	}
	if err := perform(ctx, "delivery.py", 3, f.stage, tell); err != nil {
		return err
	}
	return profaneDelivery(ctx, f, tell)
}

// unticked is what profanity shows of a line for which no receipt has come: in red.
var unticked = regexp.MustCompile("\x1b\\[[0-9;]*31m")

// ticked waits until the screen shows a line as one with a receipt, or without.
func ticked(ctx context.Context, s *foreign.Profanity, text string, want bool) error {
	var line string
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(200 * time.Millisecond) {
		shown, err := s.Coloured(ctx)
		if err != nil {
			return err
		}
		for l := range strings.Lines(shown) {
			if strings.Contains(l, text) && !strings.Contains(l, "/msg") {
				if line = l; unticked.MatchString(l) != want {
					return nil
				}
			}
		}
	}
	shown, _ := s.Read(ctx)
	return fmt.Errorf("interop: %q is to be shown with a tick: %v; it is %q; the screen shows\n%s", text, want, line, screen.Squeeze(shown))
}

// profaneDelivery lets a profanity see its tick, and ask.
func profaneDelivery(ctx context.Context, f *federated, tell func(result)) error {
	p, far := f.Servers["field"], f.Servers["headquarters"]
	name, to := p.take(), far.Accounts[0]+"@"+far.Domain
	s, err := openProfanity(ctx, f.stage, p, name)
	if err != nil {
		return err
	}
	defer s.Close()
	node := "node@" + p.Domain
	answer := func(question string, texts ...string) error {
		if err := errors.Join(s.Enter(ctx, "/msg "+node), s.Enter(ctx, "/clear"), s.Enter(ctx, question)); err != nil {
			return err
		}
		for _, t := range texts {
			if _, err := s.Until(ctx, t); err != nil {
				return err
			}
		}
		return nil
	}
	const line = "the bridge is down"
	for _, step := range []struct {
		name string
		do   func() error
	}{
		{"login", func() error {
			return s.Login(ctx, fmt.Sprintf("/connect %s@%s server %s port %d tls force", name, p.Domain, p.Host, p.Port), p.Password)
		}},
		{"has no tick while the link is silent", func() error {
			return errors.Join(f.hand(ctx, "on"), s.Enter(ctx, "/receipts request on"), s.Enter(ctx, "/msg "+to+" "+line), ticked(ctx, s, line, false))
		}},
		{"is told by the node where it is", func() error { return answer("status", "number 1 in line") }},
		{"is told by the node why", func() error {
			shown, err := s.Read(ctx)
			if err != nil {
				return err
			}
			number := regexp.MustCompile(`(\d+) to ` + regexp.QuoteMeta(to)).FindStringSubmatch(shown)
			if number == nil {
				return fmt.Errorf("interop: the node gave no number; the screen shows\n%s", screen.Squeeze(shown))
			}
			return answer("why "+number[1], "Message "+number[1], "emission control")
		}},
		{"has its tick when the far node has it", func() error {
			return errors.Join(f.hand(ctx, "off"), s.Enter(ctx, "/msg "+to), ticked(ctx, s, line, true))
		}},
		{"is told that it is there", func() error { return answer("status", "at the other side's node since") }},
		{"has the node as a contact", func() error {
			if err := errors.Join(s.Enter(ctx, "/win 1"), s.Enter(ctx, "/roster add "+node), s.Enter(ctx, "/sub request "+node)); err != nil {
				return err
			}
			_, err := s.Until(ctx, node+" is online")
			return err
		}},
	} {
		r := result{Name: "delivery: profanity " + step.name, OK: true}
		if err := step.do(); err != nil {
			r.OK, r.Detail = false, err.Error()
		}
		tell(r)
		if !r.OK {
			return nil
		}
	}
	return nil
}
