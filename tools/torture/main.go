// Command torture looks for lost and doubled messages: two nodes are killed again and again while the path between them is cut and
// clients on both sides talk, and in the end every message must have arrived once, in the order of its sender.
//
// What happens when follows from a seed, which is printed; processes and sockets run freely in between. Four modes over IP: plain, with the
// stanza codec, with a store whose fsync takes 20 ms, and with a store that fills up and is healed. Two over HF, one for each mapping: there the path is a radio
// channel, with an s5066d at each end, and all of it fails. One more, failover, has SatCom in front of HF, which is cut and restored all the time.
//
// Four more have three nodes in a row with one federated room, and clients on each that talk in it, leave it and come back. In the end the
// three archives must hold the same lines, each once and in the order of its author, and each client must have seen each line once: pp with
// the room primary-primary; pr with it primary-replica, where the order of all lines is the same; expiry, where queues give up on what waits;
// and restore, where a node is set back to an old copy of its store. The default run has a small pp.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"longwire/tools/rig"
)

// A plan is one run.
type plan struct {
	mode     string // plain, codec, slow-sync or full
	seed     uint64
	messages int // each way
	pairs    int
	kills    int // of each node
	cuts     int
	slow     time.Duration // least time of a commit
	full     bool
	pad      int           // bytes that make bodies longer
	limit    time.Duration // for the whole run
	patience time.Duration // without any news, after the last kill, before giving up
	keep     bool
	codec    string // between the nodes: mix, light; "": none
	both     bool   // both nodes dial and listen
	local    bool   // partners live on the same node
	failover bool   // over HF: with SatCom in front of it
	hf       hfPlan
	room     roomPlan
}

func main() {
	p := plan{patience: time.Minute}
	flag.IntVar(&p.messages, "messages", 5000, "`messages` each way")
	flag.IntVar(&p.pairs, "pairs", 5, "`pairs` of clients, one on each node")
	flag.IntVar(&p.kills, "kills", 300, "kill -9 of each node, so many `times`")
	flag.IntVar(&p.cuts, "cuts", 300, "cut the path so many `times`")
	flag.Uint64Var(&p.seed, "seed", 0, "repeat the schedule of an earlier run; 0 makes a new one")
	flag.DurationVar(&p.limit, "limit", 10*time.Minute, "for each mode; longer is a failure")
	flag.BoolVar(&p.keep, "keep", false, "keep the nodes' folders and print where they are")
	flag.BoolVar(&p.both, "both", false, "let both nodes dial, so that connections cross")
	flag.BoolVar(&p.local, "local", false, "let partners be on the same node, which leaves the link out")
	slow := flag.Duration("slow-sync", 0, "only the mode with a slow store: each commit takes at least this `time`")
	full := flag.Bool("full", false, "only the mode with a store that fills up")
	hf := flag.Bool("hf", false, "only the modes over HF, hf-longwire and hf-rcop")
	failover := flag.Bool("failover", false, "only the mode failover: SatCom that is cut and restored, and HF behind it")
	mapping := flag.String("mapping", "", "only the mode over HF with this `mapping`: longwire or rcop")
	flag.IntVar(&p.hf.messages, "hf-messages", 1000, "over HF: `messages` each way")
	flag.IntVar(&p.hf.outages, "outages", 1000, "over HF: `outages` of all kinds together")
	flag.IntVar(&p.hf.rate, "rate", 2400, "over HF: `bit/s`")
	flag.IntVar(&p.hf.scale, "scale", 200, "over HF: radio time runs so many `times` as fast")
	flag.DurationVar(&p.hf.harm, "harm", 4*time.Minute, "over HF: the `time` in which the outages happen")
	rooms := flag.Bool("rooms", false, "only the modes with a room on three nodes")
	roomMode := flag.String("room-mode", "", "only this `mode` with a room: pp, pr, expiry or restore")
	flag.IntVar(&p.room.lines, "lines", 3000, "`lines` said in the room; the modes after pp have a fifth of these three, if all are run")
	flag.IntVar(&p.room.kills, "room-kills", 200, "kill -9 of nodes with a room, so many `times` in all")
	flag.IntVar(&p.room.cuts, "room-cuts", 1000, "cut a path between rooms so many `times` in all")
	flag.IntVar(&p.room.clients, "room-clients", 3, "`clients` in the room at each node")
	plain := flag.Bool("plain", false, "only the plain mode")
	codec := flag.String("codec", "", "only the mode with this stanza `codec` on the link: mix or light")
	short := flag.Bool("short", false, "a tenth of everything, for machines in a hurry")
	flag.Usage = func() {
		fmt.Fprintln(flag.CommandLine.Output(), "usage: torture [flags]\nKills two nodes and cuts their link while clients talk; every message must arrive once.")
		flag.PrintDefaults()
	}
	flag.Parse()
	if flag.NArg() > 0 || p.messages < p.pairs || p.pairs < 1 || p.kills < 0 || p.cuts < 0 || p.hf.messages < p.pairs ||
		p.hf.outages < 0 || p.hf.scale < 1 || p.hf.scale > 1000 || p.hf.harm < 0 || p.room.clients < 1 || p.room.lines < 0 || p.room.kills < 0 || p.room.cuts < 0 || *roomMode != "" && !slices.Contains(roomModes, *roomMode) || *mapping != "" && *mapping != "longwire" && *mapping != "rcop" ||
		*codec != "" && *codec != "mix" && *codec != "light" {
		flag.Usage()
		os.Exit(2)
	}
	if p.seed == 0 {
		p.seed = uint64(time.Now().UnixNano()) % 1e9
	}
	if *short {
		p.messages, p.kills, p.cuts = p.messages/10, p.kills/10, p.cuts/10
		p.hf.messages, p.hf.outages, p.hf.harm = p.hf.messages/10, p.hf.outages/10, p.hf.harm/10
		p.room.lines, p.room.kills, p.room.cuts = p.room.lines/10, p.room.kills/10, p.room.cuts/10
	}
	var plans []plan
	all := !*plain && *codec == "" && *slow == 0 && !*full && !*hf && !*failover && *mapping == "" && !*rooms && *roomMode == ""
	if *plain || all {
		q := p
		q.mode = "plain"
		plans = append(plans, q)
	}
	if *codec != "" || all {
		q := p
		q.mode, q.codec = "codec", *codec
		if all {
			q.codec = "mix"
		}
		plans = append(plans, q)
	}
	if *slow > 0 || all {
		q := p
		q.mode, q.slow = "slow-sync", *slow
		if q.slow == 0 {
			q.slow = 20 * time.Millisecond
		}
		plans = append(plans, q)
	}
	if *full || all {
		q := p
		q.mode, q.full, q.pad = "full", true, 4000
		plans = append(plans, q)
	}
	for _, m := range []string{"longwire", "rcop"} {
		if *hf || all || *mapping == m {
			q := p
			q.mode, q.hf.mapping, q.messages, q.kills, q.cuts = "hf-"+m, m, p.hf.messages, 0, 0
			plans = append(plans, q)
		}
	}
	if *failover || all {
		q := p
		q.mode, q.failover, q.hf.mapping, q.messages, q.kills, q.cuts = "failover", true, "longwire", p.hf.messages, 0, 0
		if all {
			q.messages, q.hf.outages, q.hf.harm = max(p.pairs, q.messages/5), q.hf.outages/5, q.hf.harm/5
		}
		plans = append(plans, q)
	}
	switch {
	case *rooms || *roomMode != "":
		plans = append(plans, roomPlans(p, *roomMode)...)
	case all:
		p.room.lines, p.room.kills, p.room.cuts = p.room.lines/5, p.room.kills/5, p.room.cuts/5
		plans = append(plans, roomPlans(p, "pp")...)
	}
	if err := runAll(plans, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "torture:", err)
		os.Exit(1)
	}
}

