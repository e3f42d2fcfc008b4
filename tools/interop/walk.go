package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"longwire/tools/rig"
)

// walk is the play of the whole job from nothing: two nodes that know of no links are joined over IP and HF, fold what crosses, share a room
// and keep a record, by commands alone. Their processes are the same from first to last.
func walk(ctx context.Context, st *stage, tell func(result)) error {
	w, err := newWalker(ctx, st, filepath.Join(st.dir, "walk"))
	if err != nil {
		return err
	}
	defer w.strike()
	if err := script("walk.py", walkPeople)(ctx, w.stage, tell); err != nil {
		return err
	}
	return profane(ctx, w.stage, w.Servers["headquarters"], w.Servers["field"], false, func(name string, err error) {
		r := result{Name: "7. profanity at the end of the walk: " + name, OK: err == nil}
		if err != nil {
			r.Detail = err.Error()
		}
		tell(r)
	})
}

const (
	walkPeople = 6  // accounts of each node for slixmpp
	walkScale  = 40 // how much faster than time the radio is
)

const (
	ipLink = "IP link hq-2-field"
	hfLink = "5066 link hq-2-field"
)

// A walker is the two nodes, what is between them, and whoever types the commands.
type walker struct {
	*stage
	nodes   [2]*rig.Node // headquarters, field
	pids    [2]int
	heard   [2]string // the address of each node's peer over IP
	port    [2]int    // for the IP link
	satcom  *rig.Path // a way as by satellite
	air     *rig.Channel
	servers []*rig.SISServer
	console string // the program s5066con
	ended   []func()
}

func (w *walker) strike() {
	for _, end := range slices.Backward(w.ended) {
		end()
	}
}

func newWalker(ctx context.Context, st *stage, dir string) (*walker, error) {
	w := &walker{stage: &stage{Servers: map[string]*place{}, dir: dir, Long: 50, Rooms: map[string]pair{"walk": {
		"headquarters": "hqroom1@chat.headquarters.net", "field": "fieldroom1@chat.field.net"}}}}
	w.hand = w.mind
	w.port = [2]int{65510, 65510}
	for i, where := range []string{"headquarters", "field"} {
		n := &rig.Node{Bin: filepath.Join(st.dir, "longwire"), Dir: filepath.Join(dir, where), IP: fmt.Sprintf("127.0.0.%d", 6+i), Domain: federatedDomains[i],
			LogLevel: "debug", Clients: map[string]any{"failures_per_minute": 1000}}
		if err := errors.Join(n.Prepare(), rig.Ports(n.IP, &w.port[i])); err != nil {
			return nil, err
		}
		p := newPlace(n.Domain, n.StartTLS(), n.Direct(), filepath.Join(n.Dir, "cert.pem"))
		p.Accounts = p.Accounts[:walkPeople+2] // two are profanity's and its partner's
		if err := addAccounts(ctx, n, p); err != nil {
			return nil, err
		}
		if err := n.Start(ctx); err != nil {
			w.strike()
			return nil, err
		}
		w.nodes[i], w.pids[i], w.Servers[where] = n, n.PID(), p
		w.ended = append(w.ended, func() { n.Stop() })
	}
	return w, w.radio(ctx, st.dir)
}

// radio starts two STANAG 5066 servers, of which the nodes know nothing yet.
func (w *walker) radio(ctx context.Context, bin string) error {
	server, err := rig.BuildSISServer(ctx, bin)
	if err == nil {
		w.console, err = rig.BuildTool(ctx, bin, "s5066con")
	}
	if err != nil {
		return err
	}
	w.air = &rig.Channel{IP: "127.0.0.1"}
	w.air.Config.Scale = walkScale
	if err := w.air.Open(); err != nil {
		return err
	}
	w.ended = append(w.ended, func() { w.air.Close() })
	for i := range w.nodes {
		s := &rig.SISServer{Bin: server, Dir: filepath.Join(w.dir, rig.Station(i)), IP: "127.0.0.1", Station: rig.Station(i), Address: rig.StationAddress(i),
			Channel: w.air.Address(), Rate: 1200, Keys: map[string]map[string]any{"clients": {"max_rank": 15}}}
		if err := errors.Join(s.Prepare(), s.Start(ctx)); err != nil {
			return err
		}
		w.servers = append(w.servers, s)
		w.ended = append(w.ended, func() { s.Stop() })
	}
	return nil
}

