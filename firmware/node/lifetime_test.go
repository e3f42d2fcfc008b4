package node_test

import (
	"strings"
	"testing"
	"time"
)

// How long a stanza may wait is as the file says: for ever with "0s", and longer by default where the way is HF.
func TestLifetimes(t *testing.T) {
	t.Parallel()
	ip := half("field.net", "headquarters.net", freePort(t), freePort(t), "dial = false")
	hf := hfHead("field.net", fieldAddress, &station{port: 1}) + hfPeer("headquarters.net", hqAddress, "longwire")
	for name, c := range map[string]struct {
		doc  string
		want time.Duration
	}{
		"ip":               {ip, 24 * time.Hour},
		"s5066":            {hf, 72 * time.Hour},
		"for ever":         {ip + "lifetimes.message = \"0s\"\n", 0},
		"for ever on HF":   {strings.Replace(hf, "[peer.s5066]", "lifetimes.message = \"0s\"\n[peer.s5066]", 1), 0},
		"as the file says": {strings.Replace(hf, "[peer.s5066]", "lifetimes.message = \"24h\"\n[peer.s5066]", 1), 24 * time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			n := start(t, write(t, t.TempDir(), c.doc))
			bob := online(t, n, "bob", "field.net")
			bob.send("<message to='alice@headquarters.net' type='chat' id='m1'><body>x</body></message>")
			bob.taken("field.net")
			entries, err := n.Store().Queue("headquarters.net").List()
			if err != nil || len(entries) != 1 {
				t.Fatalf("%d entries, %v", len(entries), err)
			}
			got := time.Duration(0)
			if e := entries[0]; !e.Expires.IsZero() {
				got = e.Expires.Sub(e.Queued)
			}
			if got != c.want {
				t.Errorf("it may wait %v, want %v", got, c.want)
			}
		})
	}
}

// Over HF a chat state is not worth a transmission, whatever the link does.
func TestLoneChatStatesAreNotSentOverHF(t *testing.T) {
	t.Parallel()
	p := newHFPair(t, "longwire")
	say(p.alice, p.bob, "bob@field.net", "m1")
	drained(t, p.hq, "field.net")
	before := p.hqS.Sent()
	const states = " xmlns='http://jabber.org/protocol/chatstates'/>"
	p.alice.send("<message to='bob@field.net' type='chat' id='s1'><composing" + states + "</message>")
	p.alice.taken("headquarters.net")
	if n := p.hq.Store().Queue("field.net").Stats().Entries; n != 0 {
		t.Errorf("%d chat states wait", n)
	}
	p.alice.send("<message to='bob@field.net' type='chat' id='m2'><body>x</body><active" + states + "</message>")
	p.bob.until("id='m2'><body>x</body>")
	if got := p.hqS.Sent() - before; got > 2 { // the message, and the mark for bob's node if it owed one
		t.Errorf("%d transmissions for one message", got)
	}
}
