package markup

// intern gives equal bytes one string. What an XMPP stream says comes from a small vocabulary, so a direct-mapped
// cache in the (pooled) Scanner nearly always hits; it is bounded whatever strangers send.
type intern [128]string

// maxInterned bounds what the cache keeps of a stranger's inventions.
const maxInterned = 80

func (c *intern) get(b []byte) string {
	n := len(b)
	if n == 0 {
		return ""
	}
	h := (uint(n)*5 + uint(b[0])*7 + uint(b[n-1])*31 + uint(b[n/2])*3) % uint(len(c))
	if c[h] == string(b) {
		return c[h]
	}
	s, ok := vocabulary[string(b)]
	if !ok {
		s = string(b)
		if n > maxInterned {
			return s
		}
	}
	c[h] = s
	return s
}

// vocabulary keeps the strings that are met most, so that all Scanners share them.
var vocabulary = func() map[string]string {
	m := make(map[string]string)
	for _, w := range []string{
		"message", "presence", "iq", "from", "to", "id", "type", "lang", "stream", "xmlns", "xml",
		"body", "subject", "thread", "show", "status", "priority", "error", "text", "query", "item", "group", "x", "c", "r", "a",
		"h", "ver", "node", "hash", "jid", "name", "subscription", "ask", "code", "history", "actor", "reason",
		"affiliation", "role", "stamp", "by", "delay", "request", "received", "markable", "displayed", "acknowledged",
		"active", "composing", "paused", "inactive", "gone", "origin-id", "stanza-id", "occupant-id", "store", "no-store",
		"no-copy", "no-permanent-store", "private", "sent", "forwarded", "ping", "html", "replace", "reply", "enable",
		"enabled", "resume", "resumed", "failed", "auth", "response", "challenge", "success", "mechanism", "identity",
		"feature", "field", "value", "var", "form", "submit", "result", "cancel", "set", "get", "chat", "groupchat",
		"headline", "normal", "unavailable", "probe", "subscribe", "subscribed", "unsubscribe", "unsubscribed", "both",
		"none", "away", "xa", "dnd", "member", "owner", "admin", "participant", "moderator", "visitor", "en", "previd",
		"jabber:client", "jabber:server", "http://etherx.jabber.org/streams", "jabber:iq:roster", "jabber:x:data",
		"jabber:iq:version", "jabber:iq:last", "jabber:iq:private", "jabber:x:conference", "vcard-temp", "vcard-temp:x:update",
		"http://jabber.org/protocol/chatstates", "http://jabber.org/protocol/caps", "http://jabber.org/protocol/muc",
		"http://jabber.org/protocol/muc#user", "http://jabber.org/protocol/disco#info", "http://jabber.org/protocol/disco#items",
		"http://jabber.org/protocol/xhtml-im", "http://www.w3.org/1999/xhtml", "http://jabber.org/protocol/pubsub",
		"http://isode.com/protocol/fmuc", "urn:xmpp:receipts", "urn:xmpp:chat-markers:0", "urn:xmpp:sid:0", "urn:xmpp:hints",
		"urn:xmpp:delay", "urn:xmpp:occupant-id:0", "urn:xmpp:carbons:2", "urn:xmpp:forward:0", "urn:xmpp:ping", "urn:xmpp:sm:3",
		"urn:xmpp:csi:0", "urn:xmpp:idle:1", "urn:xmpp:message-correct:0", "urn:xmpp:reply:0", "urn:xmpp:reactions:0",
		"urn:ietf:params:xml:ns:xmpp-sasl", "urn:ietf:params:xml:ns:xmpp-stanzas", "urn:ietf:params:xml:ns:xmpp-streams",
		"urn:ietf:params:xml:ns:xmpp-bind", "urn:ietf:params:xml:ns:xmpp-session", "urn:ietf:params:xml:ns:xmpp-tls", NSXML,
	} {
		m[w] = w
	}
	return m
}()
