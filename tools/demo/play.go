package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os/exec"
	"strings"
	"sync"
	"time"

	"mellium.im/xmpp/stanza"

	"longwire/tools/rig/mellium"
)

// cast are the scripted users of headquarters and field.
var cast = [2]string{"alice", "bob"}

// A cue is a line of the script.
type cue struct {
	who  int  // index in cast
	wait bool // only after the line before has arrived
	text string
}

var script = []cue{
	{0, false, "Field, this is headquarters. How do you read?"},
	{1, true, "Loud and clear, a little late as ever."},
	{0, true, "Convoy two left at 06:40, nine vehicles."},
	{1, true, "Nine vehicles, 06:40. Rahden bridge is open."},
	{0, true, "Good: route blue, checkpoint 4 at 08:15."},
	{1, false, "Route blue. A guide waits at checkpoint 4."},
	{0, false, "Take the spare radio, theirs is on reserve."},
	{1, false, "Will do. We also need 40 l of diesel."},
	{0, true, "Diesel is on vehicle 7."},
	{1, true, "Vehicle 7, thank you. Ceiling is 300 m here."},
	{0, true, "Noted. Next report at 09:00."},
	{1, true, "09:00. Field out."},
}

// A line is a cue on its way.
type line struct {
	cue
	number    int
	said      time.Duration // since the start, as all times here
	count     uint32        // its number among the stanzas of its client
	accepted  time.Duration
	queued    time.Duration
	sent      time.Duration
	delivered time.Duration
	arrivals  int
	wire      int64 // bytes on the wire, its share
	together  int   // lines that arrived at once with it
	stamp     string
	bytes     int // in the queue
}

// A show is a play under way.
type show struct {
	*stage
	start   time.Time
	clients [2]*mellium.Client

	mu       sync.Mutex // guards all below
	lines    []*line
	arrived  chan *line
	strange  int      // messages that nobody said
	wireSeen [2]int64 // bytes already told of, to field and to headquarters
	answer   func(to int, m mellium.Message)

	roomLines   []*roomLine
	roomPrinted int
	crowd       [2]bool // a client sees the other in its room
	staying     bool
}

// result is what the play came to.
type result struct {
	lines   []*line
	strange int
	forth   int64
	back    int64
	took    time.Duration
	cuts    int
}

func (r result) verdict() error {
	var faults []error
	for _, l := range r.lines {
		if l.arrivals != 1 {
			faults = append(faults, fmt.Errorf("line %d arrived %d times", l.number+1, l.arrivals))
		}
	}
	if r.strange > 0 {
		faults = append(faults, fmt.Errorf("%d messages came that nobody said", r.strange))
	}
	return errors.Join(faults...)
}

// raise logs the cast in.
func (s *stage) raise(ctx context.Context) (sh *show, end func(), err error) {
	sh = &show{stage: s, start: time.Now(), arrived: make(chan *line, 100)}
	s.answer(sh)
	var stops []func()
	end = func() {
		for _, stop := range stops {
			stop()
		}
	}
	for i, n := range s.nodes {
		c, err := mellium.Dial(ctx, mellium.Login{Address: n.StartTLS(), JID: cast[i] + "@" + n.Domain, Password: password}, mellium.Events{
			Message: func(m mellium.Message) {
				if m.Type == stanza.GroupChatMessage {
					sh.inRoom(i, m)
					return
				}
				sh.heard(1-i, m)
			},
			Presence: func(p mellium.Presence) { sh.enters(i, p) },
			Accepted: func(h uint32) { sh.taken(i, h) },
		})
		if err != nil {
			return nil, end, err
		}
		if err := errors.Join(c.EnableAcks(ctx), c.Available(ctx)); err != nil {
			return nil, end, err
		}
		sh.clients[i] = c
		stop, err := sh.watch(ctx, i)
		if err != nil {
			return nil, end, err
		}
		stops = append(stops, stop)
	}
	return sh, end, nil
}

// play has the script spoken, with a cut of the path in the middle.
func (s *stage) play(ctx context.Context, p *page, sh *show) (result, error) {
	rng := rand.New(rand.NewPCG(s.seed, 0))
	cutAfter := 4 + rng.IntN(2)
	cuts := 0
	mended := make(chan struct{})
	for i, c := range script {
		if i > 0 && c.wait {
			if err := sh.settle(ctx, p, i); err != nil {
				return result{}, err
			}
		}
		if !pause(ctx, time.Duration(700+rng.IntN(600))*time.Millisecond) {
			return result{}, ctx.Err()
		}
		if err := sh.say(ctx, i, c); err != nil {
			return result{}, err
		}
		if i == cutAfter {
			cuts++
			s.path.Cut()
			p.event(sh.now(), fmt.Sprintf("the path is gone, for %v", s.cut))
			go func() {
				defer close(mended)
				if pause(ctx, s.cut) {
					p.event(sh.now(), "the path is back")
					s.path.Mend()
				}
			}()
		}
	}
	if err := sh.settle(ctx, p, len(script)); err != nil {
		return result{}, err
	}
	<-mended
	// A line that comes twice comes late.
	pause(ctx, s.delay+time.Second)
	r := result{lines: sh.lines, strange: sh.strange, took: sh.now(), cuts: cuts}
	r.forth, r.back = s.path.Bytes()
	return r, nil
}

