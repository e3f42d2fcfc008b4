package main

import (
	"bytes"
	"fmt"
	"strconv"
	"time"

	"longwire/tools/rig/wire"
)

// A crowd is the occupants of a room. A fixed number of lines is always on its way: who is the last to get a line says the next one.
// A line is known by its place in the order, which is the same for all.
type crowd struct {
	clock
	players   []*player
	balls     int
	said      []time.Time // of each line
	got       []int       // how many have it
	heard     []int       // by each player, how many lines it has got
	whole     int         // lines that all have got
	delivered int
	last      []time.Duration // from saying a line to its last receipt
}

// newCrowd takes over connections that have read all that came so far.
func newCrowd(conns []*wire.Conn, room, body string, balls int, c clock) *crowd {
	w := &crowd{clock: c, balls: balls}
	for i, c := range conns {
		w.players = append(w.players, &player{conn: c, number: i,
			message: []byte("<message to='" + wire.Escape(room) + "' type='groupchat' id='m" + strconv.Itoa(i) + "'><body>" + body + "</body></message>")})
	}
	w.heard = make([]int, len(conns))
	return w
}

func (w *crowd) all() []*player { return w.players }

func (w *crowd) start() {
	for i := range w.balls {
		w.say(w.players[i%len(w.players)])
	}
}

func (w *crowd) done(now time.Time) bool {
	w.tick(now)
	return w.over && w.whole == len(w.said)
}

func (w *crowd) say(p *player) {
	p.out = append(p.out, p.message...)
	w.said, w.got = append(w.said, time.Now()), append(w.got, 0)
}

// ending is what a line is counted by; a part of one may be at the end of what was read.
var ending = []byte("</message>")

// take counts the lines that came. It looks at nothing else: the load client must be cheaper than the servers.
func (w *crowd) take(p *player, data []byte) error {
	if len(p.in) > 0 {
		data = append(p.in, data...)
	}
	if i := bytes.Index(data, []byte("<error")); i >= 0 {
		return fmt.Errorf("bench: the server sent an error: %.300s", data[i:])
	}
	now := time.Now()
	for n := bytes.Count(data, ending); n > 0; n-- {
		if w.heard[p.number] >= len(w.said) {
			return fmt.Errorf("bench: %s got more lines than were said", p.conn.JID)
		}
		w.hear(p, now)
	}
	p.in = append(p.in[:0], data[max(0, len(data)-len(ending)+1):]...)
	if bytes.HasSuffix(data, ending) {
		p.in = p.in[:0]
	}
	return nil
}

// hear is one line for one player.
func (w *crowd) hear(p *player, now time.Time) {
	line := w.heard[p.number]
	w.heard[p.number]++
	w.got[line]++
	if w.measuring {
		w.delivered++
	}
	if w.got[line] < len(w.players) {
		return
	}
	w.whole++
	if w.measuring {
		w.last = append(w.last, now.Sub(w.said[line]))
	}
	if !w.over {
		w.say(p)
	}
}
