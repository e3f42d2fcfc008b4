package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"longwire/tools/rig"
	"longwire/tools/rig/wire"
)

const password = "torture"

// A bench holds the two nodes, the path, the actors, and those who hurt them.
type bench struct {
	plan
	nodes  []*rig.Node
	paths  []*rig.Path
	actors []*actor

	killed  [2]atomic.Int64
	cutDone atomic.Int64
	hung    atomic.Int64
	filled  atomic.Int64

	limit    atomic.Int64 // store.max_size in KiB, mode full
	flood    atomic.Int64 // floods let out
	holdPath atomic.Bool  // the path stays down
	dead     atomic.Bool  // a node ended by itself

	faultList
}

// floods is how often the stores are to fill up.
const floods = 5

// newBench configures both nodes and makes the accounts.
func newBench(ctx context.Context, p plan, bin, dir string) (*bench, error) {
	b := &bench{plan: p}
	b.limit.Store(1024)
	const hqIP, fieldIP = "127.0.0.2", "127.0.0.3"
	var there, back, hqPort, fieldPort int
	if err := errors.Join(rig.Ports(fieldIP, &there, &fieldPort), rig.Ports(hqIP, &back, &hqPort)); err != nil {
		return nil, err
	}
	keys := map[string]any{"compress": true, "zero_rtt": true, "stream_management": "pipelined", "ack_idle": "200ms", "backoff_min": "50ms",
		"backoff_max": "200ms"}
	peer := map[string]any{"codec.method": "none"}
	if p.codec != "" {
		peer["codec.method"] = p.codec
	}
	dir = filepath.Join(dir, p.mode)
	b.nodes = []*rig.Node{
		{Bin: bin, Dir: filepath.Join(dir, "headquarters"), IP: hqIP, Domain: "headquarters.net", Plain: true, Links: []rig.Link{{
			Name: "IP link hq-2-field", Domains: []string{"field.net"}, RemoteIP: fieldIP, RemotePort: there, LocalPort: hqPort, Dial: true, Listen: p.both, Keys: keys, PeerKeys: peer}}},
		{Bin: bin, Dir: filepath.Join(dir, "field"), IP: fieldIP, Domain: "field.net", Plain: true, Links: []rig.Link{{
			Name: "IP link field-2-hq", Domains: []string{"headquarters.net"}, RemoteIP: hqIP, RemotePort: back, LocalPort: fieldPort, Dial: p.both, Listen: true, Keys: keys, PeerKeys: peer}}},
	}
	for _, n := range b.nodes {
		n.Clients = roomy()
		n.Store = map[string]any{"slow_sync": p.slow}
		if p.full {
			n.Store["max_size"] = fmt.Sprintf("%dKiB", b.limit.Load())
		}
		if err := n.Prepare(); err != nil {
			return nil, err
		}
	}
	if err := b.cast(ctx); err != nil {
		return nil, err
	}
	if p.codec != "" {
		if err := b.snapshots(ctx, bin); err != nil {
			return nil, err
		}
	}
	for _, w := range []struct {
		listen, source, target string
		open                   bool
	}{
		{fmt.Sprintf("%s:%d", fieldIP, there), hqIP, fmt.Sprintf("%s:%d", fieldIP, fieldPort), true},
		{fmt.Sprintf("%s:%d", hqIP, back), fieldIP, fmt.Sprintf("%s:%d", hqIP, hqPort), p.both},
	} {
		if !w.open {
			continue
		}
		p := &rig.Path{Listen: w.listen, Source: w.source, Target: w.target, Delay: 10 * time.Millisecond}
		if err := p.Open(); err != nil {
			return nil, err
		}
		b.paths = append(b.paths, p)
	}
	return b, nil
}

// roomy is [clients] of a node that refuses nothing.
func roomy() map[string]any {
	return map[string]any{"offline_messages": 1000000, "offline_bytes": "1GiB", "outbox_stanzas": 100000, "outbox_bytes": "256MiB",
		"failures_per_minute": 100000}
}

