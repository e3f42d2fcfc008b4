package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"mellium.im/xmpp/muc"
	"mellium.im/xmpp/stanza"

	"longwire/tools/rig"
	"longwire/tools/rig/mellium"
)

// roomName is that of the room that both nodes have together.
const roomName = "ops"

// roomAt is its address on a node.
func roomAt(n *rig.Node) string { return roomName + "@" + rig.RoomsAt(n.Domain) }

// withRooms are a node's domains, as its peer knows them.
func withRooms(domain string) []string { return []string{domain, rig.RoomsAt(domain)} }

// declareRooms gives both nodes the room, which everybody's client enters by itself; field's joins that of headquarters.
func declareRooms(nodes [2]*rig.Node) {
	for i, n := range nodes {
		far := nodes[1-i]
		r := rig.Room{
			Keys:       map[string]any{"address": roomName, "title": "Operations", "owners": []string{cast[i]}, "autojoin": []string{"*"}},
			Federation: map[string]any{"accept": []string{rig.RoomsAt(far.Domain)}},
		}
		if i == 1 {
			r.Federation = map[string]any{"with": roomAt(far), "mode": "pp"}
		}
		n.Rooms = []rig.Room{r}
	}
}

// roomScript is what the cast says in the room. The path is gone while the lines in the middle are said.
var roomScript = []struct {
	who  int
	cut  bool // the path breaks before
	mend bool // and is back after
	text string
}{
	{0, false, false, "All stations: shift change at 18:00."},
	{1, false, false, "Field has it."},
	{0, true, false, "Convoy two is past checkpoint 4."},
	{1, false, true, "Rahden bridge is closed again."},
	{0, false, false, "All noted, thank you."},
}

// A roomLine is a line on its way to both sides.
type roomLine struct {
	who      int
	text     string
	said     time.Duration
	heard    [2]time.Duration // at headquarters and at field
	arrivals [2]int
}

// roomScene plays in the room. It ends when each side has heard every line.
func (s *stage) roomScene(ctx context.Context, p *page, sh *show) error {
	p.roomHead(s)
	for i, n := range s.nodes {
		if _, err := sh.clients[i].Join(ctx, roomAt(n), name(i), muc.MaxHistory(0)); err != nil {
			return err
		}
	}
	if err := sh.roomUntil(ctx, "both to see each other", func() bool { return sh.crowd[0] && sh.crowd[1] }); err != nil {
		return err
	}
	for i, c := range roomScript {
		if c.cut {
			s.path.Cut()
			p.event(sh.now(), "the path is gone")
		}
		if err := sh.sayInRoom(ctx, c.who, c.text); err != nil {
			return err
		}
		if c.mend {
			if !pause(ctx, 3*time.Second) {
				return ctx.Err()
			}
			s.path.Mend()
			p.event(sh.now(), "the path is back")
		}
		if c.cut {
			pause(ctx, time.Second)
			continue // it is told of when the path is back
		}
		if err := sh.roomUntil(ctx, fmt.Sprintf("line %d at both sides", i+1), func() bool { return sh.roomHeardAll() }); err != nil {
			return err
		}
		p.roomLines(sh)
	}
	return sh.roomVerdict()
}

// name is a member of the cast as others call it.
func name(who int) string { return strings.ToUpper(cast[who][:1]) + cast[who][1:] }

func (sh *show) sayInRoom(ctx context.Context, who int, text string) error {
	sh.mu.Lock()
	sh.roomLines = append(sh.roomLines, &roomLine{who: who, text: text, said: sh.now()})
	sh.mu.Unlock()
	return sh.clients[who].SayIn(ctx, roomAt(sh.nodes[who]), "", text)
}

// inRoom is what a client got from its room.
func (sh *show) inRoom(at int, m mellium.Message) {
	nick := m.From.Resourcepart()
	sh.mu.Lock()
	defer sh.mu.Unlock()
	for _, l := range sh.roomLines {
		if m.Body == l.text && nick == name(l.who) {
			if l.arrivals[at]++; l.arrivals[at] == 1 {
				l.heard[at] = sh.now()
			}
			return
		}
	}
	// Somebody who joined us is answered by both: by one at once, by the other when the path has carried it.
	if sh.staying && m.Body != "" && m.Delay.Stamp == "" && nick != name(0) && nick != name(1) && nick != "" {
		go sh.clients[at].SayIn(context.Background(), roomAt(sh.nodes[at]), "", fmt.Sprintf("I read you, %s.", nick))
	}
}

// enters is presence in a client's room.
func (sh *show) enters(at int, p mellium.Presence) {
	if p.From.Bare().String() == roomAt(sh.nodes[at]) && p.From.Resourcepart() == name(1-at) && p.Type == stanza.AvailablePresence {
		sh.mu.Lock()
		sh.crowd[at] = true
		sh.mu.Unlock()
	}
}

func (sh *show) roomHeardAll() bool {
	for _, l := range sh.roomLines {
		if l.arrivals[0] == 0 || l.arrivals[1] == 0 {
			return false
		}
	}
	return true
}

// roomUntil waits; ok runs alone.
func (sh *show) roomUntil(ctx context.Context, what string, ok func() bool) error {
	for {
		sh.mu.Lock()
		met := ok()
		sh.mu.Unlock()
		if met {
			return nil
		}
		if !pause(ctx, 10*time.Millisecond) {
			return fmt.Errorf("the room waited for %s: %w", what, ctx.Err())
		}
	}
}

func (sh *show) roomVerdict() error {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	var faults []error
	for _, l := range sh.roomLines {
		if l.arrivals != [2]int{1, 1} {
			faults = append(faults, fmt.Errorf("in the room, %q arrived %d times at headquarters and %d at field", l.text, l.arrivals[0], l.arrivals[1]))
		}
	}
	return errors.Join(faults...)
}

// roomHead says what is going on, and names the columns.
func (p *page) roomHead(s *stage) {
	fmt.Fprintf(p, "\n%s\n", p.paint(bold, "One room on both nodes: "+roomAt(s.nodes[0])+" ⇄ "+roomAt(s.nodes[1])))
	p.note("Everybody uses the room of their own node. A line is there at once for one's own side, path or no path, and crosses once, however many read it.")
	fmt.Fprintf(p, "\n%s\n", p.paint(dim, fmt.Sprintf("%6s  %-5s %-*s %15s %9s", "said", "who", textWidth, "what", "at headquarters", "at field")))
}

// roomLines prints what both sides have heard and is not printed yet.
func (p *page) roomLines(sh *show) {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	for ; sh.roomPrinted < len(sh.roomLines); sh.roomPrinted++ {
		l := sh.roomLines[sh.roomPrinted]
		since := func(t time.Duration) string {
			if d := t - l.said; d < 200*time.Millisecond {
				return fmt.Sprintf("%d ms", d.Milliseconds())
			} else {
				return fmt.Sprintf("%.1f s", d.Seconds())
			}
		}
		fmt.Fprintf(p, "%s  %s %s %15s %9s\n", p.paint(dim, fmt.Sprintf("%6s", stamp(l.said))), p.paint([]string{ours, theirs}[l.who], fmt.Sprintf("%-5s", name(l.who))),
			fit(l.text, textWidth), since(l.heard[0]), since(l.heard[1]))
	}
}

// stay lets the cast answer in the room from now on.
func (sh *show) stay() {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	sh.staying = true
}