func (sh *show) now() time.Duration { return time.Since(sh.start) }

// say sends a line.
func (sh *show) say(ctx context.Context, number int, c cue) error {
	to := cast[1-c.who] + "@" + sh.nodes[1-c.who].Domain
	l := &line{cue: c, number: number, said: sh.now()}
	sh.mu.Lock()
	defer sh.mu.Unlock()
	sh.lines = append(sh.lines, l)
	n, err := sh.clients[c.who].Say(ctx, to, id(number), c.text)
	l.count = n
	return err
}

func id(number int) string { return fmt.Sprintf("line%d", number+1) }

// heard is what a client got from the other's side.
func (sh *show) heard(from int, m mellium.Message) {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	for _, l := range sh.lines {
		// Not by its id: that may be a number at the far side.
		if l.who == from && m.Body == l.text {
			if l.arrivals++; l.arrivals == 1 {
				l.delivered, l.stamp = sh.now(), m.Delay.Stamp
				sh.arrived <- l
			}
			return
		}
	}
	if m.From.Localpart() == "you" && sh.answer != nil {
		go sh.answer(1-from, m)
		return
	}
	sh.strange++
}

// taken is the ack of a client's own node.
func (sh *show) taken(who int, h uint32) {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	for _, l := range sh.lines {
		if l.who == who && l.accepted == 0 && l.count <= h {
			l.accepted = sh.now()
		}
	}
}

// watch follows the queue of a node as an operator would, with "longwire queue watch".
func (sh *show) watch(ctx context.Context, i int) (stop func(), err error) {
	n := sh.nodes[i]
	cmd := exec.CommandContext(ctx, n.Bin, "queue", "watch", "--json", "--config", n.Config())
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("demo: queue watch: %w", err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		d := json.NewDecoder(out)
		for {
			var e struct {
				Time         time.Time
				What, Stanza string
				Bytes        int
			}
			if d.Decode(&e) != nil {
				return
			}
			sh.queue(i, e.What, e.Stanza, e.Bytes, e.Time.Sub(sh.start))
		}
	}()
	return func() { cmd.Process.Kill(); <-done; cmd.Wait() }, nil
}

func (sh *show) queue(who int, what, stanza string, bytes int, at time.Duration) {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	for _, l := range sh.lines {
		if l.who != who || id(l.number) != stanza {
			continue
		}
		l.bytes = max(l.bytes, bytes)
		switch what {
		case "queued":
			l.queued = at
		case "sent":
			l.sent = at // the last time counts, if the path was cut
		case "back":
			l.sent = 0
		}
	}
}

// settle waits until that many lines have arrived, and prints each.
func (sh *show) settle(ctx context.Context, p *page, want int) error {
	for {
		sh.mu.Lock()
		have := 0
		for _, l := range sh.lines {
			if l.arrivals > 0 && l.together > 0 {
				have++
			}
		}
		sh.mu.Unlock()
		if have >= want {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("only %d of %d lines arrived: %w", have, want, ctx.Err())
		case l := <-sh.arrived:
			sh.print(ctx, p, l)
		}
	}
}

// print shows a line and all that arrive with it: they came over the wire in one piece and share its cost.
func (sh *show) print(ctx context.Context, p *page, first *line) {
	pause(ctx, 400*time.Millisecond) // also lets the watch catch up, which looks twice a second
	group := []*line{first}
	for len(sh.arrived) > 0 {
		group = append(group, <-sh.arrived)
	}
	forth, back := sh.path.Bytes()
	sh.mu.Lock()
	defer sh.mu.Unlock()
	for who, total := range []int64{forth, back} {
		var n int64
		for _, l := range group {
			if l.who == who {
				n++
			}
		}
		if n == 0 {
			continue
		}
		for _, l := range group {
			if l.who == who {
				l.wire, l.together = (total-sh.wireSeen[who])/n, int(n)
			}
		}
		sh.wireSeen[who] = total
	}
	for _, l := range group {
		p.line(sh, l)
	}
}

func pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}

// answer lets the scripted users answer the reader's own client once the play is over.
func (s *stage) answer(sh *show) {
	sh.answer = func(who int, m mellium.Message) {
		if m.Body == "" {
			return
		}
		text := fmt.Sprintf("This is %s. I read you: “%s”", strings.ToUpper(cast[who][:1])+cast[who][1:], m.Body)
		sh.clients[who].Say(context.Background(), m.From.String(), "", text)
	}
}

// stay keeps everything up, with a cut now and then, until the reader has seen enough.
func (s *stage) stay(ctx context.Context, p *page) {
	rng := rand.New(rand.NewPCG(s.seed, 1))
	for pause(ctx, time.Duration(60+rng.IntN(60))*time.Second) {
		s.path.Cut()
		p.clock(fmt.Sprintf("the path is gone, for %v", s.cut))
		if !pause(ctx, s.cut) {
			return
		}
		s.path.Mend()
		p.clock("the path is back")
	}
}

var _ io.Writer = (*page)(nil)
