package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"longwire/tools/rig"
	"longwire/tools/rig/wire"
)

const (
	roomCrowd = 20 // occupants of the full room
	roomFar   = 5  // people from the field in a plain room at headquarters
	roomHQ    = "chat.headquarters.net"
	roomField = "chat.field.net"
)

// roomLines are what people say in rooms, in 40 characters.
var roomLines = []string{
	"Truck 3 is back, engine checked, no harm",
	"Who takes the night shift at the bridge?",
	"Two boats at the pier, fuel for one more",
	"Medical team leaves at 14:30 from gate B",
	"Copy that, we hold here until you say so",
	"Rain since noon, the ford is not usable.",
	"Please send the list of names once again",
	"Generator runs, power until 22:00 today.",
}

// A room bench is two nodes with a federated room, and people at both.
type roomBench struct {
	stage
	near, far []*person // at headquarters, in the field
}

// A stage is two nodes and a way to know what went between them.
type stage interface {
	nodes() [2]*rig.Node // headquarters, field
	begin(ctx context.Context) error
	quiet(ctx context.Context) error
	crossed() (bytes, transmissions int) // since the last call; -1: transmissions are not counted
	end()
}

// rooms is the table of federated rooms, beside rooms across the link.
func rooms(s stage, where string) func(context.Context, *bench, io.Writer) error {
	return func(ctx context.Context, b *bench, out io.Writer) error {
		fmt.Fprintln(b.progress, "rooms over", where)
		r := &roomBench{stage: s}
		defer r.close()
		if err := r.prepare(ctx); err != nil {
			return err
		}
		fmt.Fprintf(out, "\nRooms between headquarters and the field over %s: a federated one with %d people at headquarters, and plain ones of headquarters\nwith people from the field in them. Bytes are those of the frames' payload, after compression, both ways; transmissions are acks and the links' own, too; medians.\n", where, roomCrowd)
		w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
		fmt.Fprintln(w, "what\tbytes\ttransmissions\tgoal\t\t")
		if err := r.federated(ctx, b, w); err != nil {
			return err
		}
		if err := r.plain(ctx, b, w); err != nil {
			return err
		}
		return w.Flush()
	}
}

// prepare makes rooms and people, and lets those at headquarters in.
func (r *roomBench) prepare(ctx context.Context) error {
	hq, field := r.nodes()[0], r.nodes()[1]
	hq.Rooms = []rig.Room{
		{Keys: map[string]any{"address": "ops"}, Federation: map[string]any{"accept": []string{roomField}}},
		{Keys: map[string]any{"address": "empty"}, Federation: map[string]any{"accept": []string{roomField}}},
		{Keys: map[string]any{"address": "plain"}}, {Keys: map[string]any{"address": "five"}},
	}
	field.Rooms = []rig.Room{
		{Keys: map[string]any{"address": "ops"}, Federation: map[string]any{"with": "ops@" + roomHQ}},
		{Keys: map[string]any{"address": "empty"}, Federation: map[string]any{"with": "empty@" + roomHQ}},
	}
	err := errors.Join(hq.WriteConfig(), field.WriteConfig())
	for i := range roomCrowd {
		err = errors.Join(err, hq.AddUsers(ctx, roomUser(i, hq.Domain)))
	}
	for i := range roomFar {
		err = errors.Join(err, field.AddUsers(ctx, roomUser(roomCrowd+i, field.Domain)))
	}
	if err == nil {
		err = r.begin(ctx)
	}
	for i := 0; i < roomCrowd+roomFar && err == nil; i++ {
		node, list := hq, &r.near
		if i >= roomCrowd {
			node, list = field, &r.far
		}
		var p *person
		if p, err = logIn(ctx, node, roomUser(i, node.Domain), true); err == nil {
			*list = append(*list, p)
			err = p.WriteString("<presence/>")
		}
	}
	for _, p := range r.near {
		for _, room := range []string{"ops", "plain", "empty"} {
			err = errors.Join(err, p.enter(room+"@"+roomHQ, ""))
		}
	}
	return err
}

