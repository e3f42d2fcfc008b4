package fold

import "slices"

// strip and keep are the usual rules of presets.
func strip(number int, s Scope, space string, names ...string) Rule {
	return Rule{Number: number, Names: names, Space: space, Scope: s}
}

func keep(number int, s Scope, space string, names ...string) Rule {
	return Rule{Number: number, Names: names, Space: space, Scope: s, Action: Keep}
}

func (r Rule) with(a Action) Rule { r.Action = a; return r }

func (r Rule) when(c Condition) Rule { r.If = c; return r }

// usual are the rules for a constrained peer. Those that differ between classes of links are for SatCom.
func usual() []Rule {
	return []Rule{
		strip(1, Messages, nsStates, "active", "composing", "paused", "inactive", "gone"),  // XEP-0085
		strip(2, Messages, nsXHTML, "html"),                                                // XEP-0071
		strip(3, Messages, "jabber:x:event", "x"),                                          // XEP-0022
		strip(4, Messages, nsMarkers, "markable", "displayed", "received", "acknowledged"), // XEP-0333
		keep(5, Messages, nsReceipts, "request", "received"),                               // XEP-0184
		strip(6, Messages, nsSID, "origin-id", "stanza-id", "referenced-stanza"),           // XEP-0359
		keep(7, Messages, nsHints, "store"),
		strip(7, Messages, nsHints, "no-store", "no-copy", "no-permanent-store"), // XEP-0334
		strip(8, Both, nsOccID, "occupant-id"),                                   // XEP-0421
		strip(9, Both, nsDelay, "delay").when(UnlessLate),                        // XEP-0203
		strip(9, Both, nsDelayX, "x").when(UnlessLate),                           // XEP-0091
		strip(10, Messages, "", "thread").when(UnlessReply),
		strip(11, Both, nsNick, "nick"),                              // XEP-0172
		strip(12, Presences, "http://jabber.org/protocol/caps", "c"), // XEP-0115
		strip(13, Presences, "vcard-temp:x:update", "x"),             // XEP-0153
		strip(14, Presences, "urn:xmpp:idle:1", "idle"),              // XEP-0319
		strip(14, Presences, "jabber:iq:last", "query"),              // XEP-0012
		keep(15, Both, nsSigned, "x"),
		keep(15, Both, "jabber:x:encrypted", "x"),
		keep(16, Messages, "urn:xmpp:omemo:2", "encrypted"),
		keep(16, Messages, "eu.siacs.conversations.axolotl", "encrypted"),
		keep(17, Messages, nsEME, "encryption"),
		events(),
		keep(19, Messages, nsReactions, "reactions"),
		strip(20, Presences, "", "priority"),
		strip(20, Presences, "", "status").when(OnlyIfEmpty),
		keep(21, Both, nsFMUC, Any),
		keep(22, Both, nsMUC, Any),
		keep(22, Both, nsMUCUser, Any),
		keep(23, Messages, nsCorrect, "replace"),
		keep(23, Messages, nsRetract, "retract"),
		keep(24, Messages, nsLabel, Any),
	}
}

// meaning are elements that stay where rule 25 strips the unknown: messages are nothing, or something else, without.
func meaning() []Rule {
	return []Rule{
		keep(26, Messages, "jabber:x:conference", "x"),                   // XEP-0249: invitations
		keep(26, Messages, "jabber:x:oob", "x"),                          // XEP-0066: links to files
		keep(26, Messages, nsReply, "reply"),                             // XEP-0461
		keep(26, Messages, "urn:xmpp:fallback:0", "fallback"),            // XEP-0428: what of the body is a quotation
		keep(26, Messages, "http://jabber.org/protocol/shim", "headers"), // XEP-0131: precedence
		keep(26, Messages, "http://jabber.org/protocol/amp", "amp"),      // XEP-0079: how long it is good
		keep(26, Messages, "http://jabber.org/protocol/geoloc", "geoloc"),
		keep(26, Messages, "urn:xmpp:attention:0", "attention"),
		keep(26, Messages, "jabber:x:data", "x"),                      // XEP-0004: forms, such as a room's request for voice
		keep(26, Messages, "urn:xmpp:fasten:0", "apply-to"),           // XEP-0422: retractions of older clients
		keep(26, Messages, "http://jabber.org/protocol/rosterx", "x"), // XEP-0144: contacts that are sent
		keep(26, Messages, nsForward, "forwarded"),
		keep(26, Messages, "urn:xmpp:mam:2", "result"),
	}
}

