// Package sistest has STANAG 5066 nodes that are made of memory and time: clients bind to them as to any other, and what
// they send crosses an Air with a delay, a rate, losses and cuts. There are no D_PDUs and no modem.
package sistest

import (
	"container/heap"
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"longwire/links/sis"
)

// Options are what an Air does to U_PDUs. The zero value carries all at once.
type Options struct {
	Delay    time.Duration // of a U_PDU, and again of its confirmation
	Rate     int           // bit/s of each node; 0: no time passes
	Loss     float64       // the chance of each transmission: ARQ repeats what is lost, other modes lose it
	Patience time.Duration // with a node that does not answer; 30 s
	Seed     uint64
}

// An Air joins nodes. One goroutine does all that happens on it, in the order of time. mu guards everything, also in its nodes; nothing of
// package sis is called under it.
type Air struct {
	wake  chan struct{}
	stop  context.CancelFunc
	tasks sync.WaitGroup

	mu    sync.Mutex
	o     Options
	rand  *rand.Rand
	nodes map[sis.Address]*Node
	cuts  map[[2]sis.Address]bool
	plan  plan
	count uint64
}

// NewAir returns an Air without nodes. Close ends it.
func NewAir(o Options) *Air {
	if o.Patience <= 0 {
		o.Patience = 30 * time.Second
	}
	ctx, cancel := context.WithCancel(context.Background())
	a := &Air{wake: make(chan struct{}, 1), stop: cancel, o: o, rand: rand.New(rand.NewPCG(o.Seed, 5066)), nodes: map[sis.Address]*Node{},
		cuts: map[[2]sis.Address]bool{}}
	a.tasks.Go(func() { a.run(ctx) })
	return a
}

// Close stops all nodes and cuts off their clients. Nothing is left when it returns.
func (a *Air) Close() {
	a.mu.Lock()
	nodes := a.nodes
	a.nodes = nil
	a.mu.Unlock()
	for _, n := range nodes {
		n.Stop()
	}
	a.stop()
	a.tasks.Wait()
}

// Set changes the options, but for the seed.
func (a *Air) Set(change func(*Options)) {
	a.mu.Lock()
	defer a.mu.Unlock()
	change(&a.o)
}

// Cut takes the way between two nodes away, or gives it back.
func (a *Air) Cut(x, y sis.Address, cut bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.cuts[[2]sis.Address{x, y}], a.cuts[[2]sis.Address{y, x}] = cut, cut
}

// at has do called at a time from now, without mu.
func (a *Air) at(after time.Duration, do func()) {
	a.mu.Lock()
	a.atLocked(after, do)
	a.mu.Unlock()
}

func (a *Air) atLocked(after time.Duration, do func()) {
	a.count++
	heap.Push(&a.plan, step{time.Now().Add(after), a.count, do})
	select {
	case a.wake <- struct{}{}:
	default:
	}
}

// run does what is planned.
func (a *Air) run(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		a.mu.Lock()
		var do func()
		wait := time.Hour
		if len(a.plan) > 0 {
			if wait = time.Until(a.plan[0].at); wait <= 0 {
				do = heap.Pop(&a.plan).(step).do
			}
		}
		a.mu.Unlock()
		if do != nil {
			do()
			continue
		}
		timer.Reset(wait)
		select {
		case <-timer.C:
		case <-a.wake:
		case <-ctx.Done():
			return
		}
	}
}

// A step is something at a time; of several at the same time the one that was planned first comes first.
type step struct {
	at    time.Time
	count uint64
	do    func()
}

type plan []step

func (p plan) Len() int { return len(p) }
func (p plan) Less(i, j int) bool {
	return p[i].at.Before(p[j].at) || p[i].at.Equal(p[j].at) && p[i].count < p[j].count
}
func (p plan) Swap(i, j int) { p[i], p[j] = p[j], p[i] }
func (p *plan) Push(x any)   { *p = append(*p, x.(step)) }
func (p *plan) Pop() any {
	old := *p
	last := old[len(old)-1]
	old[len(old)-1] = step{}
	*p = old[:len(old)-1]
	return last
}
