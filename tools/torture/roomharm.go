package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"

	"longwire/tools/rig"
)

// killer kills nodes at the times that the seed says, as often as not in the middle of a line.
func (b *roomBench) killer(ctx context.Context) {
	rng := rand.New(rand.NewPCG(b.seed, 30))
	for int(b.killed.Load()) < b.room.kills {
		gap := time.Duration(100+rng.IntN(1400)) * time.Millisecond
		if rng.IntN(5) == 0 {
			gap = time.Duration(1+rng.IntN(150)) * time.Millisecond
		}
		i := rng.IntN(len(b.nodes))
		if !pause(ctx, gap) {
			return
		}
		if rng.IntN(2) == 0 {
			select {
			case <-b.spoke[i]:
			default:
			}
			select {
			case <-b.spoke[i]:
				time.Sleep(time.Duration(rng.IntN(12000)) * time.Microsecond)
			case <-time.After(time.Second):
			}
		}
		if !b.kill(i, nil) {
			return
		}
		b.killed.Add(1)
	}
}

// kill kills a node and starts it again, with something done in between; false when that makes no sense any more.
func (b *roomBench) kill(i int, between func(*rig.Node) error) bool {
	b.hands[i].Lock()
	defer b.hands[i].Unlock()
	n := b.nodes[i]
	select {
	case <-n.Exited():
		b.fault("node %s ended by itself:\n%s", n.Domain, tail(n.Log()))
		b.dead.Store(true)
		return false
	default:
	}
	n.Kill()
	var err error
	if between != nil {
		err = between(n)
	}
	if err = errors.Join(err, n.Launch()); err != nil {
		b.fault("%v", err)
		b.dead.Store(true)
	}
	return err == nil
}

// cutter cuts the paths at the times that the seed says.
func (b *roomBench) cutter(ctx context.Context) {
	rng := rand.New(rand.NewPCG(b.seed, 40))
	for range b.room.cuts {
		gap, down, i := time.Duration(10+rng.IntN(250))*time.Millisecond, time.Duration(rng.IntN(150))*time.Millisecond, rng.IntN(len(b.paths))
		if rng.IntN(20) == 0 {
			down = time.Duration(rng.IntN(3000)) * time.Millisecond
		}
		if !pause(ctx, gap) {
			return
		}
		b.paths[i].Cut()
		ok := pause(ctx, down)
		for ok && b.held[i].Load() {
			ok = pause(ctx, 20*time.Millisecond)
		}
		b.paths[i].Mend()
		if !ok {
			return
		}
		b.cutDone.Add(1)
	}
}

// annoyer cuts clients' connections while the harm goes on.
func (b *roomBench) annoyer(ctx context.Context) {
	rng := rand.New(rand.NewPCG(b.seed, 50))
	for b.room.kills+b.room.cuts > 0 && !b.harmDone() && pause(ctx, time.Duration(100+rng.IntN(700))*time.Millisecond) {
		b.members[rng.IntN(len(b.members))].hangUp()
	}
}

// deserter lets all clients of a node leave the room for a while: what is said meanwhile crosses to it afterwards.
func (b *roomBench) deserter(ctx context.Context) {
	rng := rand.New(rand.NewPCG(b.seed, 80))
	for range b.room.desertions {
		at := b.at[rng.IntN(len(b.at))]
		if !pause(ctx, time.Duration(500+rng.IntN(2000))*time.Millisecond) {
			return
		}
		for _, m := range at {
			m.leave()
		}
		b.deserted.Add(1)
		ok := pause(ctx, time.Duration(rng.IntN(1500))*time.Millisecond)
		for _, m := range at {
			m.back()
		}
		if !ok {
			return
		}
	}
}

