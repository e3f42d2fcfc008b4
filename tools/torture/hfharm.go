package main

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"
)

// kind is what an outage is of.
type kind int

const (
	fade     kind = iota // of the channel, for seconds
	silence              // of the channel, for minutes
	stop                 // of an s5066d, with SIGTERM
	crash                // of an s5066d, with SIGKILL
	cut                  // of the connection between node and s5066d
	kill                 // of a node, with SIGKILL
	killBoth             // of both nodes at once
	hush                 // EMCON; it is none of those that count
	kinds
)

func (k kind) String() string {
	return [...]string{"fades", "channel outages", "s5066d stopped", "s5066d killed", "TCP cuts", "nodes killed", "both nodes killed", "EMCON"}[k]
}

// shares are how many outages in a hundred are of a kind. EMCON comes on top.
var shares = [kinds]int{fade: 20, silence: 15, stop: 10, crash: 15, cut: 20, kill: 18, killBoth: 2, hush: 2}

// An outage is one thing that goes wrong. Times are by the clock.
type outage struct {
	kind kind
	side int           // which node or server
	gap  time.Duration // from the one before
	last time.Duration
}

// planOutages makes the list that the seed stands for.
func planOutages(p plan) (list []outage) {
	rng := rand.New(rand.NewPCG(p.seed, 30))
	for k := range kinds {
		for i := range (shares[k]*p.hf.outages + 50) / 100 {
			list = append(list, outage{kind: k, side: i % 2})
		}
	}
	rng.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	radio := func(least, most time.Duration) time.Duration {
		return (least + time.Duration(rng.Int64N(int64(most-least)))) / time.Duration(p.hf.scale)
	}
	mean := p.hf.harm / time.Duration(max(1, len(list)))
	for i := range list {
		o := &list[i]
		o.gap = time.Duration(rng.Int64N(int64(2 * mean)))
		switch o.kind {
		case fade:
			o.last = radio(500*time.Millisecond, 5*time.Second)
		case silence:
			o.last = radio(10*time.Second, 150*time.Second)
		case stop, crash, cut:
			o.last = radio(0, time.Minute)
		case hush:
			o.last = radio(30*time.Second, 10*time.Minute)
		}
	}
	return list
}

// hurt does all of the plan, and ends when everything works again.
func (b *hfBench) hurt(ctx context.Context) {
	var under sync.WaitGroup
	for _, o := range b.outages {
		if !pause(ctx, o.gap) {
			break
		}
		b.begun.Add(1)
		under.Go(func() {
			b.do(ctx, o)
			b.done[o.kind].Add(1)
		})
	}
	under.Wait()
	b.over.Store(true)
}

// do is one outage, from its beginning to its end. It waits for another that has the same thing in its hands.
func (b *hfBench) do(ctx context.Context, o outage) {
	b.diary.Printf("%s, side %d, for %v: begins", o.kind, o.side, b.air.Radio(o.last).Round(time.Second))
	defer func() { b.diary.Printf("%s, side %d: is over", o.kind, o.side) }()
	switch o.kind {
	case fade, silence:
		b.setDown(1)
		pause(ctx, o.last)
		b.setDown(-1)
	case stop, crash:
		b.endSIS(ctx, o)
	case cut:
		b.path[o.side].Lock()
		defer b.path[o.side].Unlock()
		b.cuts[o.side].Cut()
		pause(ctx, o.last)
		b.cuts[o.side].Mend()
	case kill:
		b.endNodes(ctx, o.side)
	case killBoth:
		b.endNodes(ctx, 0, 1)
	case hush:
		b.hush(ctx, o)
	}
}

// setDown begins or ends one of the outages of the channel, which may overlap.
func (b *hfBench) setDown(change int) {
	b.mute.Lock()
	defer b.mute.Unlock()
	was := b.down > 0
	b.down += change
	if is := b.down > 0; is != was {
		b.air.SetDown(is)
	}
}

// endSIS stops or kills an s5066d and starts it anew.
func (b *hfBench) endSIS(ctx context.Context, o outage) {
	b.sis[o.side].Lock()
	defer b.sis[o.side].Unlock()
	s := b.servers[o.side]
	if o.kind == crash {
		s.Kill()
	} else if err := s.Stop(); err != nil {
		b.fault("s5066d %s: %v", s.Station, err)
	}
	pause(ctx, o.last)
	if err := s.Launch(); err != nil {
		b.fault("%v", err)
	}
}

// endNodes kills nodes at the same moment and starts them anew.
func (b *hfBench) endNodes(ctx context.Context, sides ...int) {
	var ends sync.WaitGroup
	for _, i := range sides {
		b.node[i].Lock()
		defer b.node[i].Unlock()
	}
	for _, i := range sides {
		b.count(ctx, i)
	}
	for _, i := range sides {
		ends.Go(b.nodes[i].Kill)
	}
	ends.Wait()
	for _, i := range sides {
		if err := b.nodes[i].Launch(); err != nil {
			b.fault("%v", err)
		}
	}
}

// hush silences a node by EMCON for a while. It may be killed meanwhile and stays silent.
func (b *hfBench) hush(ctx context.Context, o outage) {
	set := func(on bool) bool {
		return b.until(ctx, 20*time.Second, func() bool {
			b.node[o.side].Lock()
			defer b.node[o.side].Unlock()
			return b.ask(ctx, b.nodes[o.side], "link.emcon", map[string]any{"link": linkName(o.side), "on": on}, nil) == nil
		})
	}
	if !set(true) && ctx.Err() == nil {
		b.fault("node %s could not be silenced", hfDomains[o.side])
	}
	pause(ctx, o.last)
	if !set(false) && ctx.Err() == nil {
		b.fault("node %s stays silent", hfDomains[o.side])
	}
}

// guard sees when something ends by itself.
func (b *hfBench) guard(ctx context.Context) {
	look := func(exited <-chan struct{}, what, log string) {
		select {
		case <-exited:
			b.fault("%s ended by itself:\n%s", what, tail(log))
			b.dead.Store(true)
		default:
		}
	}
	for pause(ctx, 50*time.Millisecond) && !b.dead.Load() {
		for i := range hfDomains {
			if b.node[i].TryLock() {
				look(b.nodes[i].Exited(), "node "+hfDomains[i], b.nodes[i].Log())
				b.node[i].Unlock()
			}
			if b.sis[i].TryLock() {
				look(b.servers[i].Exited(), "s5066d "+b.servers[i].Station, b.servers[i].Log())
				b.sis[i].Unlock()
			}
		}
	}
}

// annoy cuts clients' connections while the harm goes on.
func (b *hfBench) annoy(ctx context.Context) {
	rng := rand.New(rand.NewPCG(b.seed, 20))
	for !b.over.Load() {
		a := b.actors[rng.IntN(len(b.actors))]
		if !pause(ctx, time.Duration(200+rng.IntN(1500))*time.Millisecond) {
			return
		}
		a.hangUp()
		b.hung.Add(1)
	}
}
