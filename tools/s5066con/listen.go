package main

import (
	"context"
	"errors"
	"fmt"
	"sort"
	"time"

	"longwire/links/sis"
	"longwire/tools/s5066con/settings"
	"longwire/tools/s5066con/station"
)

func listenCommand() command {
	return command{name: "listen", args: "", short: "answer the probes of other stations",
		long: `
Binds, shows what arrives, and answers the probes of other consoles: ping, discover, and the count of a test. It goes on until it is
interrupted or -for is over, and binds again when the bind is lost. With -answer=false it only listens.
A stranger's probes make this station transmit: -answers limits that.
Good when it could bind.`,
		flags: func(o *options) {
			o.common()
			o.set.BoolVar(&o.answer, "answer", true, "answer probes")
			o.set.IntVar(&o.answers, "answers", 60, "to each station in ten minutes, and four times as many to all")
			o.set.BoolVar(&o.accept, "accept-links", false, "accept hard links that are offered (type 2); else they are refused")
			o.set.DurationVar(&o.lifetime, "for", 0, "how long; 0: until interrupted")
			o.set.StringVar(&o.name, "name", "", "what those who discover are told; as saved")
		},
		run: runListen}
}

func runListen(ctx context.Context, a *app, o *options, args []string) int {
	if len(args) > 0 {
		return a.misuse(errors.New("s5066con: listen takes no address"), "")
	}
	f := &face{out: a.out, json: o.json}
	c, err := a.config(o, f.show)
	if err != nil {
		return f.fail(a, exitMisuse, err, "")
	}
	run, cancel := ctx, context.CancelFunc(func() {})
	if o.lifetime > 0 {
		run, cancel = context.WithTimeout(ctx, o.lifetime)
	}
	defer cancel()
	var last error
	bound := false
	k := sis.Keeper{Binding: c.Binding,
		Serve: func(ctx context.Context, client *sis.Client) error {
			bound = true
			return station.New(client, c).Run(ctx)
		},
		Notice: func(why error, next time.Duration) {
			last = why
			c.Emit(retry(o, why, next))
		}}
	err = k.Run(run)
	switch {
	case err != nil:
		return f.refused(context.Background(), a, o, err)
	case bound:
		return exitGood
	case last == nil:
		return exitStopped
	}
	return f.refused(context.Background(), a, o, last)
}

func serversCommand() command {
	return command{name: "servers", args: "[add NAME ADDRESS | remove NAME | name ADDRESS STATION | own NAME]", short: "what is saved: servers, names of stations",
		long: `
  servers                       list
  servers add hq 10.0.0.5:5066  save a server by a name of your own, with the -sap, -mode, -broadcast and -rate given
  servers remove hq             forget it
  servers name 1.1.0.2 field    call a station so; commands take the name in the place of the address
  servers own hq-console        what stations that look for others are told
The first server is used when none is named.`,
		flags: func(o *options) {
			o.set.BoolVar(&o.json, "json", false, "list as JSON")
			o.set.IntVar(&o.sap, "sap", -1, "the `SAP` that the console binds; 13")
			o.set.StringVar(&o.mode, "mode", "", "arq or non-arq")
			o.set.StringVar(&o.broadcast, "broadcast", "", "the group `address` of all")
			o.set.IntVar(&o.rate, "rate", 0, "of the radio, in `bit/s`")
		},
		run: runServers}
}

func runServers(_ context.Context, a *app, o *options, args []string) int {
	s := o.settings
	n := len(args)
	switch {
	case n == 0:
		a.list(o)
		return exitGood
	case args[0] == "add" && n == 3:
		v, err := settings.Parse(args[2])
		if err != nil {
			return a.misuse(err, "")
		}
		v.Name = args[1]
		if o.given("sap") {
			sap := uint8(o.sap)
			v.SAP = &sap
		}
		if o.given("mode") {
			v.Mode = o.mode
		}
		if o.given("broadcast") {
			if _, err := sis.ParseAddress(o.broadcast); err != nil {
				return a.misuse(err, "")
			}
			v.Broadcast = o.broadcast
		}
		v.Rate = 0
		if o.given("rate") {
			v.Rate = o.rate
		}
		if err := v.Check(); err != nil {
			return a.misuse(err, "")
		}
		s.Put(v)
	case args[0] == "remove" && n == 2:
		if !s.Remove(args[1]) {
			return a.misuse(fmt.Errorf("s5066con: no server %q is saved", args[1]), "")
		}
	case args[0] == "name" && n == 3:
		if _, err := sis.ParseAddress(args[1]); err != nil {
			return a.misuse(err, "")
		}
		if s.Stations == nil {
			s.Stations = map[string]string{}
		}
		s.Stations[args[1]] = args[2]
	case args[0] == "own" && n == 2:
		s.Own = args[1]
	default:
		return a.misuse(errors.New("s5066con: that is no use of servers"), "see: s5066con servers -help")
	}
	if err := s.Save(a.path); err != nil {
		return a.misuse(err, "")
	}
	return exitGood
}

// list shows what is saved.
func (a *app) list(o *options) {
	if o.json {
		(&face{out: a.out, json: true}).show(saved{o.settings.Own, o.settings.Servers, o.settings.Stations})
		return
	}
	for _, v := range o.settings.Servers {
		sap := station.Free
		if v.SAP != nil {
			sap = int(*v.SAP)
		}
		fmt.Fprintf(a.out, "%-16s %s:%s  SAP %d  %s\n", v.Name, first(v.Network, "tcp"), v.Address, sap, first(v.Mode, "arq"))
	}
	var addresses []string
	for address := range o.settings.Stations {
		addresses = append(addresses, address)
	}
	sort.Strings(addresses)
	for _, address := range addresses {
		fmt.Fprintf(a.out, "%-16s station %s\n", o.settings.Stations[address], address)
	}
	fmt.Fprintf(a.out, "(kept in %s)\n", a.path)
}

// saved is the list for scripts.
type saved struct {
	Own      string            `json:"own_name"`
	Servers  []settings.Server `json:"servers"`
	Stations map[string]string `json:"stations"`
}

func (saved) Kind() string { return "settings" }