// cast makes the accounts and the actors, partners next to each other.
func (b *bench) cast(ctx context.Context) error {
	pad := strings.Repeat("x", b.plan.pad)
	for i := range 2 * b.pairs {
		side, other := i%2, 1-i%2
		name, partner := fmt.Sprintf("%c%d", "hf"[side], i/2), fmt.Sprintf("%c%d", "hf"[other], i/2)
		if b.local {
			side, other = i/2%2, i/2%2
		}
		u := rig.User{Name: name, Domain: b.nodes[side].Domain, Password: password}
		if err := b.nodes[side].AddUsers(ctx, u); err != nil {
			return err
		}
		a := &actor{
			name:  name,
			login: wire.Login{Address: b.nodes[side].Address(), Domain: u.Domain, User: name, Password: password, Timeout: 10 * time.Second},
			to:    partner + "@" + b.nodes[other].Domain,
			pad:   func(int) string { return pad },
			rng:   rand.New(rand.NewPCG(b.seed, uint64(100+i))),
			inbox: map[int]int{}, came: map[int]time.Time{}, sent: map[int]time.Time{}, letters: map[int]int{}, rejected: map[int]bool{},
			wake:   make(chan struct{}, 1),
			report: b.fault,
			total:  b.messages / b.pairs,
		}
		if i/2 < b.messages%b.pairs {
			a.total++
		}
		a.budget = func() int { return b.released(a.total) }
		b.actors = append(b.actors, a)
	}
	for i, a := range b.actors {
		a.partner = b.actors[i^1]
	}
	return nil
}

