package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"text/tabwriter"
	"time"

	"golang.org/x/sync/errgroup"

	"longwire/links/modem"
	"longwire/tools/rig"
	"longwire/tools/rig/onair"
)

const (
	stationCount = 5
	stationRuns  = 3
	stationRate  = 300
	stationScale = 30
	stationLines = 8               // of each user
	stationPause = 4 * time.Minute // mean time between two lines of a user, whether or not the first has arrived
	mostUneven   = 3.0
	mostCollided = 0.25 // of the transmissions: a storm has most of them
)

// A talk is what the two users of a station, or those at the other ends, came to.
type talk struct{ waited []time.Duration }

func (t *talk) mean() time.Duration {
	var sum time.Duration
	for _, d := range t.waited {
		sum += d
	}
	return sum / time.Duration(max(1, len(t.waited)))
}

// stations has five nodes share a channel. Each has two users: one talks with a user of the next station, one with a user of the station
// before. Delays have long tails, so several such channels are looked at together.
func stations(ctx context.Context, b *bench, out io.Writer) error {
	fmt.Fprintln(b.progress, stationCount, "stations on one channel,", stationRuns, "times")
	var runs [stationRuns]*party
	defer func() {
		for _, p := range runs {
			if p != nil {
				p.end()
			}
		}
	}()
	for i := range runs {
		var err error
		if runs[i], err = newParty(ctx, b, i); err != nil {
			return err
		}
	}
	g, gctx := errgroup.WithContext(ctx)
	for _, p := range runs {
		g.Go(func() error { return p.talk(gctx) })
	}
	if err := g.Wait(); err != nil {
		return err
	}
	if b.trace {
		for _, p := range runs {
			var r onair.Reader
			for _, s := range p.net.Air.Signals() {
				fmt.Fprintln(b.progress, r.Read(s).Line(p.net.Air.Clock().Epoch))
			}
		}
	}
	return printStations(b, out, runs[:])
}

// A party is five stations and their users: by station, who talks with the next one, and who with the one before.
type party struct {
	run    int
	net    *rig.Net
	people [stationCount][2]*person
	talks  [stationCount][2]talk
	took   time.Duration
}

func newParty(ctx context.Context, b *bench, run int) (*party, error) {
	var domains []string
	var pairs [][2]int
	for i := range stationCount {
		domains = append(domains, fmt.Sprintf("node%d.net", i+1))
		pairs = append(pairs, [2]int{i, (i + 1) % stationCount})
	}
	net, err := rig.NewNet(rig.HF{Longwire: b.longwire, SISServer: b.sis, Dir: filepath.Join(b.dir, fmt.Sprintf("stations%d", run)), Domains: domains, Pairs: pairs,
		Rate: stationRate, Scale: stationScale, Link: map[string]any{"compress": true}, Channel: modem.ChannelConfig{Seed: uint64(1 + run)}})
	if err != nil {
		return nil, err
	}
	p := &party{run: run, net: net}
	for i, n := range net.Nodes {
		for _, name := range names[0][:2] {
			err = errors.Join(err, n.AddUsers(ctx, rig.User{Name: name, Domain: domains[i], Password: password}))
		}
	}
	if err == nil {
		err = net.Start(ctx)
	}
	for i, n := range net.Nodes {
		for j, name := range names[0][:2] {
			if err == nil {
				p.people[i][j], err = logIn(ctx, n, rig.User{Name: name, Domain: domains[i], Password: password}, true)
			}
			if err == nil {
				err = p.people[i][j].WriteString("<presence/>")
			}
		}
	}
	if err != nil {
		p.end()
		return nil, err
	}
	return p, nil
}

func (p *party) end() {
	for _, two := range p.people {
		for _, one := range two {
			if one != nil {
				one.hangUp()
			}
		}
	}
	_ = p.net.Stop()
}

