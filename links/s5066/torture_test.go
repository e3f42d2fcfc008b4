package s5066_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"longwire/links/sis"
	"longwire/links/sis/sistest"
)

// mangler duplicates, reorders, damages and loses what a client hears.
type mangler struct {
	quiet atomic.Bool

	mu   sync.Mutex // guards what follows: one carrier may follow the other closely
	rnd  *rand.Rand
	held []sis.UnidataIndication
}

func (m *mangler) mangle(u sis.UnidataIndication) []sis.UnidataIndication {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.quiet.Load() {
		out := append(m.held, u)
		m.held = nil
		return out
	}
	if u.TransmissionMode != sis.ARQ && m.rnd.IntN(3) == 0 {
		return nil // a lone mark is lost
	}
	switch m.rnd.IntN(12) {
	case 0:
		return []sis.UnidataIndication{u, u}
	case 1:
		m.held = append(m.held, u)
		return nil
	case 2:
		d := u
		d.UPDU = bytes.Clone(u.UPDU)
		d.UPDU[m.rnd.IntN(len(d.UPDU))] ^= 1 << m.rnd.IntN(8)
		return []sis.UnidataIndication{d, u}
	case 3:
		return nil // lost between the far node and its client
	case 4:
		out := append(m.held, u, u)
		m.held = nil
		return out
	}
	out := append([]sis.UnidataIndication{u}, m.held...)
	m.held = nil
	return out
}

// Nothing is lost, doubled or put out of order by anything that happens on the way.
func TestTorture(t *testing.T) {
	seeds := 40
	if testing.Short() {
		seeds = 6
	}
	for seed := range seeds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) { torture(t, uint64(seed)) })
	}
}

func torture(t *testing.T, seed uint64) {
	rnd := rand.New(rand.NewPCG(seed, 3))
	o := sistest.Options{Seed: seed}
	if rnd.IntN(4) > 0 {
		o.Delay, o.Rate = time.Duration(rnd.IntN(10))*time.Second, []int{75, 300, 1200, 9600}[rnd.IntN(4)]
		o.Loss = []float64{0, 0.1, 0.4}[rnd.IntN(3)]
	}
	play(t, o, func(r *rig) {
		ma, mb := &mangler{rnd: rand.New(rand.NewPCG(seed, 1))}, &mangler{rnd: rand.New(rand.NewPCG(seed, 2))}
		r.a.mangle, r.b.mangle = ma.mangle, mb.mangle
		var toB, toA []string
		r.start()
		for i := range 30 {
			for j := range rnd.IntN(6) {
				toB = append(toB, fmt.Sprintf("a %d.%d", i, j))
				r.a.Send(toB[len(toB)-1])
			}
			for j := range rnd.IntN(6) {
				toA = append(toA, fmt.Sprintf("b %d.%d", i, j))
				r.b.Send(toA[len(toA)-1])
			}
			if d := []time.Duration{0, 0, time.Millisecond, 301 * time.Millisecond, 5 * time.Second, time.Minute, 20 * time.Minute}[rnd.IntN(7)]; d > 0 {
				time.Sleep(time.Duration(float64(d) * (0.5 + rnd.Float64())))
			}
			for range rnd.IntN(2000) {
				runtime.Gosched() // kills are to hit anything
			}
			e := r.a
			if rnd.IntN(2) == 1 {
				e = r.b
			}
			r.blow(rnd, e)
		}
		ma.quiet.Store(true)
		mb.quiet.Store(true)
		r.air.Set(func(o *sistest.Options) { o.Loss = 0 })
		r.arrived(r.a, r.b, toB)
		r.arrived(r.b, r.a, toA)
	})
}

// blow does something bad to an end.
func (r *rig) blow(rnd *rand.Rand, e *end) {
	reasons := []sis.RejectReason{sis.RejectUnspecified, sis.RejectExpired, sis.RejectSAPNotBound, sis.RejectNoResponse, sis.RejectTooLong, sis.RejectNoMode}
	switch rnd.IntN(9) {
	case 0, 1:
		var next []sis.RejectReason
		for range 1 + rnd.IntN(3) {
			next = append(next, reasons[rnd.IntN(len(reasons))])
		}
		e.air.RejectNext(next...)
	case 2:
		e.air.Restart()
	case 3:
		e.cut()
	case 4:
		e.air.ForgetNext(1 + rnd.IntN(2))
	case 5:
		e.Crash(e.cut)
		e.Start()
	case 6:
		e.Stop()
		e.Start()
	case 7:
		if e.m.Status()[0].Bound {
			_ = e.tap().say(sis.DataFlowOff{})
			time.Sleep(time.Duration(rnd.IntN(200)) * time.Second)
			_ = e.tap().say(sis.DataFlowOn{})
		}
	case 8:
		if err := e.m.SetEMCON("5066 link", true); err != nil {
			r.t.Error(err)
		}
		time.Sleep(time.Duration(rnd.IntN(2000)) * time.Second)
		if err := e.m.SetEMCON("5066 link", false); err != nil {
			r.t.Error(err)
		}
	}
}
