package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"
	"time"

	"longwire/links/sis"
	"longwire/tools/s5066con/probe"
	"longwire/tools/s5066con/settings"
	"longwire/tools/s5066con/station"
)

// options are the flags of all commands; each has those that mean something for it.
type options struct {
	set      *flag.FlagSet
	settings settings.Settings
	server   settings.Server

	json, trace        bool
	serverName         string
	sap, toSAP, rank   int
	mode, confirm      string
	repeats, priority  int
	expedited          bool
	ttl, wait, every   time.Duration
	window             time.Duration
	count, size        int
	inflight           int
	echo, report       bool
	broadcast          string
	rate               int
	long               bool
	maxAir             time.Duration
	maxLoss            float64
	scale              float64
	name               string
	silent, answer     bool
	lifetime           time.Duration
	answers            int
	accept             bool
	linkType, linkRank int
	hex, text          string
	noSave             bool
	connect            time.Duration
}

var errHelp = errors.New("help was shown")

// common are the flags of all that bind.
func (o *options) common() {
	f := o.set
	f.BoolVar(&o.json, "json", false, "one JSON object for each event instead of text; see below")
	f.BoolVar(&o.trace, "trace", false, "show the primitives between the console and the server, too")
	f.StringVar(&o.serverName, "server", "", "the SIS `server`: a saved name, host, host:port, serial:/dev/ttyUSB0@9600 or vsock:2:5066; the first that is saved, or localhost:5066")
	f.IntVar(&o.sap, "sap", -1, "bind this `SAP`; as saved, or 13. 13 to 15 are free to use")
	f.IntVar(&o.rank, "rank", 0, "of the bind, 0 to 15; 15 is for the management of the node")
	f.StringVar(&o.mode, "mode", "", "transmission `mode`: arq (repeats until all is there) or non-arq; as saved, or arq")
	f.IntVar(&o.repeats, "repeats", 0, "non-arq: send each U_PDU so many times `more`, up to 15")
	f.DurationVar(&o.connect, "connect", 20*time.Second, "how long to try to reach the server and bind")
	f.Float64Var(&o.scale, "scale", 1, "of a simulated radio's `time`: 60 if its minute is a second here")
}

// sending are the flags of all that send.
func (o *options) sending(wait time.Duration, waitFor string) {
	f := o.set
	f.StringVar(&o.confirm, "confirm", "node", "arq: who confirms, `node`, client or none")
	f.IntVar(&o.toSAP, "to-sap", -1, "the `SAP` of the other station; as -sap")
	f.IntVar(&o.priority, "priority", 0, "0 to 15, the most urgent")
	f.BoolVar(&o.expedited, "expedited", false, "send by the expedited service")
	f.DurationVar(&o.ttl, "ttl", 0, "how long the node may hold a U_PDU; as -wait")
	f.DurationVar(&o.wait, "wait", wait, waitFor)
	f.StringVar(&o.broadcast, "broadcast", "", "the group `address` of all; as saved, or 31.255.255.255")
	f.IntVar(&o.rate, "rate", 0, "of the radio in `bit/s`, to say how much air it will take; as saved, or measured by the last test")
	f.BoolVar(&o.long, "long", false, "the radio uses the long interleaver, for the same purpose")
	f.DurationVar(&o.maxAir, "max-air", 5*time.Minute, "refuse what would take more `air` than this")
}

// parse reads a command's flags, which may stand before and behind its arguments.
func (a *app) parse(c command, args []string) (*options, []string, error) {
	o := &options{set: flag.NewFlagSet(c.name, flag.ContinueOnError), scale: 1}
	o.set.SetOutput(io.Discard)
	o.set.Usage = func() {}
	c.flags(o)
	var rest []string
	for {
		if err := o.set.Parse(args); errors.Is(err, flag.ErrHelp) {
			a.teach(c, o)
			return nil, nil, errHelp
		} else if err != nil {
			return nil, nil, fmt.Errorf("s5066con %s: %w", c.name, err)
		}
		args = o.set.Args()
		if len(args) == 0 {
			break
		}
		rest, args = append(rest, args[0]), args[1:]
	}
	var err error
	if o.settings, err = settings.Load(a.path); err != nil {
		return nil, nil, err
	}
	return o, rest, o.resolve()
}

// teach prints a command's help.
func (a *app) teach(c command, o *options) {
	fmt.Fprintf(a.out, "usage: s5066con %s [flags] %s\n\n%s\n\nFlags:\n", c.name, c.args, strings.TrimSpace(c.long))
	o.set.SetOutput(a.out)
	o.set.PrintDefaults()
	if o.set.Lookup("json") != nil {
		fmt.Fprint(a.out, "\n", jsonHelp)
	}
	fmt.Fprint(a.out, "\n", exitHelp)
}