// run starts everything, hurts it as planned, and waits until all has arrived.
func (b *bench) run(ctx context.Context, out io.Writer) error {
	for _, n := range b.nodes {
		if err := n.Start(ctx); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithCancel(ctx)
	var cast, harm sync.WaitGroup
	defer func() { cancel(); cast.Wait(); harm.Wait() }()
	for _, a := range b.actors {
		cast.Go(func() { a.run(ctx) })
	}
	for i := range b.nodes {
		harm.Go(func() { b.killer(ctx, i) })
	}
	harm.Go(func() { b.cutter(ctx) })
	harm.Go(func() { b.annoyer(ctx) })
	if b.full {
		harm.Go(func() { b.flooder(ctx) })
	}
	return b.watch(ctx, out)
}

// watch prints progress until all is there, or nothing moves any more.
func (b *bench) watch(ctx context.Context, out io.Writer) error {
	report := time.NewTicker(10 * time.Second)
	defer report.Stop()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	count, news, start := -1, time.Now(), time.Now()
	told := 0
	for {
		select {
		case <-ctx.Done():
			return fmt.Errorf("time is up: %s", b.missing())
		case <-report.C:
			fmt.Fprintf(out, "  %4.0f s  %s\n", time.Since(start).Seconds(), b.summary())
		case <-tick.C:
		}
		for _, f := range b.allFaults()[told:] {
			if told++; told > 10 {
				continue
			}
			fmt.Fprintf(out, "  %4.0f s  FAULT: %s\n", time.Since(start).Seconds(), f)
		}
		if n := b.arrived(); n != count {
			count, news = n, time.Now()
		}
		switch {
		case b.harmDone() && count >= 2*b.messages:
			// Doubles come late: give them time.
			time.Sleep(2 * time.Second)
			return b.verdict()
		case b.harmDone() && time.Since(news) > b.patience:
			return fmt.Errorf("nothing came for %v: %s", b.patience, b.missing())
		case b.dead.Load(), len(b.allFaults()) > 20:
			return b.verdict()
		}
	}
}

func (b *bench) harmDone() bool {
	return int(b.killed[0].Load()) >= b.kills && int(b.killed[1].Load()) >= b.kills && int(b.cutDone.Load()) >= b.cuts &&
		(!b.full || b.flood.Load() == floods)
}

func (b *bench) arrived() (n int) {
	for _, a := range b.actors {
		n += a.received()
	}
	return n
}

// killer kills one node at the times that the seed says, counted from its start: some while it is still starting.
func (b *bench) killer(ctx context.Context, i int) {
	rng := rand.New(rand.NewPCG(b.seed, uint64(i)))
	n := b.nodes[i]
	for int(b.killed[i].Load()) < b.kills {
		if b.killed[i].Load() >= b.allowed() {
			if !pause(ctx, 50*time.Millisecond) {
				return
			}
			continue
		}
		gap := time.Duration(100+rng.IntN(1100)) * time.Millisecond
		if rng.IntN(4) == 0 {
			gap = time.Duration(1+rng.IntN(150)) * time.Millisecond
		}
		select {
		case <-ctx.Done():
			return
		case <-n.Exited():
			b.fault("node %s ended by itself:\n%s", n.Domain, tail(n.Log()))
			b.dead.Store(true)
			return
		case <-time.After(gap):
		}
		n.Kill()
		b.killed[i].Add(1)
		if err := n.Launch(); err != nil {
			b.fault("%v", err)
			return
		}
	}
}

// cutter cuts the path at the times that the seed says.
func (b *bench) cutter(ctx context.Context) {
	rng := rand.New(rand.NewPCG(b.seed, 10))
	for range b.cuts {
		gap := time.Duration(50+rng.IntN(900)) * time.Millisecond
		down := time.Duration(rng.IntN(200)) * time.Millisecond
		if !pause(ctx, gap) {
			return
		}
		for _, p := range b.paths {
			p.Cut()
		}
		ok := pause(ctx, down)
		for ok && b.holdPath.Load() {
			ok = pause(ctx, 20*time.Millisecond)
		}
		for _, p := range b.paths {
			p.Mend()
		}
		if !ok {
			return
		}
		b.cutDone.Add(1)
	}
}

// annoyer cuts clients' connections while the harm goes on.
func (b *bench) annoyer(ctx context.Context) {
	rng := rand.New(rand.NewPCG(b.seed, 20))
	for !b.harmDone() {
		a := b.actors[rng.IntN(len(b.actors))]
		if !pause(ctx, time.Duration(100+rng.IntN(700))*time.Millisecond) {
			return
		}
		a.hangUp()
		b.hung.Add(1)
	}
}

// flooder is the harm of mode full: a flood of messages comes while the path is down, until a store is full. Then the bound is raised step by
// step, the path comes back, and all must drain before the next, larger flood.
func (b *bench) flooder(ctx context.Context) {
	for i := range floods {
		b.holdPath.Store(true)
		b.flood.Store(int64(i + 1))
		if b.until(ctx, 15*time.Second, b.isFull) {
			b.filled.Add(1)
			before := b.acked()
			b.raise(ctx)
			if !b.until(ctx, 20*time.Second, func() bool { return b.acked() > before }) && ctx.Err() == nil {
				b.fault("no message was accepted within 20 s after the bound of the stores was raised to %d KiB", b.limit.Load())
			}
		}
		b.holdPath.Store(false)
		for ctx.Err() == nil && !b.drained() {
			before := b.arrived()
			if !b.until(ctx, 4*time.Second, func() bool { return b.arrived() > before }) {
				b.raise(ctx)
			}
		}
	}
}

// drained is true when all messages of the floods so far have arrived, and the kills that go with them are done.
func (b *bench) drained() bool {
	for _, a := range b.actors {
		if a.partner.received() < b.released(a.total) {
			return false
		}
	}
	return b.killed[0].Load() >= b.allowed() && b.killed[1].Load() >= b.allowed()
}

// allowed is how many kills of each node may have happened by now: in mode full every flood has its share.
func (b *bench) allowed() int64 {
	if b.full {
		return int64(b.kills) * b.flood.Load() / floods
	}
	return int64(b.kills)
}

// isFull is true when clients on a node wait for acks in vain, or messages come back.
func (b *bench) isFull() bool {
	var stuck [2]int
	for i, a := range b.actors {
		a.mu.Lock()
		if len(a.unacked) > 0 && time.Since(a.ackedAt) > 3*time.Second || time.Since(a.hold) < 0 {
			stuck[i%2]++
		}
		a.mu.Unlock()
	}
	return 2*max(stuck[0], stuck[1]) > b.pairs
}

// raise gives both stores more room.
func (b *bench) raise(ctx context.Context) {
	limit := b.limit.Add(512)
	for _, n := range b.nodes {
		n.Store["max_size"] = fmt.Sprintf("%dKiB", limit)
		if err := n.WriteConfig(); err != nil {
			b.fault("%v", err)
		}
		n.Command(ctx, "", "reload") // a node that is down, or starting, reads the file anyway
	}
}

func (b *bench) until(ctx context.Context, limit time.Duration, f func() bool) bool {
	for end := time.Now().Add(limit); time.Now().Before(end); {
		if f() {
			return true
		}
		if !pause(ctx, 50*time.Millisecond) {
			return false
		}
	}
	return false
}

// acked counts what the nodes took responsibility for.
func (b *bench) acked() (n int) {
	for _, a := range b.actors {
		a.mu.Lock()
		n += a.accepted
		a.mu.Unlock()
	}
	return n
}

// progress is the part of the kills that is done.
func (b *bench) progress() float64 {
	if b.kills == 0 {
		return 1
	}
	return float64(b.killed[0].Load()+b.killed[1].Load()) / float64(2*b.kills)
}

// released is how many of an actor's messages may have been started. They are let out as the kills go on, so that there is traffic at every
// one of them; in mode full, in floods.
func (b *bench) released(total int) int {
	switch {
	case b.full:
		n := int(b.flood.Load()) // 1, 3, 6 … of as many parts: floods grow as the file does
		return total * (n * (n + 1)) / (floods * (floods + 1))
	case b.harmDone():
		return total
	}
	return min(total, 1+int(float64(total)*b.progress()))
}

func pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}