func runAll(plans []plan, out io.Writer) (err error) {
	dir, err := os.MkdirTemp("", "longwire-torture-")
	if err != nil {
		return err
	}
	defer func() {
		if plans[0].keep || err != nil {
			fmt.Fprintln(out, "folders are kept in", dir)
		} else {
			os.RemoveAll(dir)
		}
	}()
	ctx, cancel := rig.Context(0)
	defer cancel()
	fmt.Fprintln(out, "building longwire and s5066d")
	bin, err := rig.Build(ctx, dir)
	if err != nil {
		return err
	}
	sis, err := rig.BuildSISServer(ctx, dir)
	if err != nil {
		return err
	}
	var failed []string
	for _, p := range plans {
		fmt.Fprintf(out, "\n%s: %s, -seed %d\n", p.mode, p.words(), p.seed)
		if err := runOne(ctx, p, bin, sis, dir, out); err != nil {
			fmt.Fprintf(out, "%s: FAILED, -seed %d: %v\n", p.mode, p.seed, err)
			failed = append(failed, p.mode)
		}
		if ctx.Err() != nil {
			return errors.New("interrupted")
		}
	}
	fmt.Fprintf(out, "\n%d passed, %d failed\n", len(plans)-len(failed), len(failed))
	if len(failed) > 0 {
		return fmt.Errorf("failed: %s", strings.Join(failed, ", "))
	}
	return nil
}

// words say what a run is.
func (p *plan) words() string {
	s := fmt.Sprintf("%d messages each way between %d pairs", p.messages, p.pairs)
	if h := p.hf; h.mapping != "" {
		return s + fmt.Sprintf(", %d outages in %v, %d bit/s, radio time %d times as fast", h.outages, h.harm, h.rate, h.scale)
	}
	if r := p.room; strings.HasPrefix(p.mode, "rooms-") {
		return fmt.Sprintf("%d lines in a room on three nodes, nodes killed %d times, paths cut %d times", r.lines, r.kills, r.cuts)
	}
	return s + fmt.Sprintf(", each node killed %d times, path cut %d times", p.kills, p.cuts)
}

// A runner is one run that is ready to begin.
type runner interface {
	run(context.Context, io.Writer) error
	summary() string
	close()
}

func runOne(ctx context.Context, p plan, bin, sis, dir string, out io.Writer) error {
	ctx, cancel := context.WithTimeout(ctx, p.limit)
	defer cancel()
	var b runner
	var err error
	if p.failover {
		b, err = newFailover(ctx, p, bin, sis, dir)
	} else if p.hf.mapping != "" {
		b, err = newHF(ctx, p, bin, sis, dir)
	} else if strings.HasPrefix(p.mode, "rooms-") {
		b, err = newRooms(ctx, p, bin, dir)
	} else {
		b, err = newBench(ctx, p, bin, dir)
	}
	if err != nil {
		return err
	}
	defer b.close()
	start := time.Now()
	err = b.run(ctx, out)
	fmt.Fprintln(out, b.summary())
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%s: every message arrived once and in order, in %v\n", p.mode, time.Since(start).Round(time.Second))
	return nil
}
