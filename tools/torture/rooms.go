package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"longwire/tools/rig"
	"longwire/tools/rig/wire"
)

// A roomPlan is what a run with a federated room has besides.
type roomPlan struct {
	lines, kills, cuts int
	clients            int // at each node
	replica            bool
	outages            int // long cuts, in which what waits expires or is thrown out
	restores           int // of a node from a copy of its store
	desertions         int // all clients of a node leave the room for a while
}

// roomModes are the runs with a room on three nodes: primary-primary, primary-replica, with queues that give up, and with a node that is set
// back to a copy. The last three do a fifth of the harm, as each asks for one thing more.
var roomModes = []string{"pp", "pr", "expiry", "restore"}

// roomPlans are the modes of a run, or one of them.
func roomPlans(p plan, only string) (all []plan) {
	for _, m := range roomModes {
		if only != "" && only != m {
			continue
		}
		q := p
		q.mode = "rooms-" + m
		r := &q.room
		r.replica, r.desertions = m == "pr", r.kills/5
		switch m {
		case "expiry":
			r.outages = 12
		case "restore":
			r.restores = 8
		}
		if only == "" && m != "pp" {
			r.lines, r.kills, r.cuts, r.desertions = r.lines/5, r.kills/5, r.cuts/5, r.desertions/5
		}
		all = append(all, q)
	}
	return all
}

// A roomBench is three nodes in a row with one room: kit joins field, which joins headquarters.
type roomBench struct {
	plan
	room    roomPlan
	nodes   []*rig.Node
	paths   []*rig.Path // headquarters and field, field and kit
	members []*member
	at      [][]*member // by node

	hands    []sync.Mutex    // of a node: who kills or restores it has it
	spoke    []chan struct{} // of a node: somebody there says something
	killed   atomic.Int64
	cutDone  atomic.Int64
	outDone  atomic.Int64
	restored atomic.Int64 // copies that were made, and those that were put back
	deserted atomic.Int64
	held     [2]atomic.Bool // the path stays down
	dead     atomic.Bool    // a node ended by itself
	crowd    string         // who did not see everybody in the end

	faultList
}

var roomNodes = []string{"headquarters", "field", "kit"}

func newRooms(ctx context.Context, p plan, bin, dir string) (*roomBench, error) {
	b := &roomBench{plan: p, room: p.room, hands: make([]sync.Mutex, len(roomNodes)), at: make([][]*member, len(roomNodes))}
	dir = filepath.Join(dir, p.mode)
	for i, name := range roomNodes {
		n := &rig.Node{Bin: bin, Dir: filepath.Join(dir, name), IP: fmt.Sprintf("127.0.0.%d", i+2), Domain: name + ".net", Plain: true, LogLevel: "info"}
		n.Clients = roomy()
		room := rig.Room{Keys: map[string]any{"address": "ops"}, Federation: map[string]any{"accept": []string{"*"}}}
		if i > 0 {
			room.Federation["history"] = "200"                                                // of what is said before they do; else it would be twenty lines
			room.Federation["with"], room.Federation["watch"] = b.address(i-1), p.seed%2 == 0 // half of the runs: with nobody left, nothing crosses
			if p.room.replica {
				room.Federation["mode"] = "pr"
			}
		}
		n.Rooms = []rig.Room{room}
		b.nodes = append(b.nodes, n)
		b.spoke = append(b.spoke, make(chan struct{}, 1))
	}
	for i := range b.nodes[1:] {
		if err := b.connect(i, i+1); err != nil {
			return nil, err
		}
	}
	for _, n := range b.nodes {
		if err := n.Prepare(); err != nil {
			return nil, err
		}
	}
	if err := b.cast(ctx); err != nil {
		return nil, err
	}
	for _, p := range b.paths {
		if err := p.Open(); err != nil {
			return nil, err
		}
	}
	return b, nil
}

// address is the room at a node.
func (b *roomBench) address(i int) string { return "ops@chat." + roomNodes[i] + ".net" }

