package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"time"

	"golang.org/x/sync/errgroup"

	"longwire/tools/rig"
	"longwire/tools/rig/wire"
)

// occupants is how many are in the measured room.
const occupants = 200

// roomTitle is what -workload chooses the room by.
var roomTitle = fmt.Sprintf("room of %d", occupants)

// roomLoads are how many lines are on their way at a time.
var roomLoads = []int{1, 16}

// A fanOut is what one round in a room gave.
type fanOut struct {
	rate      float64 // deliveries a second
	p50, p99  time.Duration
	serverCPU time.Duration // per delivery
	loadCPU   time.Duration
}

// rooms fills the rows of the room. The servers run.
func rooms(ctx context.Context, o options, servers []rig.Server, t *table, progress io.Writer) error {
	all := make([][]*wire.Conn, len(servers))
	joins := row{name: fmt.Sprintf("%d joins of a room", occupants), unit: "/s"}
	for i, s := range servers {
		conns, rate, err := crowdIn(ctx, s)
		if err != nil {
			return fmt.Errorf("%s: %w", s.Name(), err)
		}
		defer hangUp(conns)
		all[i] = conns
		joins.values = append(joins.values, rate)
	}
	t.add(joins)
	for _, balls := range roomLoads {
		rounds := make([][]fanOut, len(servers))
		for r := range o.rounds {
			for i, s := range servers {
				f, err := measureRoom(ctx, s, all[i], balls, o.duration)
				if err != nil {
					return fmt.Errorf("%s: %w", s.Name(), err)
				}
				fmt.Fprintf(progress, "room of %d, %d in flight, round %d: %-16s %6.0f deliveries/s, last p99 %.2f ms, %.1f us server, %.1f us load client\n", occupants, balls, r+1,
					s.Name(), f.rate, ms(f.p99), us(f.serverCPU), us(f.loadCPU))
				rounds[i] = append(rounds[i], f)
			}
		}
		t.addRoom(balls, rounds)
	}
	return nil
}

const room = "bench@chat." + domain

// crowdIn logs everybody in and lets them into one room; joins a second come back too.
func crowdIn(ctx context.Context, s rig.Server) ([]*wire.Conn, float64, error) {
	conns, err := logIn(ctx, s, users(domain, occupants), wire.Plain, false)
	if err != nil {
		return nil, 0, err
	}
	begin := time.Now()
	for i, c := range conns {
		if err := enter(c, i); err != nil {
			hangUp(conns)
			return nil, 0, fmt.Errorf("bench: join %d: %w", i+1, err)
		}
	}
	rate := occupants / time.Since(begin).Seconds()
	// Everybody reads what has come, at once, so that nobody's stream is full.
	var g errgroup.Group
	for _, c := range conns {
		g.Go(func() error { return ask(c, "get", domain, "<ping xmlns='urn:xmpp:ping'/>") })
	}
	if err := g.Wait(); err != nil {
		hangUp(conns)
		return nil, 0, err
	}
	return conns, rate, nil
}

// enter joins and reads up to the subject; the first occupant makes the room and takes its default configuration.
func enter(c *wire.Conn, number int) error {
	c.SetReadDeadline(time.Now().Add(20 * time.Second))
	defer c.SetReadDeadline(time.Time{})
	if err := c.WriteString(fmt.Sprintf("<presence to='%s/u%04d'><x xmlns='http://jabber.org/protocol/muc'><history maxchars='0'/></x></presence>", room, number)); err != nil {
		return err
	}
	for {
		e, err := c.Next()
		switch {
		case err != nil:
			return err
		case wire.Attr(e.Raw, "type") == "error":
			return fmt.Errorf("refused: %s", e.Raw)
		case e.Name == "message" && bytes.Contains(e.Raw, []byte("<subject")):
			if number > 0 {
				return nil
			}
			return ask(c, "set", room, "<query xmlns='http://jabber.org/protocol/muc#owner'><x xmlns='jabber:x:data' type='submit'/></query>")
		}
	}
}

// ask sends an iq and reads up to its answer.
func ask(c *wire.Conn, kind, to, payload string) error {
	c.SetReadDeadline(time.Now().Add(20 * time.Second))
	defer c.SetReadDeadline(time.Time{})
	if err := c.WriteString(fmt.Sprintf("<iq type='%s' id='asked' to='%s'>%s</iq>", kind, to, payload)); err != nil {
		return err
	}
	for {
		e, err := c.Next()
		if err != nil {
			return err
		}
		if e.Name == "iq" && wire.Attr(e.Raw, "id") == "asked" {
			if wire.Attr(e.Raw, "type") != "result" {
				return fmt.Errorf("refused: %s", e.Raw)
			}
			return nil
		}
	}
}

// measureRoom lets them talk.
func measureRoom(ctx context.Context, s rig.Server, conns []*wire.Conn, balls int, d time.Duration) (fanOut, error) {
	look := newLook(s.PID())
	warm := time.Now().Add(d / 6)
	w := newCrowd(conns, room, body, balls, clock{warm: warm, end: warm.Add(d), begin: look.begin, stop: look.end})
	if err := playEpoll(ctx, w); err != nil {
		return fanOut{}, err
	}
	n := time.Duration(max(w.delivered, 1))
	f := fanOut{rate: float64(w.delivered) / look.took.Seconds(), serverCPU: look.server / n, loadCPU: look.own / n}
	f.p50, f.p99 = percentiles(w.last)
	return f, nil
}