var roomNames = strings.Fields("Alice Carol Erin Grace Ivan Mallory Olivia Peggy Rupert Sybil Trent Victor Walter Wendy Yvonne Zoe Heinz Paula Otto Maria Bob Dave Frank Heidi Judy")

func roomUser(i int, domain string) rig.User {
	return rig.User{Name: strings.ToLower(roomNames[i]), Domain: domain, Password: password}
}

func (r *roomBench) close() {
	for _, p := range append(r.near, r.far...) {
		p.hangUp()
	}
	r.end()
}

func (p *person) nick() string { return strings.ToUpper(p.User.Name[:1]) + p.User.Name[1:] }

func (p *person) enter(room, history string) error {
	return p.WriteString("<presence to='" + room + "/" + p.nick() + "'><x xmlns='http://jabber.org/protocol/muc'>" + history + "</x></presence>")
}

func (p *person) leave(room string) error {
	return p.WriteString("<presence type='unavailable' to='" + room + "/" + p.nick() + "'/>")
}

// A crossing is what something cost.
type crossing struct{ bytes, transmissions int }

// measure waits until all is quiet after do, and tells what crossed.
func (r *roomBench) measure(ctx context.Context, do func() error) (c crossing, err error) {
	if err := do(); err != nil {
		return c, err
	}
	if err := r.quiet(ctx); err != nil {
		return c, err
	}
	c.bytes, c.transmissions = r.crossed()
	return c, nil
}

// say says a line in a room, and waits until others have it.
func (r *roomBench) say(ctx context.Context, p *person, room, text string, to ...*person) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	id := uuid()
	line := "<message type='groupchat' to='" + room + "' id='" + id + "'><body>" + wire.Escape(text) + "</body><origin-id xmlns='urn:xmpp:sid:0' id='" + id + "'/></message>"
	if err := p.WriteString(line); err != nil {
		return err
	}
	for _, q := range to {
		if _, err := q.await(ctx, id); err != nil {
			return err
		}
	}
	return nil
}

// row prints one thing. most and transmissions limit the bytes and the transmissions of the median; -1: no limit.
func (r *roomBench) row(b *bench, w io.Writer, what string, list []crossing, most, transmissions int) error {
	bytes := sorted(list, func(c crossing) int { return c.bytes })
	count := sorted(list, func(c crossing) int { return c.transmissions })
	n, times, goal, word := bytes[len(bytes)/2], "", "", ""
	if c := count[len(count)/2]; c >= 0 {
		times = fmt.Sprint(c)
		if transmissions >= 0 {
			goal, word = fmt.Sprintf("%d sent", transmissions), b.goal(c <= transmissions, "%s: %d transmissions, wanted %d", what, c, transmissions)
		}
	}
	if most >= 0 {
		if goal != "" {
			goal += ", "
		}
		if w := b.goal(n <= most, "%s: %d bytes, wanted at most %d", what, n, most); word == "" || word == "met" {
			word = w
		}
		goal += fmt.Sprintf("≤ %d B", most)
	}
	_, err := fmt.Fprintf(w, "%s\t%d\t%s\t%s\t%s\t\n", what, n, times, goal, word)
	return err
}

const federatedOps, joinedOps = "ops@" + roomField, "ops@" + roomHQ