// talk has all of them talk, each to one other.
func (p *party) talk(ctx context.Context) error {
	begin := time.Now()
	g, ctx := errgroup.WithContext(ctx)
	for i := range p.people {
		next := (i + 1) % stationCount
		seed := 2 * (stationCount*p.run + i)
		g.Go(func() error { return chat(ctx, p.net, p.people[i][0], p.people[next][1], seed, &p.talks[i][0]) })
		g.Go(func() error { return chat(ctx, p.net, p.people[next][1], p.people[i][0], seed+1, &p.talks[next][1]) })
	}
	err := g.Wait()
	p.took = p.net.Air.Radio(time.Since(begin))
	return err
}

// chat says lines at random times and waits for all of them in the end.
func chat(ctx context.Context, net *rig.Net, from, to *person, seed int, t *talk) error {
	ctx, cancel := context.WithTimeout(ctx, 8*time.Minute)
	defer cancel()
	rng := rand.New(rand.NewPCG(uint64(seed), 1))
	said := map[string]time.Time{}
	for i := range stationLines {
		if err := net.Sleep(ctx, time.Duration(rng.ExpFloat64()*float64(stationPause))); err != nil {
			return err
		}
		id := uuid()
		said[id] = time.Now()
		if err := from.WriteString(decorated(seed, to.User.JID(), id, texts[(seed+i)%len(texts)])); err != nil {
			return err
		}
	}
	for id, at := range said {
		came, err := to.await(ctx, id)
		if err != nil {
			return err
		}
		t.waited = append(t.waited, net.Air.Radio(came.Sub(at)))
	}
	return nil
}

// printStations prints the figures of each station, over all runs.
func printStations(b *bench, out io.Writer, runs []*party) error {
	fmt.Fprintf(out, "\n%d stations on one channel at %d bit/s short, all hear each other; two users at each, who talk with users of the next and the last station:\n", stationCount, stationRate)
	fmt.Fprintf(out, "%d lines of %d characters each, %v apart on the average, whether or not those before have arrived; %d such channels; scale %d.\n", stationLines, messageSize, stationPause, stationRuns, stationScale)
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "station\tlines\tmean wait\tlongest\ttransmissions\tair\tcollided\t")
	var best, worst, keyed, took time.Duration
	transmissions, collided := 0, 0
	for i := range stationCount {
		var all talk
		var sum modem.StationStats
		for _, p := range runs {
			for _, t := range p.talks[i] {
				all.waited = append(all.waited, t.waited...)
			}
			for _, s := range p.net.Air.Stats().Stations {
				if s.Name == rig.Station(i) {
					sum.Transmissions, sum.Keyed, sum.Collisions = sum.Transmissions+s.Transmissions, sum.Keyed+s.Keyed, sum.Collisions+s.Collisions
				}
			}
		}
		m := all.mean()
		if best == 0 || m < best {
			best = m
		}
		worst, keyed = max(worst, m), keyed+sum.Keyed
		transmissions, collided = transmissions+sum.Transmissions, collided+sum.Collisions
		fmt.Fprintf(w, "%s\t%d\t%.1f s\t%.1f s\t%d\t%.0f s\t%d\t\n", rig.Station(i), len(all.waited), m.Seconds(), slices.Max(all.waited).Seconds(), sum.Transmissions, sum.Keyed.Seconds(), sum.Collisions)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for _, p := range runs {
		took += p.took
	}
	part := float64(collided) / float64(max(1, transmissions))
	uneven := worst.Seconds() / best.Seconds()
	fmt.Fprintf(out, "Worst ÷ best mean: %.2f, goal ≤ %.0f: %s.  ", uneven, mostUneven, b.goal(uneven <= mostUneven, "five stations: worst mean is %.2f times the best", uneven))
	fmt.Fprintf(out, "Transmissions that met another: %d of %d, %.0f %%, goal ≤ %.0f %%: %s.\n", collided, transmissions, 100*part, 100*mostCollided,
		b.goal(part <= mostCollided, "five stations: %.0f %% of the transmissions collided", 100*part))
	fmt.Fprintf(out, "Somebody was sending for %.0f %% of %.0f s.\n", 100*keyed.Seconds()/took.Seconds(), took.Seconds())
	return nil
}