// replaced gives all rules of a number another action.
func replaced(rules []Rule, number int, a Action) {
	for i := range rules {
		if rules[i].Number == number {
			rules[i].Action = a
		}
	}
}

// PassEvents says whether what publish-subscribe services tell may cross. That is rule 18, which a policy that does not let it cross has
// whatever its mode.
func (p *Policy) PassEvents(pass bool) {
	i := slices.IndexFunc(p.Rules, func(r Rule) bool { return r.Number == events().Number })
	switch {
	case pass && i >= 0:
		p.Rules[i] = p.Rules[i].with(Keep)
	case !pass && i < 0:
		if p.Messages == MessagesOff {
			p.Messages, p.Rules = MessagesStrip, forPresence(p.Rules)
		}
		p.Rules = append(p.Rules, events())
	}
}

func events() Rule { return strip(18, Messages, nsEvent, "event").with(Drop) }

// forPresence is what of rules is not about messages.
func forPresence(rules []Rule) (out []Rule) {
	for _, r := range rules {
		switch r.Scope {
		case Messages:
			continue
		case Both:
			r.Scope = Presences
		}
		out = append(out, r)
	}
	return out
}

// Classes are the links that Preset knows, from the fastest to the slowest.
func Classes() []string { return []string{"satcom", "hf-2400", "hf-300", "hf-75"} }

// Lean is the name of the policy that keeps all that anybody says or is told: it takes out chat states, and what the far node makes again. It suits a link whose
// codec (links/codec) makes little of the rest, whatever its speed.
const Lean = "lean"

func lean() Policy {
	return Policy{Messages: MessagesStrip, Presence: PresenceCoalesce, Window: DefaultWindow, Lines: true, Rules: []Rule{
		strip(1, Messages, nsStates, "active", "composing", "paused", "inactive", "gone"),
		strip(6, Messages, nsSID, "stanza-id"), // XEP-0359 §5: it is the archive's, and each side has its own
		strip(7, Messages, nsHints, "store", "no-store", "no-copy", "no-permanent-store").when(OnlyInNotes),
		strip(8, Both, nsOccID, "occupant-id"),
	}}
}

// Preset is the usual policy for the way to a peer on a class of link; false when there is no such class. It is made of the
// same rules as any other, and is the caller's to change.
//
// The slower the link, the less passes:
//   - satcom: receipts and reactions; presence coalesced; what is unknown.
//   - hf-2400: no receipts, no reactions, no presence; what is unknown.
//   - hf-300: of what is unknown only what carries meaning: invitations, files, replies, places, precedence.
//   - hf-75: of replies the text alone.
//
// Beside the classes there is Lean, which is for no speed.
func Preset(class string) (Policy, bool) {
	if class == Lean {
		return lean(), true
	}
	speed := slices.Index(Classes(), class)
	if speed < 0 {
		return Policy{}, false
	}
	p := Policy{Messages: MessagesStrip, Presence: PresenceCoalesce, Window: DefaultWindow, Rules: usual()}
	if speed >= 1 {
		p.Presence = PresenceAll
		replaced(p.Rules, 5, Strip)
		replaced(p.Rules, 19, Drop)
	}
	if speed >= 3 {
		p.Rules = append(p.Rules, strip(26, Messages, nsReply, "reply"), strip(26, Messages, "urn:xmpp:fallback:0", "fallback"))
	}
	if speed >= 2 {
		p.Rules = append(p.Rules, meaning()...)
		p.Rules = append(p.Rules, strip(25, Messages, Any, Any))
	}
	return p, true
}
