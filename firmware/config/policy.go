package config

import (
	"fmt"
	"slices"
	"strings"

	"longwire/links/fold"
)

// Policy is what a Fold says for a class of links; "" is a good network. pubsub: what is published may cross. The error tells of a word that
// is none; whether the policy is wise, fold.Check tells.
func (f *Fold) Policy(class string, pubsub bool) (p fold.Policy, err error) {
	switch f.Preset {
	case FoldAuto:
	case FoldNone:
		class = ""
	default:
		class = f.Preset
	}
	var ok bool
	if p, ok = fold.Preset(class); !ok && class != "" {
		return p, fmt.Errorf("config: no class of links is called %q, only %q", class, fold.Classes())
	}
	own, err := f.rules()
	if err != nil {
		return p, err
	}
	if err := f.modes(&p, own); err != nil {
		return p, err
	}
	p.Rules = append(own, p.Rules...)
	if f.Window > 0 {
		p.Window = f.Window
	}
	p.Rooms, p.NoSubscriptions = f.Rooms, !f.Subscriptions
	p.Lines = p.Lines || f.ShortenIDs // the peer is of our kind
	p.PassEvents(pubsub)
	return p, nil
}

// modes sets those that the operator has set. Choice: rules of his for what the preset would let pass switch the mode on that applies them.
func (f *Fold) modes(p *fold.Policy, own []fold.Rule) error {
	messages := func(r fold.Rule) bool { return r.Scope != fold.Presences }
	presence := func(r fold.Rule) bool { return r.Scope != fold.Messages && r.Action != fold.Keep }
	switch {
	case f.Messages != "":
		if err := p.Messages.UnmarshalText([]byte(f.Messages)); err != nil {
			return err
		}
	case p.Messages == fold.MessagesOff && slices.ContainsFunc(own, messages):
		p.Messages = fold.MessagesStrip
	}
	switch {
	case f.Presence != "":
		if err := p.Presence.UnmarshalText([]byte(f.Presence)); err != nil {
			return err
		}
	case p.Presence == fold.PresenceOff && slices.ContainsFunc(own, presence):
		p.Presence = fold.PresenceMatched
	}
	if p.Presence == fold.PresenceMatched {
		// "With no rules" is about those that the operator has written.
		p.Rules = slices.DeleteFunc(p.Rules, func(r fold.Rule) bool { return r.Scope == fold.Presences && r.Action != fold.Keep })
		for i := range p.Rules {
			if r := &p.Rules[i]; presence(*r) {
				r.Scope = fold.Messages
			}
		}
	}
	return nil
}

// rules are the operator's own.
func (f *Fold) rules() (all []fold.Rule, err error) {
	for i, c := range f.Rules {
		r := fold.Rule{Names: c.Names, Space: c.Namespace, Deep: c.Deep}
		for _, w := range []struct {
			text string
			into interface{ UnmarshalText([]byte) error }
		}{{c.Scope, &r.Scope}, {c.Action, &r.Action}, {c.If, &r.If}} {
			if w.text == "" {
				continue
			}
			if err := w.into.UnmarshalText([]byte(w.text)); err != nil {
				return nil, fmt.Errorf("config: rule %d: %w", i+1, err)
			}
		}
		all = append(all, r)
	}
	return all, nil
}

// Federates tells whether a room that the file declares is one with rooms of the peer.
func (c *Config) Federates(p *Peer) bool {
	of := func(who string) bool {
		domain := who[strings.LastIndexByte(who, '@')+1:]
		return who == Everyone && len(p.Federation.Domains) > 0 || slices.Contains(p.Federation.Domains, domain)
	}
	return c.RoomService.Federation.Enabled && slices.ContainsFunc(c.Rooms, func(r Room) bool {
		return r.Federation.With != "" && of(r.Federation.With) || slices.ContainsFunc(r.Federation.Accept, of)
	})
}
