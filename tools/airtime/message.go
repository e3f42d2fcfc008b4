package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"text/tabwriter"
	"time"

	"golang.org/x/sync/errgroup"

	"longwire/links/dts"
	"longwire/links/modem"
	"longwire/tools/rig"
	"longwire/tools/rig/onair"
)

// messageSize is how many characters each of the texts has.
const messageSize = 40

// texts are different things that people say in 40 characters.
var texts = []string{
	"Convoy two is at checkpoint 4, all well.",
	"Bridge at Rahden is closed until Friday.",
	"Send the medic's list before noon today.",
	"We have water for two days, not for 3...",
	"Is the spare generator on its way to us?",
	"Weather: fog, ceiling 200 m, wind 4 from",
	"Please repeat your position, over to you",
	"Fuel: 140 l diesel, 60 l petrol. Need 90",
	"The doctor asks for 12 units of blood, A",
	"Route green is mined, take route yellow.",
	"Arrived 07:25 with nine of ten vehicles.",
	"Who has the key of the container in bay?",
}

// A messageCase is one rate.
type messageCase struct {
	rate, scale int
	goal        float64 // times the floor; 0: none
}

var messageCases = []messageCase{{75, 15, 0}, {300, 6, 2.5}, {1200, 10, 0}, {2400, 8, 0}, {9600, 8, 0}}

// A message is what one cost.
type message struct {
	waited        time.Duration
	transmissions int
	air           time.Duration
	frame, dpdu   int // bytes of the data
	odd           string
}

