package device

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"longwire/firmware/admin"
	"longwire/firmware/config"
	"longwire/firmware/ctl"
	"longwire/firmware/provision"
)

// probeTime bounds one question to the node.
const probeTime = 10 * time.Second

// heardRecently: so long after the last sign of a peer over HF the lamp still says that a link is up. Choice: an idle HF link is silent
// for hours and as good as before; after a whole hour nobody should count on it.
const heardRecently = time.Hour

// Health is what can be told of a kit without anybody at the other end.
type Health struct {
	Wrong  []string `json:"wrong,omitempty"` // in words, a line each; none: healthy
	LinkUp bool     `json:"link_up,omitempty"`
}

// health looks at everything: the services run, the node answers, its store is without fault, what is to listen listens, and each
// link over HF is bound at its SIS server. Whether a peer is reached does not count: the band may be dead.
//
// The service manager costs a process for each question, and a small board has other things to do while it starts: it is asked when all
// else is well, or when every reason counts.
func (d *daemon) health(ctx context.Context, thorough bool) (h Health) {
	if again := time.Since(d.hostTried) > hostAgain; again && d.shut != nil {
		for _, w := range d.activate(ctx, false) {
			d.log.Error("still not as the settings say", "wrong", w)
		}
	} else if again && d.hostFault != "" {
		d.applyHost(ctx)
	}
	h = d.nodeHealth(ctx)
	if d.shut != nil {
		h.Wrong = append(h.Wrong, fmt.Sprintf("the firewall does not close: %v", trim(d.shut)))
	}
	if d.hostFault != "" && (d.kit.Trial() == nil || d.hostFault != d.hostKnown) {
		h.Wrong = append(h.Wrong, "the machine's settings could not be applied: "+d.hostFault)
	}
	if !thorough && len(h.Wrong) > 0 {
		return h
	}
	for _, u := range units {
		if !d.kit.Has(u.document) {
			continue
		}
		if err := d.o.Services.Active(ctx, u.unit); err != nil {
			h.Wrong = append(h.Wrong, fmt.Sprintf("%s does not run: %v", u.title, trim(err)))
		}
	}
	return h
}

// hostAgain is how often settings of the machine that could not be applied are tried again.
const hostAgain = 10 * time.Second

// nodeHealth is what the node and the sockets tell.
func (d *daemon) nodeHealth(ctx context.Context) (h Health) {
	wrong := func(format string, args ...any) { h.Wrong = append(h.Wrong, fmt.Sprintf(format, args...)) }
	cfg, err := d.kit.NodeConfig()
	switch {
	case err != nil:
		wrong("its settings cannot be read: %v", err)
		return h
	case cfg == nil:
		return h
	}
	s, err := d.o.Probe(ctx, cfg.Control)
	if err != nil {
		wrong("the node does not answer: %v", trim(err))
		return h
	}
	d.askPeer(s)
	if d.storeFault(s.Store.Fault) {
		wrong("the node's store has a fault: %s", s.Store.Fault)
	}
	if s.Config != cfg.File {
		wrong("the node runs on %s and not on %s", s.Config, cfg.File)
	}
	h.Wrong = append(h.Wrong, silentDoors(cfg)...)
	states := linkStates(s)
	for _, l := range cfg.Links {
		if why := linkFault(cfg, &l, states); why != "" {
			wrong("%s", why)
		}
	}
	h.LinkUp = slices.ContainsFunc(states, contact)
	return h
}

// linkStates are what the node's socket tells of its links; Live.Links does not pass it.
func linkStates(s admin.Status) (all []admin.LinkState) {
	for _, l := range s.All {
		all = append(all, l.Peers...)
	}
	return all
}

// contact tells whether a peer is within reach.
func contact(l admin.LinkState) bool {
	if l.State != "up" || l.S5066 == nil {
		return l.State == "up"
	}
	heard := l.S5066.Heard
	if p := l.S5066.Pairing; p != nil && p.Heard.After(heard) {
		heard = p.Heard // by what introduces a kit, which is no traffic
	}
	return time.Since(heard) < heardRecently
}

// silentDoors are the addresses that the node should listen on and does not.
func silentDoors(cfg *config.Config) (wrong []string) {
	ports, err := listening()
	if err != nil {
		return []string{err.Error()}
	}
	check := func(what, addr string, port int) {
		if port != 0 && !ports[port] {
			wrong = append(wrong, fmt.Sprintf("nothing listens for %s at %s", what, addr))
		}
	}
	for _, addr := range slices.Concat(cfg.Clients.Listen, cfg.Clients.DirectTLS, cfg.Clients.Plaintext) {
		check("clients", addr, portOf(addr))
	}
	for _, l := range cfg.Links {
		if l.Type == config.LinkIP && l.Listen && used(cfg, l.Name) {
			check(fmt.Sprintf("link %q", l.Name), fmt.Sprintf("%s:%d", l.LocalAddress, l.LocalPort), l.LocalPort)
		}
	}
	return wrong
}

// used tells whether a peer is reached by a link; others stay closed.
func used(cfg *config.Config, link string) bool {
	return slices.ContainsFunc(cfg.Peers, func(p config.Peer) bool { return slices.Contains(p.Links, link) })
}

// linkFault tells what keeps a link over HF from its SIS server.
func linkFault(cfg *config.Config, l *config.Link, states []admin.LinkState) string {
	if l.Type != config.LinkS5066 || !used(cfg, l.Name) {
		return ""
	}
	text := fmt.Sprintf("link %q has no place at its SIS server %s", l.Name, l.Server)
	for _, s := range states {
		if s.Link != l.Name || s.S5066 == nil {
			continue
		}
		if s.S5066.Bound {
			return ""
		}
		if s.Fault != "" {
			return text + ": " + s.Fault
		}
	}
	return text
}

// probe asks the node for its status.
func probe(ctx context.Context, socket string) (admin.Status, error) {
	ctx, cancel := context.WithTimeout(ctx, probeTime)
	defer cancel()
	client, err := ctl.Dial(socket)
	if err != nil {
		return admin.Status{}, err
	}
	list, err := ctl.Collect[admin.Status](ctx, client, ctl.OpStatus, nil)
	if err == nil && len(list) != 1 {
		err = errors.New("its answer is empty")
	}
	if err != nil {
		return admin.Status{}, err
	}
	return list[0], nil
}

// reload makes the node read its settings again.
func reload(ctx context.Context, socket string) error {
	ctx, cancel := context.WithTimeout(ctx, 3*probeTime)
	defer cancel()
	client, err := ctl.Dial(socket)
	if err != nil {
		return err
	}
	_, err = ctl.Collect[ctl.Reloaded](ctx, client, ctl.OpReload, nil)
	return err
}

// unit is a service and the document that it runs on.
type unit struct {
	unit, title, document string
}

// units in the order of their start: the node looks for its SIS server at once.
var units = []unit{{SISUnit, "the SIS server", provision.SISFile}, {NodeUnit, "the node", provision.NodeFile}}
