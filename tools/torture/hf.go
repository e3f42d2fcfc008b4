package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"longwire/links/modem"
	"longwire/tools/rig"
	"longwire/tools/rig/onair"
)

// An hfPlan is what a run over HF has besides.
type hfPlan struct {
	mapping  string // "": not over HF
	messages int    // each way
	outages  int
	rate     int           // bit/s
	scale    int           // of radio time
	harm     time.Duration // in which the outages happen, by the clock
}

// An hfBench is two nodes, each with an s5066d, on one channel, and those who hurt them. Between node and s5066d is a path that can be cut.
//
// The channel is this process. What happens on it depends on the seed and on when processes run.
type hfBench struct {
	*bench
	air     *rig.Channel
	servers []*rig.SISServer
	cuts    []*rig.Path

	outages []outage
	begun   atomic.Int64 // of them
	done    [kinds]atomic.Int64
	over    atomic.Bool // no more harm comes

	// Who hurts something has it.
	node, sis, path [2]sync.Mutex

	mute sync.Mutex // guards down
	down int        // outages of the channel that go on

	diary *log.Logger // what happened when

	sat *satcom // nil: HF is all there is

	listening sync.Mutex // guards heard
	heard     onair.Reader

	counting sync.Mutex // guards tally
	tally    tally
}

var hfDomains = [2]string{"headquarters.net", "field.net"}

// newHF configures all and makes the accounts.
func newHF(ctx context.Context, p plan, bin, sis, dir string) (*hfBench, error) {
	b := &hfBench{bench: &bench{plan: p}, outages: planOutages(p)}
	dir = filepath.Join(dir, p.mode)
	b.air = &rig.Channel{IP: "127.0.0.1", Config: modem.ChannelConfig{Clock: modem.Clock{Scale: float64(p.hf.scale)}, Seed: p.seed,
		Fade: modem.Fade{Every: 10 * time.Minute, Length: 2 * time.Second}, Burst: modem.Burst{Good: 5 * time.Minute, Bad: 5 * time.Second, BadErrors: 0.01}}}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	diary, err := os.Create(filepath.Join(dir, "diary.log"))
	if err != nil {
		return nil, err
	}
	b.diary = log.New(diary, "", log.LUTC|log.Ltime|log.Lmicroseconds)
	b.air.Config.Observe = b.overheard
	if err := b.air.Open(); err != nil {
		return nil, err
	}
	for i, domain := range hfDomains {
		// Each has an address of its own, so that nobody takes its port while it is down.
		ip := func(n int) string { return fmt.Sprintf("127.0.%d.%d", 1+n, 1+i) }
		s := &rig.SISServer{Bin: sis, Dir: filepath.Join(dir, domain+"-sis"), IP: ip(0), Station: rig.Station(i), Address: rig.StationAddress(i),
			Channel: b.air.Address(), Rate: p.hf.rate, Traced: p.keep, Keys: map[string]map[string]any{"log": {"level": "info"}}}
		if err := s.Prepare(); err != nil {
			return b, err
		}
		var port int
		if err := rig.Ports(ip(1), &port); err != nil {
			return b, err
		}
		cut := &rig.Path{Listen: ip(1) + ":" + strconv.Itoa(port), Target: s.SIS()}
		if err := cut.Open(); err != nil {
			return b, err
		}
		b.servers, b.cuts = append(b.servers, s), append(b.cuts, cut)
		n := &rig.Node{Bin: bin, Dir: filepath.Join(dir, domain), IP: ip(2), Domain: domain, Plain: true, LogLevel: "debug", Clients: roomy(),
			Air: map[string]any{"warn_after": "0s"}, // a warning would be a message that nobody sent
			HF: []rig.HFLink{{Name: linkName(i), Server: cut.Listen, Address: s.Address, Scale: p.hf.scale, Keys: map[string]any{"compress": true},
				Peers: []rig.HFPeer{{Domains: []string{hfDomains[1-i]}, Address: rig.StationAddress(1 - i), Mapping: p.hf.mapping}}}}}
		if err := n.Prepare(); err != nil {
			return b, err
		}
		b.nodes = append(b.nodes, n)
	}
	if err := b.cast(ctx); err != nil {
		return b, err
	}
	if p.hf.mapping != "rcop" {
		if err := b.snapshots(ctx, bin); err != nil {
			return b, err
		}
	}
	for i, a := range b.actors {
		a.budget = func() int { return b.released(a.total) }
		a.pad = func(number int) string { return prose(p.seed, uint64(i)<<32|uint64(number)) }
	}
	return b, nil
}

func linkName(i int) string { return "5066 link " + hfDomains[i] }

// released is how many of an actor's messages may have been started: they come as the harm goes on, so that there is traffic at every outage.
func (b *hfBench) released(total int) int {
	if b.over.Load() || len(b.outages) == 0 {
		return total
	}
	return min(total, 1+int(int64(total)*b.begun.Load()/int64(len(b.outages))))
}