func tail(file string) string {
	text, _ := os.ReadFile(file)
	return string(text[max(0, len(text)-3000):])
}

// verdict is nil if nothing went wrong.
func (b *bench) verdict() error {
	var errs []error
	if n := len(b.allFaults()); n > 0 {
		errs = append(errs, fmt.Errorf("%d faults", n))
	}
	if m := b.missing(); m != "" {
		errs = append(errs, errors.New(m))
	}
	return errors.Join(errs...)
}

// missing lists what has not arrived.
func (b *bench) missing() string {
	var out []string
	for _, a := range b.actors {
		a.mu.Lock()
		total := a.total
		unacked, acked := len(a.unacked), a.started
		a.mu.Unlock()
		a.partner.mu.Lock()
		var list []int
		for n := 1; n <= total; n++ {
			if a.partner.inbox[n] == 0 {
				list = append(list, n)
			}
		}
		a.partner.mu.Unlock()
		if len(list) > 0 {
			out = append(out, fmt.Sprintf("%d of %d from %s are missing (%d started, %d unacked), first %v", len(list), total, a.name, acked, unacked, list[:min(5, len(list))]))
		}
	}
	return strings.Join(out, "\n  ")
}

// summary is one line of counts.
func (b *bench) summary() string {
	var resumed, renewed, resent, refused int
	for _, a := range b.actors {
		a.mu.Lock()
		resumed, renewed, resent, refused = resumed+a.resumed, renewed+a.renewed, resent+a.resent, refused+a.refused
		a.mu.Unlock()
	}
	s := fmt.Sprintf("%d of %d arrived; kills %d+%d, cuts %d, clients cut %d; resumed %d, new sessions %d, sent again %d", b.arrived(), 2*b.messages,
		b.killed[0].Load(), b.killed[1].Load(), b.cutDone.Load(), b.hung.Load(), resumed, renewed, resent)
	if b.full {
		s += fmt.Sprintf("; full %d times, %d refused, limit %d KiB", b.filled.Load(), refused, b.limit.Load())
	}
	if n := len(b.allFaults()); n > 0 {
		s += fmt.Sprintf("; %d FAULTS", n)
	}
	return s
}

func (b *bench) close() {
	for _, n := range b.nodes {
		n.Kill()
	}
	for _, p := range b.paths {
		p.Close()
	}
}

// snapshots gives each node what its codec knows, as an image has it: nodes that are killed twice a second would never be done learning it.
func (b *bench) snapshots(ctx context.Context, bin string) error {
	for _, n := range b.nodes {
		if out, err := exec.CommandContext(ctx, bin, "codec", "snapshot", filepath.Join(n.Dir, "data", "codec.snapshot")).CombinedOutput(); err != nil {
			return fmt.Errorf("making the codec's snapshot: %w: %s", err, out)
		}
	}
	return nil
}