// federated measures the room of both.
func (r *roomBench) federated(ctx context.Context, b *bench, w io.Writer) error {
	bob, dave := r.far[0], r.far[1]
	idle, err := r.measure(ctx, func() error {
		return r.say(ctx, r.near[0], joinedOps, "Is anybody in the field yet, or are we?", r.near...)
	})
	if err != nil {
		return err
	}
	first, err := r.measure(ctx, func() error { return bob.enter(federatedOps, "") })
	if err != nil {
		return err
	}
	var lines, joins, leaves, rejoins []crossing
	for i, text := range append(texts[9:12:12], roomLines...) {
		from, room, to := r.near[0], joinedOps, bob
		if i%2 == 1 {
			from, room, to = bob, federatedOps, r.near[len(r.near)-1]
		}
		c, err := r.measure(ctx, func() error { return r.say(ctx, from, room, text, to) })
		if err != nil {
			return err
		}
		if i >= 3 { // the coder knows people and rooms by then
			lines = append(lines, c)
		}
	}
	for range 3 {
		for _, s := range []struct {
			list *[]crossing
			do   func() error
		}{
			{&joins, func() error { return dave.enter(federatedOps, "") }}, {&leaves, func() error { return dave.leave(federatedOps) }},
			{nil, func() error { return bob.leave(federatedOps) }}, {&rejoins, func() error { return bob.enter(federatedOps, "") }},
		} {
			c, err := r.measure(ctx, s.do)
			if err != nil {
				return err
			}
			if s.list != nil {
				*s.list = append(*s.list, c)
			}
		}
	}
	if _, err := r.measure(ctx, func() error { return bob.leave(federatedOps) }); err != nil {
		return err
	}
	alone := []crossing{idle}
	for _, text := range []string{"They have all left us, so this stays here", "And so does this, which nobody out there waits for"} {
		// What the link still does about the farewell is no line's price.
		if _, err := r.measure(ctx, func() error { return r.quiet(ctx) }); err != nil {
			return err
		}
		c, err := r.measure(ctx, func() error { return r.say(ctx, r.near[1], joinedOps, text, r.near...) })
		if err != nil {
			return err
		}
		alone = append(alone, c)
	}
	return errors.Join(
		r.row(b, w, "federated: a line for nobody there", alone, 0, 0),
		r.row(b, w, fmt.Sprintf("federated: the first join ever, %d there", roomCrowd), []crossing{first}, -1, -1),
		r.row(b, w, fmt.Sprintf("federated: a line, %d there", roomCrowd), lines, -1, 2),
		r.row(b, w, "federated: one more joins", joins, -1, 2),
		r.row(b, w, "federated: one of two leaves", leaves, -1, 2),
		r.row(b, w, fmt.Sprintf("federated: joining again, %d there", roomCrowd), rejoins, -1, -1),
	)
}

// plain measures rooms of headquarters that people in the field enter across the link.
func (r *roomBench) plain(ctx context.Context, b *bench, w io.Writer) error {
	const five, full = "five@" + roomHQ, "plain@" + roomHQ
	none := "<history maxstanzas='0'/>"
	if err := r.near[0].enter(five, none); err != nil {
		return err
	}
	var enter []crossing
	for _, p := range r.far {
		c, err := r.measure(ctx, func() error { return p.enter(five, none) })
		if err != nil {
			return err
		}
		enter = append(enter, c)
	}
	var lines []crossing
	for i, text := range texts[:7] {
		c, err := r.measure(ctx, func() error { return r.say(ctx, r.near[0], five, text, r.far...) })
		if err != nil {
			return err
		}
		if i >= 2 {
			lines = append(lines, c)
		}
	}
	for i := range roomCrowd {
		if err := r.say(ctx, r.near[i], full, roomLines[i%len(roomLines)], r.near[0]); err != nil {
			return err
		}
	}
	bob := r.far[0]
	join, err := r.measure(ctx, func() error { return bob.enter(full, "") })
	if err != nil {
		return err
	}
	again := func() error { return errors.Join(bob.leave(full), bob.enter(full, "<history maxstanzas='0'/>")) }
	rejoin, err := r.measure(ctx, again)
	if err != nil {
		return err
	}
	return errors.Join(
		r.row(b, w, fmt.Sprintf("plain: a line, %d from afar there", roomFar), lines, -1, -1),
		r.row(b, w, fmt.Sprintf("plain: one joins, up to %d from afar there", roomFar), enter, -1, -1),
		r.row(b, w, fmt.Sprintf("plain: joining, %d there, 20 lines", roomCrowd), []crossing{join}, -1, -1),
		r.row(b, w, fmt.Sprintf("plain: joining again, %d there, no lines", roomCrowd), []crossing{rejoin}, -1, -1),
	)
}
