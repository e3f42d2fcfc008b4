package node

import (
	"context"
	"errors"
	"fmt"

	"longwire/firmware/admin"
	"longwire/firmware/config"
	"longwire/links/ip"
	"longwire/links/s5066"
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
	// plan translates a configuration, without the peers in but; check and apply are then the manager's.
	plan   func(cfg *config.Config, but map[string]bool) (check, apply func() error, err error)
	states func() []admin.LinkState
}

func kindOf[C any](name string, m manager[C], translate func(*config.Config, map[string]bool) ([]C, error), states func() []admin.LinkState) kind {
	return kind{name, m.Run, func(cfg *config.Config, but map[string]bool) (check, apply func() error, err error) {
		c, err := translate(cfg, but)
		return func() error { return m.Check(c) }, func() error { return m.Apply(c) }, err
	}, states}
}

// makeLinks makes the managers, without links.
func (n *Node) makeLinks() {
	n.ip = ip.NewManager(ip.Env{DB: n.db, In: n.inbound, Sieve: n.sieve(), Trace: n.trace, Log: n.log})
	n.s5066 = s5066.NewManager(s5066.Env{DB: n.db, In: n.inbound, Sieve: n.sieve(), Trace: n.trace, Log: n.log, Dial: dialers, Time: n.clock.told})
	n.kinds = []kind{
		kindOf(config.LinkIP, n.ip, n.ipConfigs, n.ipStates),
		kindOf(config.LinkS5066, n.s5066, n.s5066Configs, n.s5066States),
	}
}

// link makes the links those of a configuration. Links that are the same go on undisturbed. After an error the caller returns to the
// configuration before.
func (n *Node) link(cfg *config.Config, peers func() error) error {
	var checks, applies []func() error
	for _, k := range n.kinds {
		check, apply, err := k.plan(cfg, nil)
		if err != nil {
			return err
		}
		checks, applies = append(checks, check), append(applies, apply)
	}
	if err := all(append(checks, peers)); err != nil {
		return err
	}
	// A queue must never have two who empty it: peers that go over to another type of link first leave their old one.
	if gone := moving(n.linked, cfg); len(gone) > 0 {
		for _, k := range n.kinds {
			_, apply, err := k.plan(cfg, gone)
			if err == nil {
				err = apply()
			}
			if err != nil {
				return fmt.Errorf("node: %w", err)
			}
		}
	}
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

// moving are the peers that two configurations reach by links of different type.
func moving(old, cfg *config.Config) map[string]bool {
	if old == nil {
		return nil
	}
	was := make(map[string]string)
	for _, k := range []string{config.LinkIP, config.LinkS5066} {
		for _, p := range reached(old, k) {
			was[p.Name] = k
		}
	}
	gone := make(map[string]bool)
	for _, k := range []string{config.LinkIP, config.LinkS5066} {
		for _, p := range reached(cfg, k) {
			if w, before := was[p.Name]; before && w != k {
				gone[p.Name] = true
			}
		}
	}
	return gone
}

// runLinks runs the links of all types.
func (n *Node) runLinks(ctx context.Context) error {
	ended := make(chan error, len(n.kinds))
	for _, k := range n.kinds {
		go func() { ended <- k.run(ctx) }()
	}
	var errs []error
	for range n.kinds {
		errs = append(errs, <-ended)
	}
	return errors.Join(errs...)
}

// linkStates tells operators of the links.
func (n *Node) linkStates() (all []admin.LinkState) {
	for _, k := range n.kinds {
		for _, s := range k.states() {
			s.Type = k.name
			all = append(all, s)
		}
	}
	return all
}

func (n *Node) ipStates() (all []admin.LinkState) {
	for _, s := range n.ip.Status() {
		all = append(all, admin.LinkState{
			Link: s.Link, Peer: s.Peer, State: string(s.State), Since: s.Since, Until: s.Until, Remote: s.Remote, RTT: s.RTT, Fault: s.Fault,
			StanzasIn: s.In.Stanzas, StanzasOut: s.Out.Stanzas, BytesIn: s.In.Wire, BytesOut: s.Out.Wire,
			AgainIn: s.In.Repeated, AgainOut: s.Out.Repeated,
		})
	}
	return all
}