// mind does what the play asks for: what somebody at each node types, and what happens to the ways between them.
func (w *walker) mind(ctx context.Context, what string) error {
	hq, field := w.nodes[0], w.nodes[1]
	do := map[string]func() error{
		"same processes": w.unchanged,
		"console":        func() error { return w.tryConsole(ctx) },
		"telemetry":      func() error { return w.recorded(ctx) },
		"refusals":       func() error { return w.refusals(ctx) },
		"satcom":         func() error { return w.bySatellite(ctx) },
		"cut":            func() error { w.satcom.Cut(); return nil },
		"mend":           func() error { w.satcom.Mend(); return nil },
		"IP link": func() error {
			return errors.Join(
				w.enter(ctx, hq, ipAdd(hq, field, w.port)...), w.enter(ctx, hq, "peer", "add", "field", "domain=field.net", "domain=chat.field.net", "link="+ipLink),
				w.enter(ctx, field, ipAdd(field, hq, [2]int{w.port[1], w.port[0]})...),
				w.enter(ctx, field, "peer", "add", "headquarters", "domain=headquarters.net", "domain=chat.headquarters.net", "link="+ipLink))
		},
		"5066 link": func() error {
			return w.both(ctx, func(i int, far string) [][]string {
				return [][]string{
					{"link", "add", hfLink, "type=s5066", "server=" + w.servers[i].SIS(), "sap=6", "local_5066_address=" + rig.StationAddress(i), "compress=yes", fmt.Sprintf("time_scale=%d", walkScale)},
					{"peer", "set", far, "remote_5066_address=" + rig.StationAddress(1-i)},
					{"peer", "link", far, hfLink, "on"},
					{"peer", "link", far, ipLink, "off"},
				}
			})
		},
		"no folding": func() error {
			return w.both(ctx, func(_ int, far string) [][]string {
				return [][]string{{"peer", "link", far, ipLink, "first"}, {"peer", "link", far, hfLink, "off"}, {"fold", "set", far, "preset=none"}}
			})
		},
		"fold messages": func() error {
			return w.both(ctx, func(_ int, far string) [][]string {
				return [][]string{
					{"fold", "set", far, "messages=strip all elements in the rule set"},
					{"fold", "add", far, "http://jabber.org/protocol/chatstates", "composing", "active", "gone", "paused", "inactive"},
					{"fold", "add", far, "http://jabber.org/protocol/xhtml-im", "html"},
				}
			})
		},
		"fold presence": func() error {
			return w.both(ctx, func(_ int, far string) [][]string {
				return [][]string{{"fold", "set", far, "presence=do not pass the matched elements"}}
			})
		},
		"rooms": func() error {
			return errors.Join(
				w.both(ctx, func(_ int, far string) [][]string {
					return [][]string{{"fold", "set", far, "presence="}, {"config", "set", "rooms.federation.enabled=no"}, {"config", "set", "rooms.federation.enabled=yes"}}
				}),
				w.enter(ctx, hq, "room", "create", "hqroom1", "title=One room"), w.enter(ctx, field, "room", "create", "fieldroom1", "title=One room"),
				w.enter(ctx, hq, "room", "federate", "hqroom1", "--accept", "chat.field.net"),
				w.enter(ctx, field, "room", "federate", "fieldroom1", "hqroom1@chat.headquarters.net", "--mode", "pp"))
		},
		"both links": func() error {
			return w.both(ctx, func(_ int, far string) [][]string {
				return [][]string{{"peer", "link", far, hfLink, "on"}, {"peer", "set", far, "failover.after=5s", "failover.back_after=1s", "mapping=longwire"}}
			})
		},
	}[what]
	if do == nil {
		return fmt.Errorf("nobody knows how to do %q", what)
	}
	return do()
}

// ipAdd is how a link of type ip is added on one side; the facts of the other are mirrored.
func ipAdd(near, far *rig.Node, port [2]int) []string {
	return []string{"link", "add", ipLink, "type=ip", "remote_address=" + far.IP, "remote_port=" + strconv.Itoa(port[1]), "local_address=" + near.IP,
		"local_port=" + strconv.Itoa(port[0]), "compress=yes", "stream_management=pipelined", "backoff_min=500ms"}
}

// enter is a command that has to do well.
func (w *walker) enter(ctx context.Context, n *rig.Node, args ...string) error {
	_, err := n.Command(ctx, "", args...)
	return err
}

// both types commands at both nodes.
func (w *walker) both(ctx context.Context, lines func(i int, far string) [][]string) error {
	var faults []error
	for i, far := range []string{"field", "headquarters"} {
		for _, line := range lines(i, far) {
			faults = append(faults, w.enter(ctx, w.nodes[i], line...))
		}
	}
	return errors.Join(faults...)
}

// bySatellite puts a way as by satellite between the nodes: 600 ms each way, a loss, 9600 bit/s.
func (w *walker) bySatellite(ctx context.Context) error {
	hq, field := w.nodes[0], w.nodes[1]
	port := 0
	if err := rig.Ports(hq.IP, &port); err != nil {
		return err
	}
	w.satcom = &rig.Path{Listen: net.JoinHostPort(hq.IP, strconv.Itoa(port)), Target: net.JoinHostPort(field.IP, strconv.Itoa(w.port[1])), Source: hq.IP,
		Delay: 600 * time.Millisecond, Rate: 9600, Loss: 0.01}
	if err := w.satcom.Open(); err != nil {
		return err
	}
	w.ended = append(w.ended, w.satcom.Close)
	w.heard = [2]string{hq.IP, hq.IP} // the path's, and the one that it dials from
	return errors.Join(
		w.enter(ctx, field, "link", "set", ipLink, "dial=no", "class=satcom", "rate=9600"),
		w.enter(ctx, hq, "link", "set", ipLink, "listen=no", "class=satcom", "rate=9600", "remote_address="+hq.IP, "remote_port="+strconv.Itoa(port)))
}