// connect links two nodes by a path; the lower one dials.
func (b *roomBench) connect(upper, lower int) error {
	u, l := b.nodes[upper], b.nodes[lower]
	var path, listen, own int
	if err := errors.Join(rig.Ports(u.IP, &path, &listen), rig.Ports(l.IP, &own)); err != nil {
		return err
	}
	resumes := len(b.paths)%2 == 0 // the other kind may bring a stanza twice, and the node knows repeats
	link := func(n, far *rig.Node) *rig.Link {
		n.Links = append(n.Links, rig.Link{
			Name: "IP link " + n.Domain + " " + far.Domain, Domains: []string{far.Domain, "chat." + far.Domain}, RemoteIP: far.IP,
			Keys:     map[string]any{"compress": true, "zero_rtt": resumes, "ack_idle": "200ms", "ack_timeout": "3s", "backoff_min": "50ms", "backoff_max": "200ms"},
			PeerKeys: map[string]any{},
		})
		k := &n.Links[len(n.Links)-1]
		if b.room.outages > 0 {
			k.PeerKeys["lifetimes.groupchat"], k.PeerKeys["queue_entries"] = "1s", 20
		}
		return k
	}
	k := link(u, l)
	k.Listen, k.LocalPort = true, listen
	k = link(l, u)
	k.Dial, k.RemotePort, k.LocalPort = true, path, own
	b.paths = append(b.paths, &rig.Path{Listen: fmt.Sprintf("%s:%d", u.IP, path), Source: l.IP, Target: fmt.Sprintf("%s:%d", u.IP, listen), Delay: 10 * time.Millisecond})
	return nil
}

// cast makes the accounts and the members.
func (b *roomBench) cast(ctx context.Context) error {
	n := b.room.clients * len(b.nodes)
	for k := range n {
		i := k % len(b.nodes)
		name := fmt.Sprintf("%c%d", roomNodes[i][0], k/len(b.nodes))
		u := rig.User{Name: name, Domain: b.nodes[i].Domain, Password: password}
		if err := b.nodes[i].AddUsers(ctx, u); err != nil {
			return err
		}
		m := newMember(name, b.address(i))
		m.login = wire.Login{Address: b.nodes[i].Address(), Domain: u.Domain, User: name, Password: password, Timeout: 10 * time.Second}
		m.rng = rand.New(rand.NewPCG(b.seed, uint64(200+k)))
		m.resumes = k/len(b.nodes)%2 == 1
		m.replica, m.loose = b.room.replica, b.setBack
		m.report, m.spoke = b.fault, b.spoke[i]
		m.total = b.room.lines / n
		if k < b.room.lines%n {
			m.total++
		}
		m.budget = func() int { return b.released(m.total) }
		b.members = append(b.members, m)
		b.at[i] = append(b.at[i], m)
	}
	return nil
}

// run starts everything, hurts it as planned, and waits until all is level.
func (b *roomBench) run(ctx context.Context, out io.Writer) error {
	for _, n := range b.nodes {
		if err := n.Start(ctx); err != nil {
			return err
		}
	}
	inner, cancel := context.WithCancel(ctx)
	var cast, harm sync.WaitGroup
	for _, m := range b.members {
		cast.Go(func() { m.run(inner) })
	}
	var err error
	if b.seed/2%2 == 0 {
		err = b.gather(inner)
	}
	for _, m := range b.members {
		m.begin()
	}
	if err == nil {
		for _, h := range []func(context.Context){b.killer, b.cutter, b.annoyer, b.outager, b.restorer, b.deserter} {
			harm.Go(func() { h(inner) })
		}
		err = b.watch(inner, out)
	}
	if err == nil && b.room.replica {
		err = b.silence(inner)
	}
	b.crowd = b.crowded()
	cancel()
	harm.Wait()
	cast.Wait()
	for _, n := range b.nodes {
		n.Kill()
	}
	return errors.Join(err, b.verdict(out))
}

// gather waits until everybody is in the room, and sees everybody. In half of the runs nobody waits: then the harm begins before the nodes
// know each other.
func (b *roomBench) gather(ctx context.Context) error {
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); {
		all := true
		for _, m := range b.members {
			all = all && m.sees() >= len(b.members)
		}
		if all {
			return nil
		}
		if !pause(ctx, 20*time.Millisecond) {
			return ctx.Err()
		}
	}
	return errors.New("not everybody sees everybody after 30 s, though nothing was done to them")
}

