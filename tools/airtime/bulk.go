package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"text/tabwriter"
	"time"

	"golang.org/x/sync/errgroup"

	"longwire/links/dts"
	"longwire/links/modem"
	"longwire/links/sis"
	"longwire/tools/rig"
	"longwire/tools/rig/onair"
)

// bulkSize is what is sent.
const bulkSize = 20 << 10

// bulkRuns is how often; the median counts. How a transfer falls into transmissions is a matter of milliseconds.
const bulkRuns = 3

// A bulkCase is one rate and what is expected.
type bulkCase struct {
	rate  int
	scale int
	goal  float64
}

var bulkCases = []bulkCase{{75, 250, 0.83}, {300, 60, 0.83}, {1200, 20, 0.83}, {2400, 10, 0.83}, {4800, 5, 0.75}, {9600, 3, 0.75}}

type bulkResult struct {
	use           float64
	segment       int
	transmissions int
	took          time.Duration
}

// bulk is the table of line use.
func bulk(ctx context.Context, b *bench, out io.Writer) error {
	fmt.Fprintln(b.progress, "bulk data at", len(bulkCases), "rates")
	results := make([][bulkRuns]bulkResult, len(bulkCases))
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(3)
	for i, c := range bulkCases {
		for run := range bulkRuns {
			g.Go(func() (err error) {
				if results[i][run], err = bulkOne(gctx, b, c, run); err != nil {
					err = fmt.Errorf("%d bit/s: %w", c.rate, err)
				}
				return err
			})
		}
	}
	if err := g.Wait(); err != nil {
		return err
	}
	fmt.Fprintf(out, "\nBulk ARQ: %d KB in U_PDUs of %d bytes, ideal channel, short interleaver, turnaround 2 s, link up, both ends s5066d; median of %d.\n", bulkSize>>10, mtu, bulkRuns)
	fmt.Fprintln(out, "Line use is payload ÷ rate ÷ time from the first key-up to the last confirmation. The model is arithmetic for the same transfer in\nsegments of 200 bytes, by machines that take no time.")
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "bit/s\ttime\ttransmissions\tsegments up to\tline use\tmodel\tgoal\t\tscale\t")
	for i, c := range bulkCases {
		slices.SortFunc(results[i][:], func(a, b bulkResult) int { return cmp.Compare(a.use, b.use) })
		r := results[i][bulkRuns/2]
		wave, err := modem.Find(c.rate, dts.ShortInterleaver)
		if err != nil {
			return err
		}
		model := modelUse(wave, 200, bulkSize, 2*time.Second)
		word := b.goal(r.use >= c.goal && r.use >= model-0.03, "bulk at %d bit/s: %.1f %%, model %.1f %%", c.rate, 100*r.use, 100*model)
		fmt.Fprintf(w, "%d\t%.0f s\t%d\t%d\t%.1f %%\t%.1f %%\t≥ %.0f %%, model − 3\t%s\t%d\t\n", c.rate, r.took.Seconds(), r.transmissions, r.segment, 100*r.use, 100*model, 100*c.goal, word, c.scale)
	}
	return w.Flush()
}

// bulkOne sends 20 KB from one s5066d to another.
func bulkOne(ctx context.Context, b *bench, c bulkCase, run int) (r bulkResult, err error) {
	air := &rig.Channel{IP: "127.0.0.1", Config: modem.ChannelConfig{Clock: modem.Clock{Scale: float64(c.scale)}, Seed: 1}}
	if err := air.Open(); err != nil {
		return r, err
	}
	defer air.Close()
	var clients [2]*sis.Client
	for i := range clients {
		s := &rig.SISServer{Bin: b.sis, Dir: filepath.Join(b.dir, fmt.Sprintf("bulk%d-%d-%d", c.rate, run, i)), IP: "127.0.0.1", Station: rig.Station(i),
			Address: rig.StationAddress(i), Channel: air.Address(), Rate: c.rate, Keys: map[string]map[string]any{"timers": {"idle": "1h"}}}
		if err := s.Prepare(); err != nil {
			return r, err
		}
		if err := s.Start(ctx); err != nil {
			return r, err
		}
		defer s.Stop()
		if clients[i], err = bind(ctx, s); err != nil {
			return r, err
		}
		defer clients[i].Close()
	}
	// The link comes up first.
	if err := deliver(ctx, clients, 1, 100); err != nil {
		return r, err
	}
	begin := air.Clock().Now()
	if err := deliver(ctx, clients, bulkSize, mtu); err != nil {
		return r, err
	}
	end := air.Clock().Now()
	var reader onair.Reader
	for _, s := range air.Signals() {
		if s.Start.Before(begin) {
			continue
		}
		t := reader.Read(s)
		if r.transmissions == 0 {
			r.took = end.Sub(s.Start)
		}
		r.transmissions++
		for _, p := range t.PDUs {
			r.segment = max(r.segment, len(p.Segment))
		}
	}
	r.use = 8 * float64(bulkSize) / float64(c.rate) / r.took.Seconds()
	return r, nil
}

func bind(ctx context.Context, s *rig.SISServer) (*sis.Client, error) {
	return sis.Bind(ctx, sis.Binding{Name: s.Station, Dial: dialer(s.SIS()), SAP: 6, Window: 16})
}

// deliver sends total bytes from the first client to the second, in pieces, and waits for the last confirmation.
func deliver(ctx context.Context, clients [2]*sis.Client, total, piece int) error {
	to, err := sis.ParseAddress(rig.StationAddress(1))
	if err != nil {
		return err
	}
	g, ctx := errgroup.WithContext(ctx)
	pieces := (total + piece - 1) / piece
	g.Go(func() error {
		for left := total; left > 0; left -= piece {
			if _, err := clients[0].Unidata(ctx, sis.UnidataRequest{DestinationSAP: 6, Destination: to, UPDU: make([]byte, min(left, piece))}); err != nil {
				return err
			}
		}
		return nil
	})
	g.Go(func() error {
		for got := 0; got < pieces; {
			switch e, err := clients[0].Recv(ctx); e := e.(type) {
			case sis.Confirmed:
				got++
			case sis.Rejected:
				return fmt.Errorf("rejected: %v", e.Answer.Reason)
			default:
				if err != nil {
					return err
				}
			}
		}
		return nil
	})
	g.Go(func() error {
		for got := 0; got < total; {
			e, err := clients[1].Recv(ctx)
			if err != nil {
				return err
			}
			if u, ok := e.(sis.UnidataIndication); ok {
				got += len(u.UPDU)
			}
		}
		return nil
	})
	return g.Wait()
}