// run starts everything, hurts it as planned, and waits until all has arrived and both queues are empty.
func (b *hfBench) run(ctx context.Context, out io.Writer) error {
	for _, s := range b.servers {
		if err := s.Start(ctx); err != nil {
			return err
		}
	}
	for _, n := range b.nodes {
		if err := n.Start(ctx); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithCancel(ctx)
	var tasks sync.WaitGroup
	defer func() { cancel(); tasks.Wait() }()
	for _, a := range b.actors {
		tasks.Go(func() { a.run(ctx) })
	}
	tasks.Go(func() { b.hurt(ctx) })
	tasks.Go(func() { b.annoy(ctx) })
	tasks.Go(func() { b.guard(ctx) })
	if b.sat != nil {
		tasks.Go(func() { b.flap(ctx) })
	}
	err := b.watch(ctx, out)
	if err == nil {
		err = b.verdict()
	}
	for i := range b.nodes {
		b.count(ctx, i)
	}
	if err != nil {
		b.autopsy(out)
	}
	return err
}

// watch prints progress until all is there, or nothing moves any more.
func (b *hfBench) watch(ctx context.Context, out io.Writer) error {
	report := time.NewTicker(10 * time.Second)
	defer report.Stop()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	count, under, news, start, told := -1, -1, time.Now(), time.Now(), 0
	for {
		select {
		case <-ctx.Done():
			return fmt.Errorf("time is up: %s", b.missing())
		case <-report.C:
			fmt.Fprintf(out, "  %4.0f s  %s\n", time.Since(start).Seconds(), b.progress())
		case <-tick.C:
		}
		for _, f := range b.allFaults()[told:] {
			if told++; told <= 10 {
				fmt.Fprintf(out, "  %4.0f s  FAULT: %s\n", time.Since(start).Seconds(), f)
			}
		}
		if n := b.arrived(); n != count {
			count, news = n, time.Now()
		}
		if n := b.sentSoFar() - count; n != under {
			under = n
			b.diary.Printf("%d messages are under way", n)
		}
		switch over := b.over.Load(); {
		case over && count >= 2*b.messages:
			fmt.Fprintf(out, "  %4.0f s  all have arrived\n", time.Since(start).Seconds())
			return b.settled(ctx)
		case over && time.Since(news) > b.patience:
			return fmt.Errorf("nothing came for %v: %s", b.patience, b.missing())
		case b.dead.Load(), len(b.allFaults()) > 20:
			return errors.New("given up")
		}
	}
}

// sentSoFar counts messages that clients have sent at least once.
func (b *hfBench) sentSoFar() (n int) {
	for _, a := range b.actors {
		a.mu.Lock()
		n += a.started
		a.mu.Unlock()
	}
	return n
}

// settled waits until each node knows that the other has everything. Doubles would come by then.
func (b *hfBench) settled(ctx context.Context) error {
	end := time.Now().Add(b.patience)
	for i, n := range b.nodes {
		for {
			q, err := b.queue(ctx, n)
			if err == nil && len(q) == 0 {
				break
			}
			if time.Now().After(end) || !pause(ctx, 100*time.Millisecond) {
				return fmt.Errorf("%d messages stay in the queue of %s, though they have arrived (%v)", len(q), hfDomains[i], err)
			}
		}
	}
	pause(ctx, 2*time.Second)
	return nil
}

func (b *hfBench) close() {
	for i := range b.servers {
		b.sis[i].Lock()
		b.servers[i].Kill()
		b.sis[i].Unlock()
	}
	b.bench.close()
	for _, p := range b.cuts {
		p.Close()
	}
	if b.sat != nil && b.sat.path != nil {
		b.sat.path.Close()
	}
	_ = b.air.Close()
	_ = b.diary.Writer().(*os.File).Close()
}

// overheard notes a signal. The reader of the air wants them one at a time.
func (b *hfBench) overheard(s modem.Signal) {
	b.listening.Lock()
	defer b.listening.Unlock()
	t := b.heard.Read(s)
	var types []string
	for _, p := range t.PDUs {
		types = append(types, fmt.Sprint(p.Type))
	}
	units := 0
	for _, u := range t.Units {
		units += len(u.UPDU)
	}
	b.diary.Printf("%s sent for %v: %s %v, %d U_PDUs of %d bytes, collided %v, broken %v", s.From, t.Air().Round(100*time.Millisecond),
		strings.Join(types, " "), t.Links, len(t.Units), units, s.Collided, s.Broken)
}

// prose is what a message says: mostly a line, at times more than one U_PDU holds.
func prose(seed, which uint64) string {
	rng := rand.New(rand.NewPCG(seed, which))
	n := rng.IntN(80)
	switch rng.IntN(40) {
	case 0:
		n = 2500 + rng.IntN(3000)
	case 1, 2:
		n = 300 + rng.IntN(1000)
	}
	const letters = "eeettaoinshrdlu    cmfwypvbgk jq."
	b := make([]byte, n)
	for i := range b {
		b[i] = letters[rng.IntN(len(letters))]
	}
	return strings.TrimSpace(string(b))
}
