package fold

import (
	"time"

	"longwire/xmpp/stanza"
)

// presence applies the presence mode, and the rules to what passes.
func (f *Folder) presence(now time.Time, s *stanza.Stanza) Result {
	mode := f.p.Presence
	none := mode == PresenceAll || f.silent
	switch s.Type {
	case "", stanza.Unavailable:
	case stanza.Probe:
		// Choice: where presence crosses, so must the question for it: the far node may have forgotten the answer.
		if none {
			return dropped(s, NoProbe)
		}
		return f.strip(now, s, nil)
	case stanza.Subscribe, stanza.Subscribed, stanza.Unsubscribe, stanza.Unsubscribed:
		if f.silent || none && f.p.NoSubscriptions {
			return f.noSubscription(s)
		}
		return f.strip(now, s, nil)
	default:
		if none {
			return dropped(s, NotPassed) // RFC 6121 §4.7.1 knows no such type
		}
		return f.strip(now, s, nil)
	}
	if none {
		return f.mostlyNone(now, s)
	}
	if f.roomly(s) || mode == PresenceMatched {
		return f.strip(now, s, nil)
	}
	if mode == PresenceMinimal {
		return f.strip(now, s, shown)
	}
	r := f.strip(now, s, nil)
	r.Hold = f.p.Window
	return r
}

// noSubscription ends a subscription here. Who asks for one waits for an answer; the other kinds have none.
func (f *Folder) noSubscription(s *stanza.Stanza) Result {
	if s.Type == stanza.Subscribe {
		return refused(s, NoSubscribing, stanza.ServiceUnavailable, "subscriptions do not cross this link")
	}
	return dropped(s, NoSubscribing)
}

// mostlyNone is for the modes in which presence does not pass. Choice: signed or labelled presence is presence, and goes
// with the rest; what of it is protected is never taken out of a presence that passes.
func (f *Folder) mostlyNone(now time.Time, s *stanza.Stanza) Result {
	switch {
	case f.rooms[s.To.Domain()] || f.rooms[s.From.Domain()]:
	case s.Type == "" && s.Has(nsMUC, "x"):
		// One enters a room by presence (XEP-0045 §7.2); whoever cannot is told so at once, or his client waits for ever.
		return refused(s, NoRoom, stanza.ServiceUnavailable, noEntry)
	case !inRoom(s):
		return dropped(s, NotPassed)
	}
	// Choice: what a room of ours says to somebody who is in it already passes, or he would never learn that
	// he is not any more.
	return f.strip(now, s, nil)
}

// roomly tells whether a presence is about a room, so that none may be held back or left out.
func (f *Folder) roomly(s *stanza.Stanza) bool {
	return inRoom(s) || f.rooms[s.To.Domain()] || f.rooms[s.From.Domain()]
}

// inRoom tells whether a presence says of itself that it is about a room. XEP-0045 §7.2.1.
func inRoom(s *stanza.Stanza) bool {
	for i := range s.Children {
		if space := s.Children[i].Name.Space; space == nsMUC || space == nsMUCUser {
			return true
		}
	}
	return false
}

// shown are the children of which PresenceMinimal spares the peer the knowledge.
func shown(c stanza.Child) bool {
	if content(c.Name.Space) != "" {
		return false
	}
	return c.Name.Local == "show" || c.Name.Local == "status" || c.Name.Local == "priority"
}

// unsigned takes the status off the list of what is cut: it is what the signature of a presence signs. XEP-0027 §3.1.
func unsigned(spans []span) []span {
	rest := spans[:0]
	for _, c := range spans {
		if content(c.name.Space) != "" || c.name.Local != "status" {
			rest = append(rest, c)
		}
	}
	return rest
}

// PassesPresence tells whether any presence of people passes, apart from rooms and subscriptions.
func (f *Folder) PassesPresence() bool { return f.p.Presence != PresenceAll && !f.silent }

// RefuseEntry is the answer to who wants to enter a room here, from where the Folder's stanzas go: he could be let in, but would never see who
// is there. nil: he may, or wants something else.
func (f *Folder) RefuseEntry(s *stanza.Stanza) *stanza.Err {
	if f.PassesPresence() || s.Kind != stanza.Presence || s.Type != "" || !s.Has(nsMUC, "x") || Federated(s) ||
		f.rooms[s.To.Domain()] || f.rooms[s.From.Domain()] {
		return nil
	}
	return stanza.Fail(stanza.ServiceUnavailable, noEntry)
}

const noEntry = "presence does not cross this link, so this room cannot be entered from here; use one that is federated"
