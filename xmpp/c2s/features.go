package c2s

import (
	"slices"
	"strings"

	"longwire/xmpp/jid"
	"longwire/xmpp/stream"
)

// Namespaces of the negotiation.
const (
	nsTLS     = "urn:ietf:params:xml:ns:xmpp-tls"
	nsSASL    = "urn:ietf:params:xml:ns:xmpp-sasl"
	nsBind    = "urn:ietf:params:xml:ns:xmpp-bind"
	nsSession = "urn:ietf:params:xml:ns:xmpp-session"
	nsSM      = "urn:xmpp:sm:3"
)

// ourLang is the language of everything without xml:lang on the streams that we open, and on peer links, which have no
// header to name one.
const ourLang = "en"

// opened answers a stream header with ours and the features of the present phase. RFC 6120 §4.3.
func (c *conn) opened(h stream.Header) error {
	domains := c.srv.config().Domains
	name := h.To
	if j, err := jid.Parse(h.To); err == nil {
		name = j.String()
	}
	known := slices.Contains(domains, name)
	if known {
		if c.domain != "" && c.domain != name && !c.account.IsZero() {
			known = false // an account is of one domain
		} else {
			c.domain = name
		}
	}
	c.lang = foreign(h.Lang)
	b := c.header(h).Append(nil, stream.NSClient)
	var se *stream.Error
	switch {
	case !known:
		se = &stream.Error{Condition: "host-unknown"} // RFC 6120 §4.9.3.6
	case !atLeastOne(h.Version):
		se = &stream.Error{Condition: "unsupported-version"} // RFC 6120 §4.7.5
	}
	if se != nil {
		if err := c.head(b); err != nil {
			return err
		}
		return se
	}
	return c.head(c.features(b))
}

// header is our stream header: RFC 6120 §4.7: from a domain of ours, a fresh id, our language.
func (c *conn) header(h stream.Header) stream.Header {
	from := c.domain
	if from == "" {
		if d := c.srv.config().Domains; len(d) > 0 {
			from = d[0]
		}
	}
	r := stream.Header{From: from, ID: newID(), Version: "1.0", Lang: ourLang}
	if j, err := jid.Parse(h.From); err == nil && c.secure {
		// RFC 6120 §4.7.2; only under TLS, as §4.7.1 wants it. The client's from ought to be a bare JID.
		// Peer: mellium.im/xmpp puts a full one there when it was given one, and insists on hearing the same.
		r.To = j.String()
	}
	return r
}

// foreign is the language of a client's stream when stanzas must carry it to be understood: one that is not ours, and that is a
// language tag at all. RFC 6120 §8.1.5 has a stanza without xml:lang stamped with its stream's. Choice: not with ours, which
// every stream that we open declares (§4.7.4) and which peers assume; that is most stanzas, and 14 octets each.
func foreign(lang string) string {
	const longest = 35 // RFC 5646 §4.4.1
	if lang == "" || len(lang) > longest || strings.EqualFold(lang, ourLang) {
		return ""
	}
	for _, r := range lang {
		if r != '-' && (r < '0' || r > '9') && (r|0x20 < 'a' || r|0x20 > 'z') {
			return ""
		}
	}
	return lang
}

// atLeastOne tells whether a stream version is 1.0 or later. RFC 6120 §4.7.5: numbers, compared by parts.
func atLeastOne(v string) bool {
	major, _, ok := strings.Cut(v, ".")
	return ok && major != "" && strings.Trim(major, "0123456789") == "" && strings.TrimLeft(major, "0") != ""
}

func (c *conn) features(b []byte) []byte {
	cfg := c.srv.config()
	b = append(b, "<stream:features>"...)
	switch {
	case c.account.IsZero() && !c.secure && c.mode == StartTLS && cfg.RequireTLS:
		b = append(b, "<starttls xmlns='"+nsTLS+"'><required/></starttls>"...)
	case c.account.IsZero():
		if !c.secure && cfg.TLS != nil {
			b = append(b, "<starttls xmlns='"+nsTLS+"'/>"...)
		}
		b = c.mechanisms(b)
		if cfg.Stranger != nil {
			b = append(b, "<register xmlns='http://jabber.org/features/iq-register'/>"...)
		}
		b = appendLimits(b, cfg.MaxEarly, int(cfg.EarlyTime.Seconds()))
	default:
		b = append(b, "<bind xmlns='"+nsBind+"'/><session xmlns='"+nsSession+"'><optional/></session>"+
			"<sm xmlns='"+nsSM+"'/><csi xmlns='"+NSCSI+"'/><ver xmlns='urn:xmpp:features:rosterver'/>"+
			"<sub xmlns='urn:xmpp:features:pre-approval'/>"...)
		b = append(b, cfg.Caps...)
		b = appendLimits(b, cfg.MaxStanza, int((cfg.Idle + cfg.IdleAnswer).Seconds()))
	}
	return append(b, "</stream:features>"...)
}

// appendLimits tells what the client may send. XEP-0478 §3.
func appendLimits(b []byte, bytes, idle int) []byte {
	return append(b, "<limits xmlns='urn:xmpp:stream-limits:0'><max-bytes>"+itoa(bytes)+"</max-bytes><idle-seconds>"+
		itoa(idle)+"</idle-seconds></limits>"...)
}

func (c *conn) mechanisms(b []byte) []byte {
	b = append(b, "<mechanisms xmlns='"+nsSASL+"'>"...)
	for _, m := range c.newAuth().Mechanisms() {
		b = append(b, "<mechanism>"+m+"</mechanism>"...)
	}
	b = append(b, "</mechanisms>"...)
	if len(c.login.bound) == 0 {
		return b
	}
	b = append(b, "<sasl-channel-binding xmlns='urn:xmpp:sasl-cb:0'>"...) // XEP-0440 §3
	for _, cb := range c.login.bound {
		b = append(b, "<channel-binding type='"+cb.Type+"'/>"...)
	}
	return append(b, "</sasl-channel-binding>"...)
}
