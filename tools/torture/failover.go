package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"time"

	"longwire/tools/rig"
)

// A satcom is the preferred link of the mode failover: a path over IP beside the radios, which is cut and mended all the time.
type satcom struct {
	path *rig.Path
	cuts atomic.Int64
	sent [2]atomic.Uint64 // stanzas that nodes sent by IP and by HF, as far as they lived to tell
}

func satName(i int) string { return "SatCom " + hfDomains[i] }

// fit gives both nodes a link over IP that is preferred to HF. The first dials.
func (s *satcom) fit(nodes []*rig.Node) error {
	var relay, port int
	if err := rig.Ports(nodes[1].IP, &relay, &port); err != nil {
		return err
	}
	keys := map[string]any{"compress": true, "zero_rtt": true, "ack_idle": "200ms", "backoff_min": "50ms", "backoff_max": "500ms", "idle_close": "3s"}
	for i, n := range nodes {
		n.Links = []rig.Link{{Name: satName(i), RemoteIP: nodes[1-i].IP, RemotePort: relay, LocalPort: port, Dial: i == 0, Listen: i == 1, Keys: keys}}
		p := &n.HF[0].Peers[0]
		p.Before = []string{satName(i)}
		p.Failover = map[string]any{"after": "1s", "back_after": "1s", "back_max": "4s"}
	}
	s.path = &rig.Path{Listen: nodes[1].IP + ":" + strconv.Itoa(relay), Target: nodes[1].IP + ":" + strconv.Itoa(port), Source: nodes[0].IP, Delay: 50 * time.Millisecond}
	return s.path.Open()
}

// flap cuts the path and mends it, until the harm is over.
func (b *hfBench) flap(ctx context.Context) {
	rng := rand.New(rand.NewPCG(b.seed, 60))
	for !b.over.Load() {
		if !pause(ctx, time.Duration(500+rng.IntN(6000))*time.Millisecond) {
			break
		}
		b.diary.Print("SatCom is cut")
		b.sat.path.Cut()
		b.sat.cuts.Add(1)
		pause(ctx, time.Duration(200+rng.IntN(6000))*time.Millisecond)
		b.sat.path.Mend()
		b.diary.Print("SatCom is mended")
	}
	b.sat.path.Mend()
}

// newFailover is newHF with SatCom.
func newFailover(ctx context.Context, p plan, bin, sis, dir string) (*hfBench, error) {
	b, err := newHF(ctx, p, bin, sis, dir)
	if err != nil {
		return b, err
	}
	b.sat = &satcom{}
	if err := b.sat.fit(b.nodes); err != nil {
		return b, err
	}
	for _, n := range b.nodes {
		if err := n.WriteConfig(); err != nil {
			return b, fmt.Errorf("%s: %w", filepath.Base(n.Dir), err)
		}
	}
	return b, nil
}
