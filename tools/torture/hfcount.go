package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"longwire/tools/rig"
)

// A tally is what nodes counted. Each begins anew with every start, so they are asked before they are killed.
type tally struct {
	again, doubles uint64 // stanzas sent again; discarded, as they had come before
	frames         uint64 // U_PDUs sent
}

// count asks node i.
func (b *hfBench) count(ctx context.Context, i int) {
	var link struct {
		Peers []struct {
			Link     string `json:"link"`
			Out      uint64 `json:"stanzas_out"`
			AgainIn  uint64 `json:"again_in"`
			AgainOut uint64 `json:"again_out"`
			S5066    struct {
				Frames uint64 `json:"frames_out"`
			} `json:"s5066"`
		} `json:"peers"`
	}
	// One that only starts has no counts.
	_ = b.ask(ctx, b.nodes[i], "link.list", nil, func(raw json.RawMessage) error {
		link.Peers = nil
		if err := json.Unmarshal(raw, &link); err != nil {
			return err
		}
		b.counting.Lock()
		defer b.counting.Unlock()
		for _, p := range link.Peers {
			if b.sat != nil {
				b.sat.sent[map[bool]int{true: 0, false: 1}[p.Link == satName(i)]].Add(p.Out)
			}
			b.tally.again += p.AgainOut
			b.tally.doubles += p.AgainIn
			b.tally.frames += p.S5066.Frames
		}
		return nil
	})
}

// ask asks a node at its control socket.
func (b *hfBench) ask(ctx context.Context, n *rig.Node, op string, args any, each func(json.RawMessage) error) error {
	conn, err := (&net.Dialer{Timeout: time.Second}).DialContext(ctx, "unix", filepath.Join(n.Dir, "data", "control.sock"))
	if err != nil {
		return err
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(5 * time.Second))
	if err := json.NewEncoder(conn).Encode(map[string]any{"op": op, "args": args}); err != nil {
		return err
	}
	for in := json.NewDecoder(bufio.NewReader(conn)); ; {
		var a struct {
			Error string          `json:"error"`
			Item  json.RawMessage `json:"item"`
			Done  bool            `json:"done"`
		}
		switch err := in.Decode(&a); {
		case err != nil:
			return err
		case a.Error != "":
			return errors.New(a.Error)
		case a.Done:
			return nil
		case each != nil:
			if err := each(a.Item); err != nil {
				return err
			}
		}
	}
}

// A waiting is an entry of a queue.
type waiting struct {
	ID     uint64 `json:"id"`
	From   string `json:"from"`
	Stanza string `json:"stanza"`
	State  string `json:"state"`
}

// queue is what waits in a node.
func (b *hfBench) queue(ctx context.Context, n *rig.Node) (list []waiting, err error) {
	err = b.ask(ctx, n, "queue.list", map[string]any{}, func(raw json.RawMessage) error {
		var w waiting
		err := json.Unmarshal(raw, &w)
		list = append(list, w)
		return err
	})
	return list, err
}

// autopsy tells where each missing message was last seen, and how all stands.
func (b *hfBench) autopsy(out io.Writer) {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	queues := map[string]waiting{}
	for i, n := range b.nodes {
		list, err := b.queue(ctx, n)
		fmt.Fprintf(out, "  node %s: %d in its queue (%v)\n", hfDomains[i], len(list), err)
		for _, w := range list {
			user, _, _ := strings.Cut(w.From, "@")
			queues[user+" "+w.Stanza] = w
		}
		if text, err := n.Command(ctx, "", "link", "list"); err != nil {
			fmt.Fprintf(out, "  link list: %v\n", err)
		} else {
			fmt.Fprintf(out, "%s", text)
		}
		text, err := b.servers[i].Command(ctx, "status")
		fmt.Fprintf(out, "%s  (%v)\n", text, err)
	}
	told := 0
	for _, a := range b.actors {
		for _, l := range a.lacking() {
			if told++; told > 40 {
				return
			}
			where := "in no queue: LOST, unless its client has it"
			if w, ok := queues[fmt.Sprintf("%s %d", a.name, l.serial)]; ok {
				where = fmt.Sprintf("in the sender's queue as entry %d, %s", w.ID, w.State)
			}
			if l.serial == 0 {
				where = "never sent by its client"
			}
			fmt.Fprintf(out, "  message %d of %s (serial %d): %s\n", l.number, a.name, l.serial, where)
		}
	}
}