// outager holds a path down for so long that what waits for it expires, or is more than the queue takes.
func (b *roomBench) outager(ctx context.Context) {
	rng := rand.New(rand.NewPCG(b.seed, 60))
	for range b.room.outages {
		i := rng.IntN(len(b.paths))
		b.held[i].Store(true)
		b.paths[i].Cut()
		b.outDone.Add(1)
		ok := pause(ctx, time.Duration(1000+rng.IntN(4000))*time.Millisecond)
		b.held[i].Store(false)
		b.paths[i].Mend()
		if !ok || !pause(ctx, time.Duration(1000+rng.IntN(2000))*time.Millisecond) {
			return
		}
	}
}

// restorer copies the store of a node, and puts the copy back some time later. What its clients were shown meanwhile they forget, as the ids
// of the archive are others.
func (b *roomBench) restorer(ctx context.Context) {
	rng := rand.New(rand.NewPCG(b.seed, 70))
	for range b.room.restores {
		i := rng.IntN(len(b.nodes))
		for i == b.spared() {
			i = rng.IntN(len(b.nodes))
		}
		var backup []byte
		ok := pause(ctx, time.Duration(500+rng.IntN(2000))*time.Millisecond) && b.kill(i, func(n *rig.Node) (err error) {
			backup, err = os.ReadFile(storeOf(n))
			return err
		})
		b.restored.Add(1)
		ok = ok && pause(ctx, time.Duration(500+rng.IntN(4000))*time.Millisecond) && b.kill(i, func(n *rig.Node) error {
			for _, m := range b.at[i] {
				m.forget()
			}
			return os.WriteFile(storeOf(n), backup, 0o600)
		})
		if !ok {
			return
		}
		b.restored.Add(1)
	}
}

// spared is a node that is never set back, -1 if there is none: in half of the runs, so that the others' restores can be seen to keep the order of
// its lines.
func (b *roomBench) spared() int {
	if n := uint64(len(b.nodes)); b.seed/n%2 == 0 {
		return int(b.seed % n)
	}
	return -1
}

// setBack tells whether an author's node may be set back.
func (b *roomBench) setBack(author string) bool {
	spared := b.spared()
	return b.room.restores > 0 && (spared < 0 || author[0] != roomNodes[spared][0])
}

func storeOf(n *rig.Node) string { return filepath.Join(n.Dir, "data", "longwire.db") }

// patience is more than the nodes have with a link that is silent.
const patience = 5 * time.Second

// silence cuts the kit off for longer than a link may be silent. Then each line that is said there must be refused, and never appear; those
// before may be on their way.
func (b *roomBench) silence(ctx context.Context) error {
	b.paths[1].Cut()
	defer b.paths[1].Mend()
	m := b.at[2][0]
	// A link that has nothing to carry is silent whether it is cut or not: the line that finds it out is on its way.
	m.mu.Lock()
	m.total++
	m.mu.Unlock()
	if !pause(ctx, patience) {
		return ctx.Err()
	}
	const lines = 3
	m.mu.Lock()
	before, last := m.refused, m.total
	m.total += lines
	m.mu.Unlock()
	b.until(ctx, 10*time.Second, func() bool { return m.refusals() >= before+lines })
	if n := m.refusals() - before; n != lines {
		return fmt.Errorf("the kit is cut off and refuses %d of %d lines", n, lines)
	}
	b.paths[1].Mend()
	if !b.until(ctx, 20*time.Second, func() bool { _, level := b.level(); return level }) {
		return errors.New("not level after the kit was cut off at the end")
	}
	pause(ctx, 2*time.Second)
	m.mu.Lock()
	defer m.mu.Unlock()
	for n := last + 1; n <= m.total; n++ {
		if m.shown[n] {
			b.fault("%q was refused, and came nevertheless", m.body(n))
		}
	}
	return nil
}

func (b *roomBench) until(ctx context.Context, limit time.Duration, f func() bool) bool {
	for end := time.Now().Add(limit); !f(); {
		if time.Now().After(end) || !pause(ctx, 50*time.Millisecond) {
			return false
		}
	}
	return true
}