// watch prints progress until all is level, or nothing moves any more.
func (b *roomBench) watch(ctx context.Context, out io.Writer) error {
	report := time.NewTicker(10 * time.Second)
	defer report.Stop()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	count, news, start, told := -1, time.Now(), time.Now(), 0
	for {
		select {
		case <-ctx.Done():
			return errors.New("time is up")
		case <-report.C:
			fmt.Fprintf(out, "  %4.0f s  %s\n", time.Since(start).Seconds(), b.summary())
		case <-tick.C:
		}
		for _, f := range b.allFaults()[told:] {
			if told++; told <= 10 {
				fmt.Fprintf(out, "  %4.0f s  FAULT: %s\n", time.Since(start).Seconds(), f)
			}
		}
		n, level := b.level()
		if n != count {
			count, news = n, time.Now()
		}
		switch {
		case b.harmDone() && level && time.Since(news) > 3*time.Second:
			return nil
		case b.harmDone() && time.Since(news) > b.patience:
			return fmt.Errorf("nothing came for %v", b.patience)
		case b.dead.Load(), len(b.allFaults()) > 20:
			return errors.New("given up")
		}
	}
}

// level counts what all have seen, and tells whether all have said all, have seen the same number of lines, and see each other.
func (b *roomBench) level() (sum int, level bool) {
	level = true
	first := -1
	for _, m := range b.members {
		n, quiet := m.count()
		sum += n
		if first < 0 {
			first = n
		}
		level = level && quiet && n == first
	}
	return sum, level && b.crowded() == ""
}

// crowded names somebody who does not see all who are there, or sees others.
func (b *roomBench) crowded() string {
	want := make(map[string]bool, len(b.members))
	for _, m := range b.members {
		want[m.name] = true
	}
	for _, m := range b.members {
		m.mu.Lock()
		equal, got := maps.Equal(m.crowd, want), slices.Sorted(maps.Keys(m.crowd))
		m.mu.Unlock()
		if !equal {
			return fmt.Sprintf("%s sees %q", m.name, got)
		}
	}
	return ""
}

func (b *roomBench) harmDone() bool {
	return b.harmPart() == 1
}

// harmPart is the part of the harm that is done or goes on, of the kind of which least is.
func (b *roomBench) harmPart() float64 {
	r, least := b.room, 1.0
	for _, part := range [][2]int{{int(b.killed.Load()), r.kills}, {int(b.cutDone.Load()), r.cuts}, {int(b.outDone.Load()), r.outages},
		{int(b.restored.Load()), 2 * r.restores}, {int(b.deserted.Load()), r.desertions}} {
		if part[1] > 0 {
			least = min(least, float64(part[0])/float64(part[1]))
		}
	}
	return least
}

// released is how many of a member's lines may have been said: as much of them as of the harm is done, so that there is talk at every blow.
func (b *roomBench) released(total int) int { return min(total, 1+int(float64(total)*b.harmPart())) }

// summary is one line of counts.
func (b *roomBench) summary() string {
	var said, seen, entered, resumed, again, paged, refused int
	for _, m := range b.members {
		m.mu.Lock()
		said, seen, entered, resumed, again, paged, refused = said+m.started, seen+len(m.seen), entered+m.entered, resumed+m.resumed, again+m.again, paged+m.paged, refused+m.refused
		m.mu.Unlock()
	}
	s := fmt.Sprintf("%d of %d lines said, %d seen; kills %d, cuts %d, desertions %d; entered %d, resumed %d, said again %d, from archives %d", said, b.room.lines, seen,
		b.killed.Load(), b.cutDone.Load(), b.deserted.Load(), entered, resumed, again, paged)
	if b.room.outages > 0 {
		s += fmt.Sprintf(", outages %d", b.outDone.Load())
	}
	if b.room.restores > 0 {
		s += fmt.Sprintf(", restored %d", b.restored.Load()/2)
	}
	if refused > 0 {
		s += fmt.Sprintf(", refused %d", refused)
	}
	if n := len(b.allFaults()); n > 0 {
		s += fmt.Sprintf("; %d FAULTS", n)
	}
	return s
}

func (b *roomBench) close() {
	for _, n := range b.nodes {
		n.Kill()
	}
	for _, p := range b.paths {
		p.Close()
	}
}
