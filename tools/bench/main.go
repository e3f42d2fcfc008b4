// Command bench measures a Longwire node beside Prosody, on this machine and in this run.
//
// The machine may be shared and noisy, so the servers take turns and the medians of several rounds stand in the table. The last
// columns set the two in relation and say whether the project's goal is met; a missed goal is no failure of the run, but for the price of
// a line in a room.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"

	"longwire/tools/rig"
	"longwire/tools/rig/wire"
)

const domain = "headquarters.net"

type options struct {
	clients, rounds int
	duration, rest  time.Duration
	only            string
	work            string
	keep            bool
	archive         bool
}

func main() {
	var o options
	flag.IntVar(&o.clients, "clients", 1000, "idle `clients` for the memory figures")
	flag.IntVar(&o.rounds, "rounds", 3, "`rounds` of each workload and server, taken in turns")
	flag.DurationVar(&o.duration, "time", 4*time.Second, "measured time of one round")
	flag.DurationVar(&o.rest, "rest", 10*time.Second, "rest between the logins and the look at the memory")
	flag.StringVar(&o.only, "only", "", "measure this `server` alone: longwire or prosody")
	flag.StringVar(&o.work, "workload", "", "only workloads whose title holds this `text`; \"memory\" and \"speed\" choose a half")
	flag.BoolVar(&o.keep, "keep", false, "keep the servers' folders and print where they are")
	flag.BoolVar(&o.archive, "archive", true, "keep what people say to each other, on both servers")
	quick := flag.Bool("quick", false, "a minute instead of four: fewer clients and shorter rounds")
	flag.Usage = func() {
		fmt.Fprintln(flag.CommandLine.Output(), "usage: bench [flags]\nMeasures memory and speed of longwire beside Prosody.")
		flag.PrintDefaults()
	}
	flag.Parse()
	if flag.NArg() > 0 {
		flag.Usage()
		os.Exit(2)
	}
	if *quick {
		o.clients, o.rounds, o.duration, o.rest = 300, 3, 1500*time.Millisecond, 4*time.Second
	}
	ctx, cancel := rig.Context(30 * time.Minute)
	defer cancel()
	if err := run(ctx, o, os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o options, out, progress io.Writer) error {
	// Ours and, since it is set on purpose, the servers' too: 1,000 clients are 1,000 files.
	var lim syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &lim) == nil {
		lim.Cur = lim.Max
		syscall.Setrlimit(syscall.RLIMIT_NOFILE, &lim)
	}
	dir, err := os.MkdirTemp("", "longwire-bench-")
	if err != nil {
		return err
	}
	if o.keep {
		fmt.Fprintln(progress, "folders are kept in", dir)
	} else {
		defer os.RemoveAll(dir)
	}
	sync, err := syncTime(dir)
	if err != nil {
		return err
	}
	t := &table{title: fmt.Sprintf("%s, %d processors, fsync takes %v here", time.Now().UTC().Format("2006-01-02 15:04 UTC"), runtime.NumCPU(), sync.Round(10*time.Microsecond))}
	servers, err := prepare(ctx, o, dir, t, progress)
	if err != nil {
		return err
	}
	accounts := occupants
	if o.wantsMemory() {
		accounts = max(o.clients, occupants)
	}
	for i, s := range servers {
		t.names = append(t.names, s.Name())
		fmt.Fprintf(progress, "%d accounts for %s\n", accounts, s.Name())
		if err := servers[i].AddUsers(ctx, users(domain, accounts)...); err != nil {
			return err
		}
	}
	if o.wantsMemory() {
		if err := memory(ctx, o, servers, t, progress); err != nil {
			return err
		}
	}
	if o.work != "memory" {
		err := running(ctx, servers, func() error {
			if err := speeds(ctx, o, servers, t, progress); err != nil || !o.wants(roomTitle) {
				return err
			}
			return rooms(ctx, o, servers, t, progress)
		})
		if err != nil {
			return err
		}
	}
	return errors.Join(t.print(out), t.failed())
}

