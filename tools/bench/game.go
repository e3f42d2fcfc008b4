package main

import (
	"bytes"
	"fmt"
	"strconv"
	"time"

	"longwire/tools/rig/wire"
)

// A game of balls: both ends of every pair throw each received message back, so that a fixed number per pair is always in the air. The
// rules are here; epoll_linux.go and conns.go move the bytes. The load client shares the machine with the server that it measures,
// so it does as little as it can: preformatted messages, a glance at every tag, one write for all that a read brought.
type game struct {
	clock
	players   []*player
	balls     int // that each pair has in the air
	delivered int
	latency   []time.Duration // send to receipt
	accepted  []time.Duration // send to the server's ack, with stream management
}

// A player is one end of a pair.
type player struct {
	conn    *wire.Conn
	number  int
	partner *player
	message []byte
	sm      bool

	in   []byte // a tag that is not whole yet
	out  []byte // what is to be written
	sent fifo   // times of messages that the partner has not got yet

	unacked  fifo // times of messages that the server has not acked yet
	acked    uint32
	received uint32 // stanzas since stream management was enabled
}

// newGame takes over pairs of logged-in connections: 0 and 1, 2 and 3, and so on.
func newGame(conns []*wire.Conn, body string, sm bool, balls int, c clock) *game {
	g := &game{balls: balls, clock: c}
	for i, c := range conns {
		p := &player{conn: c, sm: sm, in: bytes.Clone(c.Buffered())}
		p.message = []byte("<message to='" + wire.Escape(conns[i^1].JID) + "' type='chat' id='m" + strconv.Itoa(i) +
			"'><body>" + body + "</body></message>")
		g.players = append(g.players, p)
	}
	for i, p := range g.players {
		p.partner = g.players[i^1]
	}
	return g
}

func (g *game) all() []*player { return g.players }

func (g *game) start() {
	for i, p := range g.players {
		if i%2 == 0 {
			g.throw(p, g.balls)
		}
	}
}

func (g *game) done(now time.Time) bool {
	g.tick(now)
	return g.over && g.airEmpty()
}

// airEmpty is true when every message has arrived and been acked.
func (g *game) airEmpty() bool {
	for _, p := range g.players {
		if p.sent.n > 0 || p.sm && p.unacked.n > 0 {
			return false
		}
	}
	return true
}

// take reads what came for p and appends the answers to p.out.
func (g *game) take(p *player, data []byte) error {
	if len(p.in) > 0 {
		data = append(p.in, data...)
	}
	messages, asked, rest, err := g.scan(p, data)
	if err != nil {
		return err
	}
	p.in = append(p.in[:0], rest...)
	if g.over {
		messages = 0
	}
	if asked {
		p.out = append(p.out, wire.Ack(p.received)...)
	}
	g.throw(p, messages)
	return nil
}

// scan looks at every tag in b: how many messages ended, and whether an ack was asked for. rest begins a tag that is not whole.
func (g *game) scan(p *player, b []byte) (messages int, asked bool, rest []byte, err error) {
	now := time.Now()
	for {
		i := bytes.IndexByte(b, '<')
		if i < 0 {
			return messages, asked, nil, nil
		}
		b = b[i:]
		j := bytes.IndexByte(b, '>')
		if j < 0 {
			return messages, asked, b, nil
		}
		tag := b[:j+1]
		b = b[j+1:]
		switch {
		case string(tag) == "</message>":
			messages++
			p.received++
			at := p.partner.sent.take()
			if g.measuring {
				g.delivered++
				g.latency = append(g.latency, now.Sub(at))
			}
		case tag[1] == 'r' && tag[2] == ' ':
			asked = true
		case tag[1] == 'a' && tag[2] == ' ':
			if err := g.ack(p, tag, now); err != nil {
				return 0, false, nil, err
			}
		case bytes.HasPrefix(tag, []byte("</presence")), bytes.HasPrefix(tag, []byte("</iq")):
			p.received++
		case bytes.HasPrefix(tag, []byte("<presence")), bytes.HasPrefix(tag, []byte("<iq")):
			if tag[len(tag)-2] == '/' {
				p.received++
			}
		case bytes.HasPrefix(tag, []byte("<stream:error")), bytes.HasPrefix(tag, []byte("<error")):
			return 0, false, nil, fmt.Errorf("bench: the server sent an error: %s%s", tag, b[:min(len(b), 200)])
		}
	}
}

func (g *game) ack(p *player, tag []byte, now time.Time) error {
	h, err := wire.H(tag)
	if err != nil {
		return err
	}
	for ; p.acked != h && p.unacked.n > 0; p.acked++ {
		at := p.unacked.take()
		if g.measuring {
			g.accepted = append(g.accepted, now.Sub(at))
		}
	}
	return nil
}

// throw appends n messages to p.out, with what stream management needs behind them.
func (g *game) throw(p *player, n int) {
	if n == 0 {
		return
	}
	now := time.Now()
	for range n {
		p.out = append(p.out, p.message...)
		p.sent.put(now)
		if p.sm {
			p.unacked.put(now)
		}
	}
	if p.sm {
		p.out = append(p.out, wire.Request...)
	}
}
