package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"longwire/tools/rig"
	"longwire/tools/rig/onair"
)

const (
	emconRate  = 300
	emconScale = 400
	emconLines = 100 // to the silent station, within
	emconTime  = 12 * time.Hour
	bareMark   = 8 // bytes of a frame that says what was taken, and nothing else
	emconReply = 5 // lines that it would like to say meanwhile
)

// emconStage silences a station and its node for half a day, while it is sent to without ARQ, and looks at what it says afterwards.
func emconStage(ctx context.Context, b *bench, out io.Writer) error {
	fmt.Fprintf(b.progress, "EMCON for %v of radio time\n", emconTime)
	net, people, end, err := pairOf(ctx, b, "emcon", rig.HF{Rate: emconRate, Scale: emconScale, S5066: map[string]any{"delivery": "non-arq", "repeats": 1}})
	if err != nil {
		return err
	}
	defer end()
	for i, text := range []string{"Field, this is headquarters, radio check", "Headquarters, this is field, loud, clear"} {
		if _, err := say(ctx, people[i], people[1-i], i, text); err != nil {
			return err
		}
		if err := net.Quiet(ctx, 10*time.Minute); err != nil {
			return err
		}
	}
	if err := silence(ctx, net, "on"); err != nil {
		return err
	}
	began := net.Air.Clock().Now()
	toField, toHQ, err := speak(ctx, net, people, began)
	if err != nil {
		return err
	}
	for net.Air.Clock().Now().Sub(began) < emconTime {
		if err := net.Sleep(ctx, 10*time.Minute); err != nil {
			return err
		}
	}
	silent := bytesSent(net, rig.Station(1), began)
	missing := len(toField) - heardOf(people[1], toField)
	over := net.Air.Clock().Now()
	if err := silence(ctx, net, "off"); err != nil {
		return err
	}
	for _, id := range toHQ {
		if _, err := people[0].await(ctx, id); err != nil {
			return err
		}
	}
	if err := net.Quiet(ctx, time.Hour); err != nil {
		return err
	}
	faults := append(people[1].odd(toField), people[0].odd(toHQ)...)
	bursts, marks := 0, 0
	var reader onair.Reader
	for _, s := range net.Air.Signals() {
		t := reader.Read(s)
		switch {
		case s.From != rig.Station(1) || !s.Start.After(over) || !t.Carries():
		case slices.ContainsFunc(t.Units, func(u *onair.Unit) bool { return len(u.UPDU) > bareMark }):
			bursts++
		default:
			marks++ // for what headquarters was sending again at that moment
		}
		if b.trace && s.Start.After(over.Add(-time.Hour)) {
			fmt.Fprintln(b.progress, "emcon", t.Line(over))
		}
	}
	// What headquarters still sends again afterwards it would not if it had been told.
	waits, err := unsent(ctx, net)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "\nEMCON at %d bit/s, without ARQ: %d messages to the silent station in %v of radio time, %d of its own waiting; scale %d.\n", emconRate, emconLines, emconTime, emconReply, emconScale)
	fmt.Fprintf(out, "It sent %d bytes meanwhile, goal 0: %s. Messages that had not come when it ended: %d, goal 0: %s.\n", silent,
		b.goal(silent == 0, "EMCON: %d bytes were sent", silent), missing, b.goal(missing == 0, "EMCON: %d messages did not come", missing))
	fmt.Fprintf(out, "Afterwards it sent %d burst, with its confirmation of all and what waited, goal 1: %s; and %d bare marks for what was being sent to it again. Lost or doubled: %s. Not confirmed in the end: %d, goal 0: %s.\n", bursts,
		b.goal(bursts == 1, "EMCON: %d bursts afterwards", bursts), marks, b.goal(len(faults) == 0, "EMCON: %v", faults), waits, b.goal(waits == 0, "EMCON: %d messages are not confirmed", waits))
	return nil
}

// silence switches EMCON of the second station and its node.
func silence(ctx context.Context, net *rig.Net, word string) error {
	_, err := net.Nodes[1].Command(ctx, "", "link", "emcon", net.Nodes[1].HF[0].Name, word)
	_, err2 := net.Servers[1].Command(ctx, "emcon", word)
	return errors.Join(err, err2)
}

// speak has both sides say their lines, spread over most of the time.
func speak(ctx context.Context, net *rig.Net, people [2]*person, began time.Time) (toField, toHQ []string, err error) {
	step := emconTime * 9 / 10 / emconLines
	for i := range emconLines {
		id := uuid()
		toField = append(toField, id)
		if err := people[0].WriteString(decorated(i, people[1].User.JID(), id, fmt.Sprint(texts[i%len(texts)], " ", i))); err != nil {
			return nil, nil, err
		}
		if i%(emconLines/emconReply) == 0 {
			id := uuid()
			toHQ = append(toHQ, id)
			if err := people[1].WriteString(decorated(i, people[0].User.JID(), id, fmt.Sprint(texts[i%len(texts)], " ", i))); err != nil {
				return nil, nil, err
			}
		}
		if err := net.Sleep(ctx, began.Add(time.Duration(i+1)*step).Sub(net.Air.Clock().Now())); err != nil {
			return nil, nil, err
		}
	}
	return toField, toHQ, nil
}

// bytesSent counts what a station sent since then.
func bytesSent(net *rig.Net, station string, since time.Time) (n int) {
	for _, s := range net.Air.Signals() {
		if s.From == station && s.End.After(since) {
			n += max(1, s.Bits/8) // a key-up alone is something too
		}
	}
	return n
}

func heardOf(p *person, ids []string) (n int) {
	for _, id := range ids {
		if _, ok := p.hears(id); ok {
			n++
		}
	}
	return n
}

// unsent is how many entries wait at both nodes.
func unsent(ctx context.Context, net *rig.Net) (n int, err error) {
	for _, node := range net.Nodes {
		text, err := node.Command(ctx, "", "queue", "list", "--json")
		if err != nil {
			return 0, err
		}
		n += bytes.Count(text, []byte(`"id"`))
	}
	return n, nil
}
