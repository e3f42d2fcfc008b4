package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"strings"
	"sync"
	"time"

	"longwire/tools/rig"
	"longwire/tools/rig/wire"
)

const password = "correct horse battery staple"

// A person is a client that is logged in. What it hears it keeps by the stanza's id.
type person struct {
	*wire.Conn
	rig.User
	answers bool // questions of others, as ordinary clients do

	mu    sync.Mutex // guards what follows
	heard map[string]time.Time
	order []string // the ids
	twice []string // that came again
	ended chan struct{}
}

// logIn connects an account, without presence.
func logIn(ctx context.Context, n *rig.Node, u rig.User, answers bool) (*person, error) {
	c, err := wire.Dial(ctx, wire.Login{Address: n.Direct(), Domain: u.Domain, User: u.Name, Password: u.Password, Mode: wire.Direct})
	if err != nil {
		return nil, err
	}
	if err := c.Bind(""); err != nil {
		c.Abort()
		return nil, err
	}
	p := &person{Conn: c, User: u, answers: answers, heard: map[string]time.Time{}, ended: make(chan struct{})}
	go p.listen()
	return p, nil
}

func (p *person) listen() {
	defer close(p.ended)
	for {
		e, err := p.Next()
		if err != nil {
			return
		}
		at, id := time.Now(), wire.Attr(e.Raw, "id")
		if t := wire.Attr(e.Raw, "type"); p.answers && e.Name == "iq" && (t == "get" || t == "set") {
			_ = p.WriteString(answer(e.Raw))
		}
		p.mu.Lock()
		if _, again := p.heard[id]; id != "" && !again {
			p.heard[id] = at
			p.order = append(p.order, id)
		} else if again && e.Name == "message" {
			p.twice = append(p.twice, id)
		}
		if text := wire.Text(e.Raw, "body"); e.Name == "message" && text != "" {
			p.heard[said(text)] = at
		}
		p.mu.Unlock()
	}
}

// said is what a text is kept by: ids may be others at the far side.
func said(text string) string { return "text " + text }

// forget makes the person hear a text as if for the first time.
func (p *person) forget(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.heard, said(text))
}

// hears tells when the stanza with that id came, or the message with that text (said).
func (p *person) hears(id string) (time.Time, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	at, ok := p.heard[id]
	return at, ok
}

// odd tells which of these came not at all, twice, or not in this order.
func (p *person) odd(ids []string) (faults []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	place := map[string]int{}
	for i, id := range ids {
		place[id] = i
		if _, ok := p.heard[id]; !ok {
			faults = append(faults, fmt.Sprintf("line %d did not come", i))
		}
	}
	last := -1
	for _, id := range p.order {
		if i, ok := place[id]; ok && i < last {
			faults = append(faults, fmt.Sprintf("line %d came behind line %d", i, last))
		} else if ok {
			last = i
		}
	}
	for _, id := range p.twice {
		if i, ok := place[id]; ok {
			faults = append(faults, fmt.Sprintf("line %d came twice", i))
		}
	}
	return faults[:min(len(faults), 5)]
}

// await waits until the stanza with that id came.
func (p *person) await(ctx context.Context, id string) (time.Time, error) {
	for {
		if at, ok := p.hears(id); ok {
			return at, nil
		}
		select {
		case <-ctx.Done():
			return time.Time{}, fmt.Errorf("%s did not hear %s: %w", p.User.JID(), id, ctx.Err())
		case <-p.ended:
			return time.Time{}, fmt.Errorf("%s lost its connection", p.User.JID())
		case <-time.After(time.Millisecond):
		}
	}
}

// hangUp ends the session.
func (p *person) hangUp() {
	p.Close()
	<-p.ended
}

// answer is what a client says to a question.
func answer(iq []byte) string {
	ns, body := wire.Attr(child(iq), "xmlns"), ""
	switch ns {
	case "http://jabber.org/protocol/disco#info":
		node := ""
		if n := wire.Attr(child(iq), "node"); n != "" {
			node = " node='" + wire.Escape(n) + "'"
		}
		body = "<query xmlns='" + ns + "'" + node + "><identity category='client' type='phone' name='Conversations'/><feature var='" +
			strings.Join(features, "'/><feature var='") + "'/></query>"
	case "jabber:iq:version":
		body = "<query xmlns='" + ns + "'><name>Conversations</name><version>2.15.3</version><os>Android</os></query>"
	case "urn:xmpp:ping":
	default:
		return reply(iq, "error", "<error type='cancel'><service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>")
	}
	return reply(iq, "result", body)
}

func reply(iq []byte, kind, body string) string {
	return "<iq type='" + kind + "' id='" + wire.Escape(wire.Attr(iq, "id")) + "' to='" + wire.Escape(wire.Attr(iq, "from")) + "'>" + body + "</iq>"
}

// child is an element's text from its first child on.
func child(b []byte) []byte {
	for i := 1; i < len(b); i++ {
		if b[i] == '<' {
			return b[i:]
		}
	}
	return nil
}

// features are what an ordinary client says it can do.
var features = []string{"http://jabber.org/protocol/caps", "http://jabber.org/protocol/chatstates", "http://jabber.org/protocol/disco#info", "http://jabber.org/protocol/muc",
	"http://jabber.org/protocol/nick+notify", "jabber:iq:version", "jabber:x:conference", "jabber:x:oob", "urn:xmpp:avatar:metadata+notify", "urn:xmpp:chat-markers:0",
	"urn:xmpp:jingle:1", "urn:xmpp:jingle:apps:file-transfer:5", "urn:xmpp:message-correct:0", "urn:xmpp:ping", "urn:xmpp:receipts", "urn:xmpp:time"}

// uuid is what most clients use for ids.
func uuid() string {
	b := make([]byte, 16)
	_, _ = rand.Read(b) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// decorated is a message as real clients write it, each in its own way.
func decorated(style int, to, id, text string) string {
	to, text = wire.Escape(to), wire.Escape(text)
	const (
		active  = "<active xmlns='http://jabber.org/protocol/chatstates'/>"
		receipt = "<request xmlns='urn:xmpp:receipts'/>"
		marker  = "<markable xmlns='urn:xmpp:chat-markers:0'/>"
	)
	origin := "<origin-id xmlns='urn:xmpp:sid:0' id='" + id + "'/>"
	switch style % 4 {
	case 0: // as Conversations does
		return "<message to='" + to + "' type='chat' id='" + id + "'><body>" + text + "</body>" + receipt + marker + origin + active + "</message>"
	case 1: // as Gajim does
		return "<message xmlns='jabber:client' to='" + to + "' type='chat' id='" + id + "'><body>" + text + "</body>" + origin + receipt + active +
			"<thread>" + thread + "</thread></message>"
	case 2: // as Dino does
		return "<message id='" + id + "' to='" + to + "' type='chat'><body>" + text + "</body>" + receipt + marker + origin + "</message>"
	}
	// as Profanity does
	return `<message id="` + id + `" to="` + to + `" type="chat"><body>` + text + `</body>` + active + receipt + origin + `</message>`
}

var thread = uuid()
