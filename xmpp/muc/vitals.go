package muc

import (
	"time"

	"longwire/xmpp/markup"
)

// serveVitals answers what any entity may be asked.
func (s *Service) serveVitals() {
	s.handleIQ(toService, nsVersion, "query", false, s.tellVersion)
	s.handleIQ(toService, nsTime, "time", false, s.tellTime)
	s.handleIQ(toService, nsVCard, "vCard", false, s.serviceCard)
}

// tellVersion is XEP-0092.
func (s *Service) tellVersion(q *request) error {
	b := append([]byte(nil), "<query xmlns='"+nsVersion+"'><name>Longwire</name>"...)
	if v := s.options.Load().Version; v != "" {
		b = append(markup.AppendEscaped(append(b, "<version>"...), v), "</version>"...)
	}
	return s.reply(q, append(b, "</query>"...))
}

// tellTime is XEP-0202. No zone but UTC: where a kit stands is nobody's business.
func (s *Service) tellTime(q *request) error {
	b := append([]byte(nil), "<time xmlns='"+nsTime+"'><tzo>+00:00</tzo><utc>"...)
	b = time.Now().UTC().AppendFormat(b, "2006-01-02T15:04:05Z") // XEP-0202 §3, XEP-0082 §3.2
	return s.reply(q, append(b, "</utc></time>"...))
}

// serviceCard is XEP-0054 for the service itself: its name.
func (s *Service) serviceCard(q *request) error {
	b := append([]byte(nil), "<vCard xmlns='"+nsVCard+"'><FN>"...)
	return s.reply(q, append(markup.AppendEscaped(b, s.options.Load().Name), "</FN></vCard>"...))
}
