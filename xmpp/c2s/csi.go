package c2s

import (
	"longwire/xmpp/jid"
	"longwire/xmpp/stanza"
)

// NSCSI is client state indication.
const NSCSI = "urn:xmpp:csi:0"

// What waits for an inactive client at most.
const (
	maxHeld      = 200
	maxHeldBytes = 64 << 10
)

// inactive is what a client that nobody looks at does not need to hear yet. XEP-0352 §3: presence, of which only the
// newest of each sender counts, and chat states, which are worth nothing later.
type inactive struct {
	held   []item
	bytes  int
	latest map[jid.JID]int // sender to its place in held
}

// hold keeps an unimportant stanza back and reports whether it did; before an important one it lets go of the rest,
// so that the order holds. The caller has s.mu.
func (c *inactive) hold(s *Session, it item) bool {
	st := it.s
	switch {
	case st.Kind == stanza.Presence && (st.Type == "" || st.Type == stanza.Unavailable):
		if i, ok := c.latest[st.From]; ok {
			c.bytes += it.size() - c.held[i].size()
			c.held[i] = it
			return true
		}
		if len(c.held) < maxHeld && c.bytes+it.size() <= maxHeldBytes {
			c.latest[st.From] = len(c.held)
			c.held = append(c.held, it)
			c.bytes += it.size()
			return true
		}
	case st.Kind == stanza.Message && it.spool == 0 && onlyChatState(st):
		return true
	}
	c.letGo(s)
	return false
}

func (c *inactive) letGo(s *Session) {
	held := c.held
	c.held, c.bytes = nil, 0
	clear(c.latest)
	for _, it := range held {
		s.pushLocked(it)
	}
}

// release ends inactivity; it returns nil, what Session.csi is then. The caller has s.mu.
func (c *inactive) release(s *Session) *inactive {
	if c != nil {
		c.letGo(s)
	}
	return nil
}

// setActive follows <active/> and <inactive/>.
func (s *Session) setActive(active bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case active:
		s.csi = s.csi.release(s)
	case s.csi == nil:
		s.csi = &inactive{latest: make(map[jid.JID]int)}
	}
}

func onlyChatState(st *stanza.Stanza) bool {
	if len(st.Children) == 0 || st.IsError() {
		return false
	}
	for _, c := range st.Children {
		switch c.Name.Space {
		case "http://jabber.org/protocol/chatstates", "urn:xmpp:hints":
		case "":
			if c.Name.Local != "thread" {
				return false
			}
		default:
			return false
		}
	}
	return true
}
