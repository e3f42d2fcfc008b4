package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"path/filepath"
	"text/tabwriter"
	"time"

	"longwire/links/modem"
	"longwire/tools/rig"
	"longwire/tools/rig/onair"
)

// What comes in a burst.
const (
	burstPeople = 4               // who write, at headquarters
	burstTime   = 4 * time.Second // of radio, in which all is written
	burstWait   = 30 * time.Minute
)

// A burstCase is one rate.
type burstCase struct{ rate, scale int }

var (
	burstCases = []burstCase{{75, 20}, {300, 10}, {1200, 10}}
	burstSizes = []int{1, 5, 10, 20}
)

// A volley is what one burst cost.
type volley struct {
	rate, size      int
	frames, senders int // U_PDUs with data, transmissions with some of it
	transmissions   int
	bytes           int // of the U_PDUs with data
	air             time.Duration
	first, last     time.Duration // until the first and the last were there
}

// bursts is the table of many messages at once.
func bursts(ctx context.Context, b *bench, out io.Writer) error {
	var all []volley
	for _, c := range burstCases {
		fmt.Fprintf(b.progress, "bursts at %d bit/s\n", c.rate)
		list, err := burstsAt(ctx, b, c)
		if err != nil {
			return fmt.Errorf("%d bit/s: %w", c.rate, err)
		}
		all = append(all, list...)
	}
	fmt.Fprintf(out, "\nMessages of %d characters that %d people write within %v, soft link up, short interleaver: how they are packed.\n", messageSize, burstPeople, burstTime)
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "bit/s\tmessages\tU_PDUs\tbytes a message\ttransmissions\tof these data\tair\tfirst there\tlast there\t")
	for _, v := range all {
		fmt.Fprintf(w, "%d\t%d\t%d\t%.1f\t%d\t%d\t%.1f s\t%.1f s\t%.1f s\t\n", v.rate, v.size, v.frames, float64(v.bytes)/float64(v.size), v.transmissions, v.senders,
			v.air.Seconds(), v.first.Seconds(), v.last.Seconds())
	}
	return w.Flush()
}

func burstsAt(ctx context.Context, b *bench, c burstCase) (list []volley, err error) {
	net, err := rig.NewNet(rig.HF{Rate: c.rate, Scale: c.scale, Longwire: b.longwire, SISServer: b.sis, Dir: filepath.Join(b.dir, fmt.Sprintf("burst%d", c.rate)),
		Domains: []string{"headquarters.net", "field.net"}, Peer: asShipped, Channel: modem.ChannelConfig{Seed: 1}})
	if err != nil {
		return nil, err
	}
	defer net.Stop()
	var people []*person
	defer func() {
		for _, p := range people {
			p.hangUp()
		}
	}()
	var users []rig.User
	for i := range burstPeople + 1 {
		n := net.Nodes[i/burstPeople]
		u := roomUser(i, n.Domain)
		users = append(users, u)
		err = errors.Join(err, n.AddUsers(ctx, u))
	}
	if err == nil {
		err = net.Start(ctx)
	}
	for i, u := range users {
		if err != nil {
			return nil, err
		}
		var p *person
		if p, err = logIn(ctx, net.Nodes[i/burstPeople], u, true); err == nil {
			people = append(people, p)
			err = p.WriteString("<presence/>")
		}
	}
	far := people[burstPeople]
	for i, p := range people[:burstPeople] { // each has written before, and was answered
		for _, way := range [][2]*person{{p, far}, {far, p}} {
			if _, err := say(ctx, way[0], way[1], i, texts[i]); err != nil {
				return nil, err
			}
		}
	}
	var reader onair.Reader
	seen := 0
	for _, size := range burstSizes {
		if err := net.Quiet(ctx, 20*time.Second); err != nil {
			return nil, err
		}
		for _, s := range net.Air.Signals()[seen:] {
			reader.Read(s)
			seen++
		}
		v, err := burst(ctx, net, people, size)
		if err != nil {
			return nil, err
		}
		v.rate = c.rate
		for _, s := range net.Air.Signals()[seen:] {
			seen++
			v.add(reader.Read(s))
		}
		list = append(list, v)
	}
	return list, nil
}

// burst has some messages written, and waits for them.
func burst(ctx context.Context, net *rig.Net, people []*person, size int) (volley, error) {
	ctx, cancel := context.WithTimeout(ctx, burstWait)
	defer cancel()
	v, far, begin := volley{size: size}, people[burstPeople], time.Now()
	var all []string
	for i := range size {
		who := rand.N(burstPeople)
		text := fmt.Sprintf("%s %d.%d", texts[(i+size)%len(texts)][:messageSize-5], size, i)
		all = append(all, text)
		if err := people[who].WriteString(decorated(who, far.User.JID(), uuid(), text)); err != nil {
			return v, err
		}
		if i+1 < size {
			if err := net.Sleep(ctx, burstTime/time.Duration(size)); err != nil {
				return v, err
			}
		}
	}
	for i, text := range all {
		at, err := far.await(ctx, said(text))
		if err != nil {
			return v, err
		}
		if took := net.Air.Radio(at.Sub(begin)); i == 0 || took < v.first {
			v.first = took
		}
		v.last = max(v.last, net.Air.Radio(at.Sub(begin)))
	}
	return v, net.Quiet(ctx, 5*time.Second)
}

// add takes in what was on the air.
func (v *volley) add(t *onair.Transmission) {
	v.transmissions++
	v.air += t.Air()
	if t.Carries() {
		v.senders++
	}
	for _, u := range t.Units {
		if len(u.UPDU) > 3 { // a mark has three
			v.frames++
			v.bytes += len(u.UPDU)
		}
	}
}