// prepare builds longwire and configures both servers.
func prepare(ctx context.Context, o options, dir string, t *table, progress io.Writer) ([]rig.Server, error) {
	var servers []rig.Server
	if o.only != "prosody" {
		fmt.Fprintln(progress, "building longwire")
		arm := filepath.Join(dir, "armv7")
		if err := os.Mkdir(arm, 0o700); err != nil {
			return nil, err
		}
		bin, err := rig.Build(ctx, arm, "GOOS=linux", "GOARCH=arm", "GOARM=7")
		if err != nil {
			return nil, err
		}
		st, err := os.Stat(bin)
		if err != nil {
			return nil, err
		}
		t.add(row{name: "binary, arm v7, stripped", unit: "MB", values: []float64{float64(st.Size()) / 1e6}, most: 16})
		if bin, err = rig.Build(ctx, dir); err != nil {
			return nil, err
		}
		n := &rig.Node{Bin: bin, Dir: filepath.Join(dir, "longwire-node"), IP: "127.0.0.1", Domain: domain, Plain: true, Archive: map[string]any{"accounts": o.archive}}
		if err := n.Prepare(); err != nil {
			return nil, err
		}
		servers = append(servers, n)
	}
	if o.only != "longwire" {
		if err := rig.Require(ctx, progress, rig.NeedProsody); err != nil {
			return nil, err
		}
		p := &rig.Prosody{Dir: filepath.Join(dir, "prosody"), IP: "127.0.0.1", Domains: []string{domain}, PlainTCP: true, Rooms: true, Archive: o.archive}
		if err := p.Prepare(); err != nil {
			return nil, err
		}
		servers = append(servers, p)
	}
	return servers, nil
}

// memory fills the rows of the memory figures.
func memory(ctx context.Context, o options, servers []rig.Server, t *table, progress io.Writer) error {
	const mib, kib = 1 << 20, 1 << 10
	for _, mode := range []wire.Mode{wire.StartTLS, wire.Plain} {
		idle := row{name: "memory, idle", unit: "MiB", below: true}
		full := row{name: fmt.Sprintf("memory, %d idle clients, %v", o.clients, mode), unit: "MiB", below: true}
		each := row{name: fmt.Sprintf("memory per client, %v", mode), unit: "KiB", below: true}
		rate := row{name: fmt.Sprintf("logins a second, %v", mode), unit: "/s"}
		for _, s := range servers {
			fmt.Fprintf(progress, "memory of %s with %d clients, %v\n", s.Name(), o.clients, mode)
			f, err := measureMemory(ctx, s, users(domain, o.clients), mode, o.rest)
			if err != nil {
				return err
			}
			idle.values = append(idle.values, float64(f.idle)/mib)
			full.values = append(full.values, float64(f.full)/mib)
			each.values = append(each.values, f.perClient()/kib)
			rate.values = append(rate.values, f.logins)
		}
		if mode == wire.StartTLS {
			t.add(idle)
		}
		t.add(full)
		t.add(each)
		t.add(rate)
	}
	return nil
}

// wants tells whether a workload was asked for.
func (o options) wants(title string) bool {
	return o.work == "" || o.work == "speed" || strings.Contains(title, o.work)
}

func (o options) wantsMemory() bool { return o.work == "" || o.work == "memory" }

// running starts the servers, and ends them when f is done.
func running(ctx context.Context, servers []rig.Server, f func() error) error {
	for _, s := range servers {
		if err := s.Start(ctx); err != nil {
			return err
		}
		defer s.Stop()
	}
	return f()
}

// speeds fills the rows of all workloads.
func speeds(ctx context.Context, o options, servers []rig.Server, t *table, progress io.Writer) error {
	for _, w := range workloads {
		if !o.wants(w.title) {
			continue
		}
		rounds := make([][]speed, len(servers))
		for r := range o.rounds {
			for i, s := range servers {
				v, err := measureSpeed(ctx, s, users(domain, 20), w, o.duration)
				if err != nil {
					return err
				}
				fmt.Fprintf(progress, "%s, round %d: %-16s %6.0f messages/s, p99 %.2f ms, %d us server, %d us load client\n", w.title, r+1,
					s.Name(), v.rate, ms(v.p99), v.serverCPU.Microseconds(), v.loadCPU.Microseconds())
				rounds[i] = append(rounds[i], v)
			}
		}
		t.addSpeeds(w, rounds)
	}
	return nil
}

// syncTime is how long the folder's device takes to make 4 KiB durable: what acceptance costs at the least.
func syncTime(dir string) (time.Duration, error) {
	f, err := os.CreateTemp(dir, "sync")
	if err != nil {
		return 0, err
	}
	defer os.Remove(f.Name())
	defer f.Close()
	times := make([]time.Duration, 50)
	for i := range times {
		start := time.Now()
		if _, err := f.Write(make([]byte, 4096)); err != nil {
			return 0, err
		}
		if err := f.Sync(); err != nil {
			return 0, err
		}
		times[i] = time.Since(start)
	}
	slices.Sort(times)
	return times[len(times)/2], nil
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
func us(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }
