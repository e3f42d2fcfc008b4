package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"longwire/links/sis"
	"longwire/tools/s5066con/station"
)

// heard hides what a one-shot command's people did not ask for.
func hideHeard(e station.Event) bool {
	_, heard := e.(station.Heard)
	return heard
}

func discoverCommand() command {
	return command{name: "discover", args: "", short: "find stations with a console, by one broadcast",
		long: `
Broadcasts one non-ARQ probe. Each console that hears it ("s5066con listen") answers after a random part of the window, so that they do
not all transmit at once. With -silent nothing is sent: stations are listed as they are heard. With -rank 15 the node itself is asked, too,
which stations it heard; our own server answers that, if its settings allow the rank.
Good when at least one station was found or heard.`,
		flags: func(o *options) {
			o.common()
			o.sending(0, "in all; 0: the window and 30 s")
			o.set.DurationVar(&o.window, "window", 10*time.Second, "in which stations answer; up to 255s. Make it longer for many stations or a slow radio")
			o.set.BoolVar(&o.silent, "silent", false, "send nothing, listen for -wait")
			o.set.StringVar(&o.name, "name", "", "what the others are told of us; as saved")
		},
		run: func(ctx context.Context, a *app, o *options, args []string) int {
			if len(args) > 0 {
				return a.misuse(errors.New("s5066con: discover takes no address"), "a single station is asked by: s5066con ping "+args[0])
			}
			p, err := o.to(o.broadcast)
			if err != nil {
				return a.misuse(err, "")
			}
			p.Service = sis.ServiceType{TransmissionMode: sis.NonARQ, MinRetransmissions: uint8(o.repeats)}
			d := station.Discovery{Path: p, Window: o.window, Wait: o.wait, Silent: o.silent}
			r, _ := o.radio()
			if code, ok := a.plan(o, "discovery, if two stations answer", d.Plan(r, 2)); !ok {
				return code
			}
			hide := hideHeard
			if o.silent {
				hide = nil
			}
			s, code := a.open(ctx, o, hide)
			if s == nil {
				return code
			}
			done, err := s.Discover(ctx, d)
			if done.Stopped {
				err = station.ErrStopped
			}
			return s.end(err, done.Found+done.Heard > 0)
		}}
}

func pingCommand() command {
	return command{name: "ping", args: "ADDRESS", short: "see whether a station is alive, and how long it takes",
		long: `
Sends a probe, and waits for the answer of a console at the other station. Without one there, the other node's confirmation (ARQ) is a
sign of life as well. Pings go one at a time, each when the last is done with.
Good when anything came back.`,
		flags: func(o *options) {
			o.common()
			o.sending(2*time.Minute, "for each answer; a silent station costs a node that long, or more")
			o.set.IntVar(&o.count, "count", 1, "how many")
			o.set.DurationVar(&o.every, "every", time.Second, "from one to the next, at least")
			o.set.IntVar(&o.size, "size", 0, "of the U_PDU in bytes; as small as can be")
			o.set.BoolVar(&o.echo, "echo", false, "have answers as long as the pings")
		},
		run: func(ctx context.Context, a *app, o *options, args []string) int {
			p, code := a.one(o, "ping", args)
			if code != exitGood {
				return code
			}
			ping := station.Ping{Path: p, Count: o.count, Every: o.every, Size: o.size, Echo: o.echo, Wait: o.wait}
			r, _ := o.radio()
			if code, ok := a.plan(o, "ping", ping.Plan(r)); !ok {
				return code
			}
			s, code := a.open(ctx, o, hideHeard)
			if s == nil {
				return code
			}
			done, err := s.Ping(ctx, ping)
			return s.end(err, done.Answered+done.Delivered > 0)
		}}
}

// one reads the one address of a command.
func (a *app) one(o *options, name string, args []string) (station.Path, int) {
	if len(args) != 1 {
		return station.Path{}, a.misuse(fmt.Errorf("s5066con: %s takes one address", name), "for example: s5066con "+name+" 1.1.0.2")
	}
	p, err := o.to(args[0])
	if err != nil {
		return p, a.misuse(err, "")
	}
	return p, exitGood
}

func testCommand() command {
	return command{name: "test", args: "ADDRESS", short: "measure throughput, loss and delays",
		long: `
Sends many U_PDUs and counts what becomes of them. It first says how much air that will take, by the rate that it is told (-rate, or as
saved), or has measured, or else assumes (300 bit/s), and refuses more than -max-air. Interrupt it and nothing more is given to the
node, and what the node has not sent is taken back with the SAP, if the node is so kind.

With arq the other node's confirmations give delay, throughput and loss. With non-arq, or to a group, nothing is confirmed: a console at
the other end ("s5066con listen") counts and is asked at the end; U_PDUs go to the node as fast as the radio sends them by -rate.
Good when at most -max-loss of those whose fate is known was lost. The measured throughput of an arq test is saved with a saved server.`,
		flags: func(o *options) {
			o.common()
			o.sending(time.Minute, "for the other console's report, each of three times")
			o.set.IntVar(&o.count, "count", 10, "how many U_PDUs")
			o.set.IntVar(&o.size, "size", 200, "of each, in bytes")
			o.set.IntVar(&o.inflight, "inflight", 0, "arq: so many at a time in the node's custody; 0: a minute of air. More fill long transmissions")
			o.set.BoolVar(&o.report, "report", true, "ask the other console what arrived")
			o.set.Float64Var(&o.maxLoss, "max-loss", 0.5, "the share that may be lost, 0 to 1")
			o.set.BoolVar(&o.noSave, "no-save", false, "do not remember the throughput")
		},
		run: runTest}
}

func runTest(ctx context.Context, a *app, o *options, args []string) int {
	p, code := a.one(o, "test", args)
	if code != exitGood {
		return code
	}
	if p.TTL == 0 {
		p.TTL = 10 * time.Minute
	}
	r, _ := o.radio()
	t := station.Test{Path: p, Count: o.count, Size: o.size, Window: o.inflight, Report: o.report, Wait: o.wait, Radio: r}
	if err := t.Check(0); err != nil {
		return a.misuse(err, "")
	}
	if code, ok := a.plan(o, "test", t.Plan()); !ok {
		return code
	}
	s, code := a.open(ctx, o, hideHeard)
	if s == nil {
		return code
	}
	done, err := s.Test(ctx, t)
	if saved := o.settings.Find(o.server.Name); err == nil && !o.noSave && p.ARQ() && done.Rate > 0 && saved != nil {
		saved.Goodput = done.Rate
		if err := o.settings.Save(a.path); err != nil {
			fmt.Fprintln(a.err, "s5066con:", err)
		}
	}
	return s.end(err, done.Loss >= 0 && done.Loss <= o.maxLoss)
}
