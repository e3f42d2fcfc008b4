package muc

import "longwire/xmpp/stanza"

// servePing answers pings to rooms and to the service. XEP-0199 §4.
func (s *Service) servePing() {
	pong := func(q *request) error { return s.reply(q, nil) }
	s.handleIQ(toService, nsPing, "ping", false, pong)
	s.handleIQ(toRoom, nsPing, "ping", false, pong)
}

// isPing tells whether a request is a ping.
func isPing(st *stanza.Stanza) bool { return st.Type == stanza.Get && st.Has(nsPing, "ping") }