// resolve fills in what is saved, and checks.
func (o *options) resolve() error {
	switch {
	case o.serverName == "" && len(o.settings.Servers) > 0:
		o.server = o.settings.Servers[0]
	case o.serverName == "":
		o.server = settings.Server{Name: "localhost", Network: "tcp", Address: "localhost"}
	case o.settings.Find(o.serverName) != nil:
		o.server = *o.settings.Find(o.serverName)
	default:
		var err error
		if o.server, err = settings.Parse(o.serverName); err != nil {
			return err
		}
	}
	v := o.server
	if o.sap < 0 && v.SAP != nil && o.set.Name() != "chat" {
		o.sap = int(*v.SAP)
	}
	if o.sap < 0 {
		o.sap = station.Free
	}
	if o.toSAP < 0 {
		o.toSAP = o.sap
	}
	o.mode = first(o.mode, v.Mode, "arq")
	o.broadcast = first(o.broadcast, v.Broadcast, sis.Broadcast.String())
	if o.rate == 0 {
		o.rate = v.Rate
	}
	o.name = first(o.name, o.settings.Own)
	return o.check()
}

func (o *options) check() error {
	bad := func(ok bool, format string, args ...any) error {
		if ok {
			return nil
		}
		return fmt.Errorf("s5066con: "+format, args...)
	}
	return errors.Join(
		bad(o.sap >= 0 && o.sap <= 15, "-sap %d: they are 0 to 15", o.sap),
		bad(o.toSAP >= 0 && o.toSAP <= 15, "-to-sap %d: they are 0 to 15", o.toSAP),
		bad(o.rank >= 0 && o.rank <= 15, "-rank %d: they are 0 to 15", o.rank),
		bad(o.priority >= 0 && o.priority <= 15, "-priority %d: they are 0 to 15", o.priority),
		bad(o.repeats >= 0 && o.repeats <= 15, "-repeats %d: up to 15", o.repeats),
		bad(o.mode == "arq" || o.mode == "non-arq", "-mode %q: there are arq and non-arq", o.mode),
		bad(o.confirm == "" || o.confirm == "node" || o.confirm == "client" || o.confirm == "none", "-confirm %q: there are node, client and none", o.confirm),
		bad(o.scale > 0, "-scale %v: more than 0", o.scale),
		bad(o.rate >= 0, "-rate %d: more than 0", o.rate),
		bad(o.count >= 0 && o.size >= 0 && o.inflight >= 0, "numbers below 0 make no sense"),
		bad(o.ttl >= 0 && o.ttl <= sis.MaxTTL.Duration(), "-ttl %v: up to 15 days", o.ttl),
	)
}

func first(list ...string) string {
	for _, s := range list {
		if s != "" {
			return s
		}
	}
	return ""
}

// service is how U_PDUs go.
func (o *options) service() sis.ServiceType {
	if o.mode == "non-arq" {
		return sis.ServiceType{TransmissionMode: sis.NonARQ, MinRetransmissions: uint8(o.repeats)}
	}
	s := sis.Arq()
	switch o.confirm {
	case "client":
		s.Confirmation = sis.ClientConfirmation
	case "none":
		s.Confirmation = sis.NoConfirmation
	}
	return s
}

// to reads an address or the name of a station.
func (o *options) to(text string) (station.Path, error) {
	p := station.Path{SAP: uint8(o.toSAP), Service: o.service(), Priority: uint8(o.priority), Expedited: o.expedited, TTL: o.ttl}
	for address, name := range o.settings.Stations {
		if strings.EqualFold(name, text) {
			text = address
		}
	}
	if text == "all" || text == "broadcast" {
		text = o.broadcast
	}
	var err error
	if p.To, err = sis.ParseAddress(text); err != nil {
		return p, fmt.Errorf("s5066con: %q is no address like 1.1.0.2, and no station of that name is saved", text)
	}
	if p.To.Group() && !o.given("mode") {
		// S5066 A: a group address is for non-ARQ only. Nothing else can have been meant.
		p.Service = sis.ServiceType{TransmissionMode: sis.NonARQ, MinRetransmissions: uint8(o.repeats)}
	}
	return p, p.Check()
}

// given tells whether a flag was typed.
func (o *options) given(name string) (yes bool) {
	o.set.Visit(func(f *flag.Flag) { yes = yes || f.Name == name })
	return yes
}

// radio is what is known for estimates, and from where.
func (o *options) radio() (r probe.Radio, basis string) {
	r = probe.Radio{Rate: o.rate, Long: o.long}
	switch {
	case o.rate > 0:
		return r, "told"
	case o.server.Goodput > 0:
		r.Goodput, r.Rate = o.server.Goodput, int(o.server.Goodput)
		return r, "measured"
	}
	r.Rate = station.AssumedRate
	return r, "assumed"
}
