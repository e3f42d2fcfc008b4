package station

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"longwire/links/sis"
	"longwire/tools/s5066con/probe"
)

// mostStations is the number of stations that anything here remembers.
const mostStations = 256

// A Discovery asks all consoles that hear it to say that they are there.
type Discovery struct {
	Path                 // a group, and non-ARQ, as a rule
	Window time.Duration // in which they answer, each at a random time; 10 s
	Wait   time.Duration // in all; the window and 30 s
	Silent bool          // send nothing: only listen for the Wait
}

func (d Discovery) orDefault() Discovery {
	if d.Window <= 0 {
		d.Window = 10 * time.Second
	}
	d.Window = min(d.Window.Truncate(time.Second), 255*time.Second)
	if d.Wait <= 0 {
		d.Wait = d.Window + 30*time.Second
	}
	if d.TTL <= 0 {
		d.TTL = d.Wait
	}
	return d
}

// Plan says what it will take, with so many stations.
func (d Discovery) Plan(r probe.Radio, stations int) probe.Estimate {
	if d.Silent {
		return probe.Estimate{Time: d.orDefault().Wait}
	}
	k := int(d.Service.MinRetransmissions)
	e := r.NonARQ(1, probe.Header+1+probe.MaxName, k).And(r.NonARQ(stations, probe.Header+2+probe.MaxName, k))
	e.Time = max(e.Time, d.orDefault().Wait)
	return e
}

type station struct {
	address sis.Address
	sap     uint8
}

// Discover does d. ctx ends it early, which is no error.
func (s *Station) Discover(ctx context.Context, d Discovery) (DiscoverDone, error) {
	d = d.orDefault()
	run, answers, end := s.begin()
	defer end()
	start := time.Now()
	if s.c.Binding.Rank == 15 {
		// S5066 A: rank 15 may ask the node. That takes no air.
		if err := s.Manage(ctx, ManageStatus, nil); err != nil {
			return DiscoverDone{}, err
		}
	}
	if !d.Silent {
		if err := d.Check(); err != nil {
			return DiscoverDone{}, err
		}
		u := probe.Probe{Kind: probe.Discover, Run: run, Window: d.Window, Name: s.c.Name}.Append(nil)
		if err := s.send(ctx, d.request(u), waiter{}); err != nil {
			return DiscoverDone{}, err
		}
		s.emit(Sent{What: "discover", To: d.To.String(), Bytes: len(u)})
	}
	found := map[station]bool{}
	late := time.NewTimer(s.real(d.Wait))
	defer late.Stop()
	done := func(err error) (DiscoverDone, error) {
		s.mu.Lock()
		heard := len(s.heard)
		s.mu.Unlock()
		r := DiscoverDone{Found: len(found), Heard: heard, Took: Seconds(s.radio(time.Since(start))), Stopped: ctx.Err() != nil}
		s.emit(r)
		return r, err
	}
	for {
		select {
		case e := <-answers:
			key := station{e.from.Source, e.from.SourceSAP}
			if e.Kind != probe.Here || found[key] || len(found) >= mostStations {
				continue
			}
			found[key] = true
			s.emit(Found{Station: key.address.String(), Own: e.from.Destination.String(), SAP: key.sap, Name: e.Name, Hold: Seconds(e.Hold),
				After: Seconds(max(s.radio(e.at.Sub(start))-e.Hold, 0))})
		case <-late.C:
			return done(nil)
		case <-s.over:
			return done(s.ended())
		case <-ctx.Done():
			return done(nil)
		}
	}
}

func sortedKeys[K cmp.Ordered, T any](m map[K]T) []K { return slices.Sorted(maps.Keys(m)) }
