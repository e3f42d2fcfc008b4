package main

import (
	"context"
	"fmt"
	"slices"
	"syscall"
	"time"

	"longwire/tools/rig"
	"longwire/tools/rig/wire"
)

// A workload is one way to play.
type workload struct {
	title string
	balls int
	mode  wire.Mode
	sm    bool
}

var workloads = []workload{
	{"10 pairs, 1 in flight", 1, wire.Plain, false},
	{"10 pairs, 32 in flight", 32, wire.Plain, false},
	{"10 pairs, 1 in flight, TLS", 1, wire.StartTLS, false},
	{"10 pairs, 1 in flight, stream management", 1, wire.Plain, true},
	{"10 pairs, 32 in flight, stream management", 32, wire.Plain, true},
}

// A speed is what one round gave.
type speed struct {
	rate               float64 // messages a second
	p50, p99           time.Duration
	acked50, acked99   time.Duration
	serverCPU, loadCPU time.Duration // per message
}

// body is what all say.
const body = "Convoy is at grid 32U LV 12345 67890 now"

// measureSpeed logs 10 pairs in and lets them play.
func measureSpeed(ctx context.Context, s rig.Server, accounts []rig.User, w workload, d time.Duration) (speed, error) {
	conns, err := logIn(ctx, s, accounts, w.mode, w.sm)
	if err != nil {
		return speed{}, err
	}
	defer hangUp(conns)
	look := newLook(s.PID())
	warm := time.Now().Add(d / 6)
	g := newGame(conns, body, w.sm, w.balls, clock{warm: warm, end: warm.Add(d), begin: look.begin, stop: look.end})
	play := playEpoll
	if w.mode != wire.Plain {
		play = playConns
	}
	if err := play(ctx, g); err != nil {
		return speed{}, fmt.Errorf("%s, %s: %w", s.Name(), w.title, err)
	}
	n := time.Duration(max(g.delivered, 1))
	r := speed{
		rate:      float64(g.delivered) / look.took.Seconds(),
		serverCPU: look.server / n,
		loadCPU:   look.own / n,
	}
	r.p50, r.p99 = percentiles(g.latency)
	r.acked50, r.acked99 = percentiles(g.accepted)
	return r, nil
}

// A look is at processor times and the clock, at the begin and the end of what is measured.
type look struct {
	pid         int
	at          time.Time
	took        time.Duration
	server, own time.Duration // processor time
}

func newLook(pid int) *look { return &look{pid: pid} }

func (l *look) begin() {
	l.at, l.own = time.Now(), -selfCPU()
	cpu, _ := rig.CPU(l.pid)
	l.server = -cpu
}

func (l *look) end() {
	l.took, l.own = time.Since(l.at), l.own+selfCPU()
	cpu, _ := rig.CPU(l.pid)
	l.server += cpu
}

func percentiles(d []time.Duration) (p50, p99 time.Duration) {
	if len(d) == 0 {
		return 0, 0
	}
	slices.Sort(d)
	return d[len(d)/2], d[len(d)*99/100]
}

// selfCPU is the processor time of this process.
func selfCPU() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// median takes each figure's median over the rounds.
func median(rounds []speed) speed {
	var m speed
	m.rate = middle(rounds, func(s speed) float64 { return s.rate })
	d := func(f func(speed) time.Duration) time.Duration {
		return time.Duration(middle(rounds, func(s speed) float64 { return float64(f(s)) }))
	}
	m.p50 = d(func(s speed) time.Duration { return s.p50 })
	m.p99 = d(func(s speed) time.Duration { return s.p99 })
	m.acked50 = d(func(s speed) time.Duration { return s.acked50 })
	m.acked99 = d(func(s speed) time.Duration { return s.acked99 })
	m.serverCPU = d(func(s speed) time.Duration { return s.serverCPU })
	m.loadCPU = d(func(s speed) time.Duration { return s.loadCPU })
	return m
}

func middle[T any](rounds []T, f func(T) float64) float64 {
	v := make([]float64, len(rounds))
	for i, r := range rounds {
		v[i] = f(r)
	}
	slices.Sort(v)
	if len(v) == 0 {
		return 0
	}
	if n := len(v); n%2 == 0 {
		return (v[n/2-1] + v[n/2]) / 2
	}
	return v[len(v)/2]
}