// lacking are messages of the actor that have not arrived, with the serial of the last attempt.
func (a *actor) lacking() (list []letter) {
	last := map[int]int{}
	a.mu.Lock()
	for serial, number := range a.letters {
		last[number] = max(last[number], serial)
	}
	total := a.total
	a.mu.Unlock()
	a.partner.mu.Lock()
	defer a.partner.mu.Unlock()
	for n := 1; n <= total; n++ {
		if a.partner.inbox[n] == 0 {
			list = append(list, letter{last[n], n})
		}
	}
	return list
}

// waits tells how long messages took from client to client, in radio time.
func (b *hfBench) waits() string {
	var all []time.Duration
	var most time.Duration
	worst := ""
	for _, a := range b.actors {
		a.mu.Lock()
		sent := maps.Clone(a.sent)
		a.mu.Unlock()
		a.partner.mu.Lock()
		for n, at := range a.partner.came {
			d := b.air.Radio(at.Sub(sent[n])).Round(time.Second)
			if all = append(all, d); d > most {
				most, worst = d, fmt.Sprintf("number %d of %s, sent at %s", n, a.name, sent[n].UTC().Format("15:04:05.000"))
			}
		}
		a.partner.mu.Unlock()
	}
	if len(all) == 0 {
		return "nothing arrived"
	}
	slices.Sort(all)
	return fmt.Sprintf("messages took, in radio time: half of them at most %v, 95 in 100 at most %v, the slowest %v (%s)",
		all[len(all)/2], all[len(all)*95/100], most, worst)
}

// progress is one line.
func (b *hfBench) progress() string {
	s := b.air.Stats()
	text := fmt.Sprintf("%d of %d arrived; outages %d, clients cut %d; %d transmissions, %v of air", b.arrived(), 2*b.messages,
		b.begun.Load(), b.hung.Load(), s.Transmissions, s.Keyed.Round(time.Second))
	if n := len(b.allFaults()); n > 0 {
		text += fmt.Sprintf("; %d FAULTS", n)
	}
	return text
}

// summary is what it came to.
func (b *hfBench) summary() string {
	var parts []string
	outages := int64(0)
	for k := range hush {
		n := b.done[k].Load()
		outages += n
		parts = append(parts, fmt.Sprintf("%s %d", k, n))
	}
	var resent int
	for _, a := range b.actors {
		a.mu.Lock()
		resent += a.resent
		a.mu.Unlock()
	}
	b.counting.Lock()
	t := b.tally
	b.counting.Unlock()
	s := b.air.Stats()
	ways := ""
	if b.sat != nil {
		ways = fmt.Sprintf("SatCom cut %d times; %d stanzas went by SatCom, %d by HF, repeats included\n", b.sat.cuts.Load(), b.sat.sent[0].Load(), b.sat.sent[1].Load())
	}
	return ways + fmt.Sprintf("%d of %d arrived\n%d outages: %s; besides EMCON %d, clients cut %d\n", b.arrived(), 2*b.messages, outages, strings.Join(parts, ", "),
		b.done[hush].Load(), b.hung.Load()) +
		fmt.Sprintf("clients sent %d again; nodes sent %d U_PDUs, in which %d stanzas again, and suppressed %d doubles\n", resent, t.frames, t.again, t.doubles) +
		fmt.Sprintf("%d transmissions, %v of air, %d collisions\n%s", s.Transmissions, s.Keyed.Round(time.Second), s.Collisions, b.waits())
}
