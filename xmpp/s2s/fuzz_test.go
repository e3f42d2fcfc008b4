package s2s

import (
	"testing"
	"time"

	"longwire/store"
	"longwire/xmpp/stream"
)

// Whatever a message says about itself, it is read as something that can be obeyed, or refused.
func FuzzWhatAMessageSays(f *testing.F) {
	const shim, amp = "<headers xmlns='http://jabber.org/protocol/shim'>", "<amp xmlns='http://jabber.org/protocol/amp'>"
	for _, inner := range []string{
		"<body>!!x</body>", "<body>!</body>",
		shim + "<header name='Precedence'>flash</header></headers>",
		shim + "<header name='Urgency'>high</header><header name='TTL'>60</header><header name='Created'>2004-05-10T11:00Z</header></headers>",
		shim + "<header name='Created'>9999-05-10T11:00:00Z</header><header name='TTL'>60</header></headers>",
		shim + "<header name='TTL'>18446744073709551615</header></headers>",
		amp + "<rule action='drop' condition='expire-at' value='2026-12-01T00:00:00.5Z'/></amp>",
		amp + "<rule action='notify' condition='expire-at' value='9999-12-31T23:59:59Z'/></amp>",
		amp + "<rule condition='expire-at'><x/></rule></amp>",
	} {
		f.Add("<message from='a@b/c' to='d@e'>" + inner + "</message>")
	}
	now := time.Date(2026, 11, 30, 18, 0, 0, 0, time.UTC)
	p := Precedence{Prefixes: true, Headers: true}
	f.Fuzz(func(t *testing.T, xml string) {
		s, err := stream.ParseStanza([]byte(xml))
		if err != nil {
			return
		}
		if c, err := p.claim(s); c > store.ClassRoutine || err != nil && c != 0 {
			t.Errorf("%v, %v", c, err)
		}
		d, err := deadlineOf(now, s)
		if err == nil && !d.at.IsZero() && (!d.at.After(now) || d.at.After(now.Add(maxTTL))) {
			t.Errorf("%v", d)
		}
		if d.action != 0 && ruleOf(s, d.action) == nil {
			t.Errorf("no rule for %v", d)
		}
	})
}