// messages is the table of short messages.
func messages(ctx context.Context, b *bench, out io.Writer) error {
	fmt.Fprintln(b.progress, "short messages at", len(messageCases), "rates")
	results := make([][]message, len(messageCases))
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(2)
	for i, c := range messageCases {
		g.Go(func() (err error) {
			if results[i], err = messagesAt(gctx, b, c); err != nil {
				err = fmt.Errorf("%d bit/s: %w", c.rate, err)
			}
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	fmt.Fprintf(out, "\nA message of %d characters, decorated as by four kinds of clients, soft link up, short interleaver, turnaround 2 s; %d texts, alternately\nfrom both sides; medians. Waited is from client to client. ", messageSize, len(texts))
	fmt.Fprintf(out, "The floor is preamble + one interleaver block + %.1f bit a character ÷ rate.\n", floorBits)
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "bit/s\tframe\tD_PDU\ttransmissions\tgoal\t\tair\twaited\tbest\tworst\tfloor\tratio\tgoal\t\tscale\t")
	for i, c := range messageCases {
		if err := printMessages(b, w, c, results[i]); err != nil {
			return err
		}
	}
	return w.Flush()
}

func printMessages(b *bench, w io.Writer, c messageCase, list []message) error {
	wave, err := modem.Find(c.rate, dts.ShortInterleaver)
	if err != nil {
		return err
	}
	waited := sorted(list, func(m message) time.Duration { return m.waited })
	air := sorted(list, func(m message) time.Duration { return m.air })
	count := sorted(list, func(m message) int { return m.transmissions })
	least := floor(wave, messageSize)
	middle := waited[len(waited)/2]
	ratio := middle.Seconds() / least.Seconds()
	both := fmt.Sprint(count[0])
	if most := count[len(count)-1]; most != count[0] {
		both = fmt.Sprintf("%d to %d", count[0], most)
	}
	odd := ""
	for _, m := range list {
		if m.odd != "" {
			odd = ": " + m.odd
		}
	}
	exact := b.goal(count[0] == 2 && count[len(count)-1] == 2 && odd == "", "a message at %d bit/s: %s transmissions, wanted data and ack%s", c.rate, both, odd)
	goal, word := "", ""
	if c.goal > 0 {
		goal, word = fmt.Sprintf("≤ %.1f", c.goal), b.goal(ratio <= c.goal, "a message at %d bit/s: %.2f times the floor", c.rate, ratio)
	}
	_, err = fmt.Fprintf(w, "%d\t%d B\t%d B\t%s\t2\t%s\t%.1f s\t%.2f s\t%.2f s\t%.2f s\t%.2f s\t%.2f\t%s\t%s\t%d\t\n", c.rate,
		sorted(list, func(m message) int { return m.frame })[len(list)/2], sorted(list, func(m message) int { return m.dpdu })[len(list)/2],
		both, exact, air[len(air)/2].Seconds(), middle.Seconds(), waited[0].Seconds(), waited[len(waited)-1].Seconds(), least.Seconds(), ratio, goal, word, c.scale)
	return err
}

// sorted is one figure of all.
func sorted[T any, F int | time.Duration](list []T, of func(T) F) []F {
	out := make([]F, len(list))
	for i, m := range list {
		out[i] = of(m)
	}
	slices.Sort(out)
	return out
}

// asShipped are keys of [[peer]] with which ids are numbers on the air, as they are where nobody says otherwise.
var asShipped = map[string]any{"fold.shorten_ids": true}

// pair is two nodes on a channel with a client at each.
func pair(ctx context.Context, b *bench, name string, rate, scale int) (*rig.Net, [2]*person, func(), error) {
	return pairOf(ctx, b, name, rig.HF{Rate: rate, Scale: scale, Peer: asShipped})
}

// pairOf is pair with anything else of the channel.
func pairOf(ctx context.Context, b *bench, name string, h rig.HF) (*rig.Net, [2]*person, func(), error) {
	var people [2]*person
	h.Longwire, h.SISServer, h.Dir, h.Domains = b.longwire, b.sis, filepath.Join(b.dir, name), []string{"headquarters.net", "field.net"}
	h.Link, h.Channel = map[string]any{"compress": true}, modem.ChannelConfig{Seed: 1}
	net, err := rig.NewNet(h)
	if err != nil {
		return nil, people, nil, err
	}
	users := []rig.User{{Name: "alice", Domain: "headquarters.net", Password: password}, {Name: "bob", Domain: "field.net", Password: password}}
	for i, u := range users {
		err = errors.Join(err, net.Nodes[i].AddUsers(ctx, u))
	}
	if err == nil {
		err = net.Start(ctx)
	}
	end := func() {
		for _, p := range people {
			if p != nil {
				p.hangUp()
			}
		}
		_ = net.Stop()
	}
	for i, u := range users {
		if err == nil {
			people[i], err = logIn(ctx, net.Nodes[i], u, true)
		}
		if err == nil {
			err = people[i].WriteString("<presence/>")
		}
	}
	if err != nil {
		end()
		return nil, people, nil, err
	}
	return net, people, end, nil
}

// messagesAt measures all texts at one rate.
func messagesAt(ctx context.Context, b *bench, c messageCase) ([]message, error) {
	net, people, end, err := pair(ctx, b, fmt.Sprintf("message%d", c.rate), c.rate, c.scale)
	if err != nil {
		return nil, err
	}
	defer end()
	// A conversation is under way: the link is up, and each side has heard the other.
	for i, text := range []string{"Field, this is headquarters, radio check", "Headquarters, this is field, loud, clear"} {
		if _, err := say(ctx, people[i], people[1-i], i, text); err != nil {
			return nil, err
		}
		if err := net.Quiet(ctx, 5*time.Second); err != nil {
			return nil, err
		}
	}
	var list []message
	var reader onair.Reader
	seen := 0
	read := func() (sent []*onair.Transmission) {
		signals := net.Air.Signals()
		for _, s := range signals[seen:] {
			sent = append(sent, reader.Read(s))
		}
		seen = len(signals)
		return sent
	}
	read()
	for i, text := range texts {
		if len([]rune(text)) != messageSize {
			return nil, fmt.Errorf("%q has not %d characters", text, messageSize)
		}
		// Somebody types; the link stays up for 30 s.
		if err := net.Sleep(ctx, time.Second+rand.N(5*time.Second)); err != nil {
			return nil, err
		}
		took, err := say(ctx, people[i%2], people[1-i%2], i, text)
		if err != nil {
			return nil, err
		}
		if err := net.Quiet(ctx, 5*time.Second); err != nil {
			return nil, err
		}
		list = append(list, cost(net.Air.Radio(took), read()))
	}
	return list, nil
}

// say sends a message and waits for it at the other side.
func say(ctx context.Context, from, to *person, style int, text string) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	to.forget(text)
	begin := time.Now()
	if err := from.WriteString(decorated(style, to.User.JID(), uuid(), text)); err != nil {
		return 0, err
	}
	at, err := to.await(ctx, said(text))
	return at.Sub(begin), err
}

// cost looks at what was on the air for a message.
func cost(waited time.Duration, sent []*onair.Transmission) message {
	m := message{waited: waited, transmissions: len(sent)}
	for i, t := range sent {
		m.air += t.Air()
		switch {
		case t.Collided || t.Broken:
			m.odd = "a transmission was spoiled"
		case len(t.Links) > 0:
			m.odd = "a " + t.Links[0].String()
		case i == 0 && t.Carries():
			m.dpdu = t.Bits / 8
			for _, u := range t.Units {
				m.frame += len(u.UPDU)
			}
		case i == 1 && t.Acks() && !t.Carries():
		default:
			m.odd = fmt.Sprintf("transmission %d is neither data nor ack", i+1)
		}
	}
	return m
}
