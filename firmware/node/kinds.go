package node

import (
	"context"
	"errors"
	"fmt"

	"longwire/firmware/admin"
	"longwire/firmware/config"
	"longwire/links/custody"
	"longwire/links/ip"
	"longwire/links/s5066"
	"longwire/links/steer"
)

// manager runs the links of one type, whose configuration is a C.
type manager[C any] interface {
	Check([]C) error
	Apply([]C) error
	Run(context.Context) error
}

// kind is a type of link as the node sees it.
type kind struct {
	name string
	run  func(context.Context) error
	// plan translates a configuration; check and apply are then the manager's.
	plan   func(cfg *config.Config) (check, apply func() error, err error)
	states func() []admin.LinkState
}

func kindOf[C any](name string, m manager[C], translate func(*config.Config) ([]C, error), states func() []admin.LinkState) kind {
	return kind{name, m.Run, func(cfg *config.Config) (check, apply func() error, err error) {
		c, err := translate(cfg)
		return func() error { return m.Check(c) }, func() error { return m.Apply(c) }, err
	}, states}
}

// makeLinks makes the managers, without links.
func (n *Node) makeLinks() {
	n.desks = custody.NewDesks(n.db)
	n.helm = steer.New(steer.Env{DB: n.db, Trace: n.trace, Log: n.log, Quiet: func(link string, on bool) { n.s5066.SetQuiet(link, on) }})
	n.ip = ip.NewManager(ip.Env{DB: n.db, In: n.inbound, Sieve: n.sieve(), Desks: n.desks, Way: n.helm.Way, Trace: n.trace, Log: n.log})
	n.s5066 = s5066.NewManager(s5066.Env{DB: n.db, In: n.inbound, Sieve: n.sieve(), Desks: n.desks, Way: n.helm.Way, Trace: n.trace, Log: n.log, Dial: dialers, Time: n.clock.told})
	n.kinds = []kind{
		kindOf(config.LinkIP, n.ip, n.ipConfigs, n.ipStates),
		kindOf(config.LinkS5066, n.s5066, n.s5066Configs, n.s5066States),
	}
}

// link makes the links those of a configuration. Links that are the same go on undisturbed. After an error the caller returns to the
// configuration before.
func (n *Node) link(cfg *config.Config, peers func() error) error {
	var checks, applies []func() error
	courses, err := n.courses(cfg)
	if err != nil {
		return err
	}
	for _, k := range n.kinds {
		check, apply, err := k.plan(cfg)
		if err != nil {
			return err
		}
		checks, applies = append(checks, check), append(applies, apply)
	}
	if err := all(append(checks, peers)); err != nil {
		return err
	}
	// First who carries what: a link that leaves then takes nothing more, and one that comes takes nothing yet.
	n.helm.Apply(courses)
	n.leftSilent(n.linked, cfg)
	n.linked = cfg
	return all(applies)
}

// all does all steps up to the first that fails.
func all(steps []func() error) error {
	for _, f := range steps {
		if err := f(); err != nil {
			return fmt.Errorf("node: %w", err)
		}
	}
	return nil
}

// runLinks runs the links of all types.
func (n *Node) runLinks(ctx context.Context) error {
	ended := make(chan error, len(n.kinds)+1)
	go func() { ended <- n.helm.Run(ctx) }()
	for _, k := range n.kinds {
		go func() { ended <- k.run(ctx) }()
	}
	var errs []error
	for range len(n.kinds) + 1 {
		errs = append(errs, <-ended)
	}
	return errors.Join(errs...)
}

// linkStates tells operators of the links.
func (n *Node) linkStates() (all []admin.LinkState) {
	for _, k := range n.kinds {
		for _, s := range k.states() {
			s.Type = k.name
			carrier, _ := n.helm.Carrier(s.Peer)
			s.Carries = s.Link == carrier
			all = append(all, s)
		}
	}
	return all
}

func (n *Node) ipStates() (all []admin.LinkState) {
	for _, s := range n.ip.Status() {
		state := admin.LinkState{
			Link: s.Link, Peer: s.Peer, State: string(s.State), Since: s.Since, Until: s.Until, Remote: s.Remote, RTT: s.RTT, Fault: s.Fault,
			StanzasIn: s.In.Stanzas, StanzasOut: s.Out.Stanzas, BytesIn: s.In.Wire, BytesOut: s.Out.Wire,
			AgainIn: s.In.Repeated, AgainOut: s.Out.Repeated,
		}
		if s.Codec.Best != ip.NoCodec || s.Codec.Fault != "" {
			state.Codec, state.CodecFault = s.Codec.Out, s.Codec.Fault
		}
		all = append(all, state)
	}
	return all
}
