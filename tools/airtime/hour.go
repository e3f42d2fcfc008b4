package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"longwire/links/modem"
	"longwire/tools/rig"
	"longwire/tools/rig/foreign"
)

const (
	clients   = 5
	foldQuiet = 150 * time.Second // without a transmission, of radio time: more than a turnaround
)

// An hour is one run.
type hour struct {
	book
	said   int
	faults []string      // lines that did not come, or came twice
	late   time.Duration // until it was quiet, after the hour
}

// A crowd is clients at both ends of a radio.
type crowd struct {
	net    *rig.Net
	people [2][clients]foreign.Client
	told   []told
}

// A told line is known by its tag.
type told struct {
	tag            string
	from, to, side int // side of who says it
}

// gather starts servers and nodes, and makes people contacts: each of two on the other side.
func gather(ctx context.Context, b *bench, c tongue) (*crowd, error) {
	n, err := rig.NewNet(rig.HF{Longwire: b.longwire, SISServer: b.sis, Dir: filepath.Join(b.dir, "folding-"+c.name), Domains: []string{"headquarters.net", "field.net"},
		Rate: foldRate, Scale: foldScale, Link: map[string]any{"compress": true, "rate": foldRate}, Peer: c.peer, Channel: modem.ChannelConfig{Seed: 1}})
	if err != nil {
		return nil, err
	}
	for _, node := range n.Nodes {
		node.OwnCert = false // clients are told which to trust
		err = errors.Join(err, node.Prepare())
	}
	if err != nil {
		return nil, errors.Join(err, n.Stop())
	}
	g, err := newGroupOn(ctx, n)
	if err != nil {
		return nil, err
	}
	if err := g.befriend(ctx); err != nil {
		g.end()
		return nil, err
	}
	g.hangUp()
	return &crowd{net: n}, n.Quiet(ctx, foldQuiet)
}

// befriend makes each subscribe to two of the other side, and waits until that is over.
func (g *group) befriend(ctx context.Context) error {
	for _, word := range []string{"subscribe", "subscribed"} {
		for side, all := range [][clients]*person{g.near, g.far} {
			for i, p := range all {
				for _, other := range contactsOf(side, i) {
					if err := p.WriteString("<presence type='" + word + "' to='" + names[1-side][other] + "@" + g.net.Nodes[1-side].Domain + "'/>"); err != nil {
						return err
					}
				}
			}
		}
		if err := g.net.Quiet(ctx, foldQuiet); err != nil {
			return err
		}
	}
	return nil
}

// contactsOf are those of one on that side, the one to chat with first.
func contactsOf(side, i int) [2]int {
	if side == 0 {
		return [2]int{i, (i + 1) % clients}
	}
	return [2]int{i, (i + clients - 1) % clients}
}

// enter logs all in, within the first minutes. Those who chat have programs of different makes.
func (c *crowd) enter(ctx context.Context, begin time.Time) error {
	for i := range clients {
		for side, n := range c.net.Nodes {
			m := foreign.Makes[(i+2*side)%len(foreign.Makes)]
			host, port, _ := net.SplitHostPort(n.StartTLS())
			_, direct, _ := net.SplitHostPort(n.Direct())
			a := foreign.Account{User: rig.User{Name: names[side][i], Domain: n.Domain, Password: password}, Host: host, Certificate: filepath.Join(n.Dir, "cert.pem"),
				Dir: filepath.Join(n.Dir, "clients", fmt.Sprintf("%s-%s-%d", filepath.Base(c.net.Dir), names[side][i], begin.UnixNano()))}
			a.Port, _ = strconv.Atoi(port)
			a.Direct, _ = strconv.Atoi(direct)
			var err error
			if c.people[side][i], err = m.Open(ctx, a); err != nil {
				return fmt.Errorf("%s of %s: %w", m.Name, a.JID(), err)
			}
		}
	}
	return nil
}

// live is the hour.
func (c *crowd) live(ctx context.Context, begin time.Time) error {
	var g errgroup.Group             // each does its part in its own time,
	var hands [2][clients]sync.Mutex // and one thing after the other
	at := func(minutes float64, side, i int, do func(foreign.Client) error) {
		g.Go(func() error {
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(c.net.Real(time.Duration(minutes*float64(time.Minute))) - time.Since(begin)):
				hands[side][i].Lock()
				defer hands[side][i].Unlock()
				return do(c.people[side][i])
			}
		})
	}
	for k, show := range []string{"away", "", "xa", ""} {
		for i := range clients {
			for side := range 2 {
				at(9+5*float64(k)+float64(i)/10, side, i, func(p foreign.Client) error { return p.Show(ctx, show) })
			}
		}
	}
	turn := foldHour.Minutes() / 2 / foldTurns
	for n := range foldTurns {
		for side := range 2 {
			for i := range clients {
				t := told{fmt.Sprintf("[%d-%d-%d]", n, side, i), i, contactsOf(side, i)[0], side}
				c.told = append(c.told, t)
				at(foldHour.Minutes()/2+turn*(float64(n)+float64(side)/2+float64(i)/(2*clients)), side, i, func(p foreign.Client) error {
					return p.Say(ctx, names[1-side][t.to]+"@"+c.net.Nodes[1-side].Domain, texts[(n*2+side+i)%len(texts)]+" "+t.tag)
				})
			}
		}
	}
	at(foldHour.Minutes(), 0, 0, func(foreign.Client) error { return nil })
	return g.Wait()
}

// hear asks everybody what has come.
func (h *hour) hear(c *crowd) error {
	h.said = len(c.told)
	for _, t := range c.told {
		n, err := c.people[1-t.side][t.to].Heard(t.tag)
		if err != nil {
			return err
		}
		if n != 1 {
			h.faults = append(h.faults, fmt.Sprintf("%s of %s by %s came %d times to %s by %s", t.tag, names[t.side][t.from], makeOf(t.side, t.from), n, names[1-t.side][t.to], makeOf(1-t.side, t.to)))
		}
	}
	return nil
}

func makeOf(side, i int) string { return foreign.Makes[(i+2*side)%len(foreign.Makes)].Name }

// part ends all.
func (c *crowd) part() error {
	for _, side := range c.people {
		for _, p := range side {
			if p != nil {
				p.Close()
			}
		}
	}
	return c.net.Stop()
}
