package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"golang.org/x/sync/errgroup"

	"longwire/links/modem"
	"longwire/tools/rig"
	"longwire/tools/rig/wire"
)

const (
	foldRate  = 300
	foldScale = 30
	foldHour  = time.Hour // of radio: half of it nobody says anything, in the other half all chat
	foldTurns = 12        // times that each says something
)

// A tongue is how the nodes of one run treat what clients say.
type tongue struct {
	name, line string
	peer       map[string]any // keys of [[peer]]
}

var tongues = []tongue{
	{"whole", "all crosses", allCrosses},
	{"folded", "by default", nil},
	{"short", "with short ids", map[string]any{"fold.shorten_ids": true}},
}

// A spent is what stanzas of a kind came to, as the nodes' telemetry has it.
type spent struct{ stanzas, raw, compressed, wire int }

// An hour is one run.
type hour struct {
	kinds         map[string]spent
	transmissions int
	bytes         int // on the air, with all headers and what repairs errors
	air           time.Duration
	said, heard   int
	late          time.Duration // until it was quiet, after the hour
}

// folding compares an hour of the same clients with and without.
func folding(ctx context.Context, b *bench, out io.Writer) error {
	fmt.Fprintf(b.progress, "%v of %d clients and their contacts, %d times\n", foldHour, clients, len(tongues))
	hours := make([]hour, len(tongues))
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(2)
	for i, c := range tongues {
		g.Go(func() (err error) {
			if hours[i], err = foldingAs(gctx, b, c); err != nil {
				err = fmt.Errorf("%s: %w", c.name, err)
			}
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	return printFolding(b, out, hours)
}

var foldKinds = []string{"chat", "receipt", "state", "presence", "iq"}

func printFolding(b *bench, out io.Writer, hours []hour) error {
	fmt.Fprintf(out, "\nAn hour at %d bit/s of %d clients at headquarters, each with a contact in the field: half an hour idle (they come, go away and come back), half an\n", foldRate, clients)
	fmt.Fprintf(out, "hour of chat (%d messages each). Scale %d. The clients are programs of this bench that write and answer what Conversations, Gajim, Dino and Profanity\n", foldTurns, foldScale)
	fmt.Fprintln(out, "do; nodes and servers are those that ship. Raw is XML as it waits, air the stanzas' bytes compressed and framed. Chat has subscriptions and errors in it.")
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(w, "what\t")
	for _, c := range tongues {
		fmt.Fprintf(w, "%s:\traw\tair\t", c.line)
	}
	fmt.Fprintln(w)
	for _, k := range foldKinds {
		fmt.Fprintf(w, "%s\t", k)
		for _, h := range hours {
			s := h.kinds[k]
			fmt.Fprintf(w, "%d\t%d\t%d\t", s.stanzas, s.raw, s.wire)
		}
		fmt.Fprintln(w)
	}
	row := func(what string, of func(hour) any) {
		fmt.Fprintf(w, "%s\t", what)
		for _, h := range hours {
			fmt.Fprintf(w, "\t\t%v\t", of(h))
		}
		fmt.Fprintln(w)
	}
	row("transmissions", func(h hour) any { return h.transmissions })
	row("bytes on the air", func(h hour) any { return h.bytes })
	row("air", func(h hour) any { return fmt.Sprintf("%.0f s", h.air.Seconds()) })
	row("quiet after the hour", func(h hour) any { return fmt.Sprintf("%.0f s", h.late.Seconds()) })
	row("messages heard", func(h hour) any { return fmt.Sprintf("%d of %d", h.heard, h.said) })
	if err := w.Flush(); err != nil {
		return err
	}
	whole, less := hours[0], hours[1]
	for _, g := range []struct {
		what string
		met  bool
		is   string
	}{
		{"0 bytes of iq", less.kinds["iq"].wire == 0 && less.kinds["iq"].stanzas == 0, fmt.Sprintf("%d stanzas, %d bytes", less.kinds["iq"].stanzas, less.kinds["iq"].wire)},
		{"0 presence, as its mode is all", less.kinds["presence"].stanzas == 0, fmt.Sprint(less.kinds["presence"].stanzas)},
		{"0 receipts and chat states", less.kinds["receipt"].stanzas+less.kinds["state"].stanzas == 0, fmt.Sprint(less.kinds["receipt"].stanzas + less.kinds["state"].stanzas)},
		{"every message heard", less.heard == less.said && less.said == 2*clients*foldTurns, fmt.Sprintf("%d of %d", less.heard, less.said)},
		{"at most half of the air", less.air <= whole.air/2, fmt.Sprintf("%.0f %%", 100*less.air.Seconds()/whole.air.Seconds())},
	} {
		fmt.Fprintf(out, "%s: %s: %s\n", g.what, g.is, b.goal(g.met, "folding: %s: %s", g.what, g.is))
	}
	if long, short := less.kinds["chat"], hours[2].kinds["chat"]; long.stanzas > 0 && short.stanzas > 0 {
		fmt.Fprintf(out, "A message takes %.1f bytes with its id, and %.1f with a short one.\n", float64(long.wire)/float64(long.stanzas), float64(short.wire)/float64(short.stanzas))
	}
	return nil
}

// foldingAs is one run.
func foldingAs(ctx context.Context, b *bench, c tongue) (h hour, err error) {
	dir := filepath.Join(b.dir, "folding-"+c.name)
	net, err := rig.NewNet(rig.HF{Longwire: b.longwire, SISServer: b.sis, Dir: dir, Domains: []string{"headquarters.net", "field.net"},
		Rate: foldRate, Scale: foldScale, Link: map[string]any{"compress": true}, Peer: c.peer, Channel: modem.ChannelConfig{Seed: 1}})
	if err != nil {
		return h, err
	}
	g, err := newGroupOn(ctx, net)
	if err != nil {
		return h, err
	}
	ended := false
	defer func() {
		if !ended {
			g.end()
		}
	}()
	if err := g.befriend(ctx); err != nil {
		return h, err
	}
	for i := range clients {
		g.near[i].reacts.Store(true)
		g.far[i].reacts.Store(true)
	}
	first, begin := len(net.Air.Signals()), time.Now()
	said, err := g.live(ctx, begin)
	if err != nil {
		return h, err
	}
	over := time.Now()
	if err := net.Quiet(ctx, 150*time.Second); err != nil {
		return h, err
	}
	h.late = max(0, net.Air.Radio(time.Since(over))-150*time.Second)
	for _, s := range net.Air.Signals()[first:] {
		h.transmissions++
		h.air += s.End.Sub(s.Start)
		h.bytes += s.Bits / 8
	}
	h.said = len(said)
	for id, p := range said {
		if _, ok := p.hears(id); ok || c.peer["fold.shorten_ids"] == true && p.hearsText(id) {
			h.heard++
		}
	}
	ended = true
	g.end() // which writes the rest of the telemetry
	h.kinds, err = telemetry(dir, begin)
	return h, err
}

// befriend makes all subscribe to each other, and waits until that is over.
func (g *group) befriend(ctx context.Context) error {
	for i, p := range g.near {
		f := g.far[i]
		if err := errors.Join(p.WriteString("<presence type='subscribe' to='"+f.User.JID()+"'/>"), g.net.Quiet(ctx, 40*time.Second)); err != nil {
			return err
		}
		err := f.WriteString("<presence type='subscribed' to='" + p.User.JID() + "'/><presence type='subscribe' to='" + p.User.JID() + "'/>")
		if err = errors.Join(err, g.net.Quiet(ctx, 40*time.Second), p.WriteString("<presence type='subscribed' to='"+f.User.JID()+"'/>")); err != nil {
			return err
		}
	}
	return g.net.Quiet(ctx, 150*time.Second)
}

// live is the hour. It returns who should have heard which message.
func (g *group) live(ctx context.Context, begin time.Time) (said map[string]*person, err error) {
	said = map[string]*person{}
	at := func(minutes float64, do func() error) error {
		wait := g.net.Real(time.Duration(minutes*float64(time.Minute))) - time.Since(begin)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(wait):
			return do()
		}
	}
	each := func(do func(i int, p, other *person) error) func() error {
		return func() (err error) {
			for i := range clients {
				err = errors.Join(err, do(i, g.near[i], g.far[i]), do(i, g.far[i], g.near[i]))
			}
			return err
		}
	}
	be := func(show string, priority int) func() error {
		return each(func(_ int, p, _ *person) error { return p.WriteString(available(show, priority)) })
	}
	for i, step := range []func() error{be("", 1), be("away", 0), be("", 1), be("xa", 0), be("", 1)} {
		if err := at(6*float64(i), step); err != nil {
			return nil, err
		}
	}
	turn := foldHour.Minutes() / 2 / foldTurns
	for n := range foldTurns {
		for half := range 2 {
			for i := range clients {
				p, other := g.near[i], g.far[i]
				if half == 1 {
					p, other = other, p
				}
				when := foldHour.Minutes()/2 + turn*(float64(n)+float64(half)/2+float64(i)/(2*clients))
				err := at(when, func() error {
					id := uuid()
					said[id] = other
					return p.says(i, other.User.JID(), id, texts[(n*2+half+i)%len(texts)], n == 0)
				})
				if err != nil {
					return nil, err
				}
			}
		}
	}
	return said, at(foldHour.Minutes(), func() error { return nil })
}

// says writes a message as a client does: it asks what the other can do when the window opens, and tells that its user types.
func (p *person) says(style int, to, id, text string, opens bool) error {
	state := func(s string) string {
		return "<message type='chat' to='" + to + "'><" + s + " xmlns='http://jabber.org/protocol/chatstates'/><no-store xmlns='urn:xmpp:hints'/></message>"
	}
	var b strings.Builder
	if opens {
		for _, ns := range []string{"http://jabber.org/protocol/disco#info", "jabber:iq:last", "urn:xmpp:time"} {
			name := "query"
			if ns == "urn:xmpp:time" {
				name = "time"
			}
			fmt.Fprintf(&b, "<iq type='get' id='%s' to='%s'><%s xmlns='%s'/></iq>", uuid(), to, name, ns)
		}
		fmt.Fprintf(&b, "<iq type='get' id='%s' to='%s'><vCard xmlns='vcard-temp'/></iq>", uuid(), to)
	}
	b.WriteString(state("composing"))
	b.WriteString(decorated(style, to, id, text+" ["+id[:8]+"]"))
	b.WriteString(state("inactive"))
	return p.WriteString(b.String())
}

// acknowledge is what a client does by itself with what it hears: it tells that a message came and was seen, and asks a contact that it sees
// for the first time what it can do.
func (p *person) acknowledge(e wire.Element) {
	from := wire.Attr(e.Raw, "from")
	switch {
	case e.Name == "message" && bytes.Contains(e.Raw, []byte("urn:xmpp:receipts")) && bytes.Contains(e.Raw, []byte("<request")):
		id := wire.Escape(wire.Attr(e.Raw, "id"))
		_ = p.WriteString("<message type='chat' id='" + uuid() + "' to='" + wire.Escape(from) + "'><received xmlns='urn:xmpp:receipts' id='" + id + "'/></message>")
		if bytes.Contains(e.Raw, []byte("<markable")) {
			_ = p.WriteString("<message type='chat' id='" + uuid() + "' to='" + wire.Escape(bare(from)) + "'><displayed xmlns='urn:xmpp:chat-markers:0' id='" + id + "'/></message>")
		}
	case e.Name == "presence" && bytes.Contains(e.Raw, []byte("http://jabber.org/protocol/caps")) && from != p.Conn.JID && p.meets(from):
		_ = p.WriteString("<iq type='get' id='" + uuid() + "' to='" + wire.Escape(from) + "'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>")
	}
}

// telemetry sums up what both nodes sent since begin.
func telemetry(dir string, begin time.Time) (map[string]spent, error) {
	kinds := map[string]spent{}
	files := 0
	err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".jsonl" {
			return err
		}
		files++
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		defer f.Close()
		lines := bufio.NewScanner(f)
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			var l struct {
				Kind       string    `json:"k"`
				At         time.Time `json:"t"`
				Dir, Type  string
				Raw        int
				Compressed int
				Wire       int
			}
			if err := json.Unmarshal(lines.Bytes(), &l); err != nil {
				return fmt.Errorf("%s: %w", path, err)
			}
			if l.Kind != "stanza" || l.Dir != "out" || l.At.Before(begin) {
				continue
			}
			s := kinds[l.Type]
			kinds[l.Type] = spent{s.stanzas + 1, s.raw + l.Raw, s.compressed + l.Compressed, s.wire + l.Wire}
		}
		return lines.Err()
	})
	if err == nil && files == 0 {
		err = fmt.Errorf("no telemetry in %s", dir)
	}
	return kinds, err
}
