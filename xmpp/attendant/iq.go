package attendant

import (
	"longwire/xmpp/disco"
	"longwire/xmpp/markup"
	"longwire/xmpp/router"
	"longwire/xmpp/stanza"
	"longwire/xmpp/vitals"
)

// nsReceipts is XEP-0184's.
const nsReceipts = "urn:xmpp:receipts"

// iq answers what clients ask of any contact.
func (a *Attendant) iq(t *router.Turn, s *stanza.Stanza) error {
	if !s.IsRequest() {
		return nil
	}
	var inner []byte
	switch c := s.Payload(); {
	case c == nil:
		return stanza.Fail(stanza.BadRequest, "")
	case s.Type == stanza.Get && c.Name == markup.Name{Space: disco.NSInfo, Local: "query"} && c.Attr("node") == "":
		inner = append(inner, "<query xmlns='"+disco.NSInfo+"'><identity category='client' type='bot' name='Longwire'/>"+
			"<feature var='"+disco.NSInfo+"'/><feature var='"+disco.NSItems+"'/><feature var='"+vitals.NSPing+"'/><feature var='"+nsReceipts+"'/></query>"...)
	case s.Type == stanza.Get && c.Name == markup.Name{Space: disco.NSItems, Local: "query"} && c.Attr("node") == "":
		inner = append(inner, "<query xmlns='"+disco.NSItems+"'/>"...)
	case s.Type == stanza.Get && c.Name == markup.Name{Space: vitals.NSPing, Local: "ping"}:
	default:
		return stanza.Fail(stanza.ServiceUnavailable, "")
	}
	return a.host.Route(t, s.Result(inner))
}
