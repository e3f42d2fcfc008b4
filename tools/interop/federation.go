package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"strconv"
	"time"

	"longwire/tools/rig"
)

// federation is the play of rooms that two nodes have together, over an IP link that is cut at times.
func federation(ctx context.Context, st *stage, tell func(result)) error {
	s, err := newFederated(ctx, st, filepath.Join(st.dir, "federation"))
	if err != nil {
		return err
	}
	defer s.strike()
	return perform(ctx, "federation.py", federationPeople, s.stage, tell)
}

// federationPeople are the accounts of each node; the first owns the rooms.
const federationPeople = 12

// A federated is a stage whose nodes have rooms together.
type federated struct {
	*stage
	nodes []*rig.Node
	cuts  []*rig.Path
	ended []func()
}

func (f *federated) strike() {
	for _, end := range f.ended {
		end()
	}
}

// mind does what the play asks for.
func (f *federated) mind(_ context.Context, what string) error {
	for _, c := range f.cuts {
		switch what {
		case "cut":
			c.Cut()
		case "mend":
			c.Mend()
		default:
			return fmt.Errorf("nobody knows how to %s", what)
		}
	}
	return nil
}

var federatedDomains = [2]string{"headquarters.net", "field.net"}

// declare gives both nodes their rooms: field's join headquarters'. One pair is primary-primary, one primary-replica, and one is for the
// checks that leave it in disorder.
func (f *federated) declare() {
	f.Rooms = map[string]pair{}
	for name, mode := range map[string]string{"ops": "pp", "net": "pp", "log": "pr"} {
		f.Rooms[name] = pair{}
		for i, where := range []string{"headquarters", "field"} {
			here, there := rig.RoomsAt(federatedDomains[i]), rig.RoomsAt(federatedDomains[1-i])
			room := rig.Room{
				Keys:       map[string]any{"address": name, "owners": f.Servers[where].Accounts[len(f.Servers[where].Accounts)-1:]},
				Federation: map[string]any{"accept": []string{there}},
			}
			if i == 1 {
				room.Federation = map[string]any{"with": name + "@" + there, "mode": mode}
			}
			f.nodes[i].Rooms = append(f.nodes[i].Rooms, room)
			f.Rooms[name][where] = name + "@" + here
		}
	}
}

// newFederated starts two nodes on a path that can be cut.
func newFederated(ctx context.Context, st *stage, dir string) (*federated, error) {
	const near, far = "127.0.0.4", "127.0.0.5"
	dial, listen := 65520, 65521
	if err := errors.Join(rig.Ports(near, &dial), rig.Ports(far, &listen)); err != nil {
		return nil, err
	}
	f := &federated{stage: &stage{Servers: map[string]*place{}, dir: dir}}
	f.hand = f.mind
	path := &rig.Path{Listen: near + ":" + strconv.Itoa(dial), Target: far + ":" + strconv.Itoa(listen), Source: near}
	f.cuts = []*rig.Path{path}
	// A replica tells people that it is cut off when the link's acks are overdue.
	keys := maps.Clone(linkKeys)
	keys["ack_timeout"] = "3s"
	bin := filepath.Join(st.dir, "longwire")
	for i, domain := range federatedDomains {
		l := rig.Link{Name: "IP link", Domains: withRooms(federatedDomains[1-i]), Keys: keys}
		n := &rig.Node{Bin: bin, Dir: filepath.Join(dir, domain), IP: near, Domain: domain, LogLevel: "debug", Clients: map[string]any{"failures_per_minute": 1000}}
		if i == 0 {
			l.RemoteIP, l.RemotePort, l.Dial = near, dial, true
		} else {
			n.IP, l.RemoteIP, l.LocalPort, l.Listen = far, near, listen, true
		}
		n.Links = []rig.Link{l}
		f.nodes = append(f.nodes, n)
	}
	if err := path.Open(); err != nil {
		return nil, err
	}
	f.ended = append(f.ended, path.Close)
	return f, f.open(ctx)
}

func withRooms(domain string) []string { return []string{domain, rig.RoomsAt(domain)} }

// open makes the accounts and rooms and starts the nodes.
func (f *federated) open(ctx context.Context) error {
	for i, where := range []string{"headquarters", "field"} {
		n := f.nodes[i]
		if err := n.Prepare(); err != nil {
			return err
		}
		p := newPlace(n.Domain, n.StartTLS(), n.Direct(), filepath.Join(n.Dir, "cert.pem"))
		p.Accounts = p.Accounts[:federationPeople]
		f.Servers[where] = p
		if err := addAccounts(ctx, n, p); err != nil {
			return err
		}
	}
	f.declare()
	for _, n := range f.nodes {
		if err := errors.Join(n.WriteConfig(), n.Start(ctx)); err != nil {
			f.strike()
			return err
		}
		f.ended = append([]func(){func() { n.Stop() }}, f.ended...)
	}
	return nil
}

// federationHF is the same over HF at 300 bit/s.
func federationHF(ctx context.Context, st *stage, tell func(result)) error {
	f, err := newFederatedHF(ctx, st, filepath.Join(st.dir, "federation-hf"))
	if err != nil {
		return err
	}
	defer f.strike()
	begin := time.Now()
	return perform(ctx, "federation.py", federationPeople, f.stage, func(r result) {
		r.Name += ", over HF at 300 bit/s"
		r.Shown = fmt.Sprintf("%.0f s of radio time", time.Since(begin).Seconds()*federationScale)
		begin = time.Now()
		tell(r)
	})
}

// newFederatedHF starts two nodes with a radio between them, at 300 bit/s.
func newFederatedHF(ctx context.Context, st *stage, dir string) (*federated, error) {
	server, err := rig.BuildSISServer(ctx, st.dir)
	if err != nil {
		return nil, err
	}
	f := &federated{stage: &stage{Servers: map[string]*place{}, dir: dir, Long: 60}}
	f.hand = f.mind
	net, err := rig.NewNet(rig.HF{Longwire: filepath.Join(st.dir, "longwire"), SISServer: server, Dir: f.dir, Domains: federatedDomains[:], Rate: 300, Scale: federationScale,
		Link: map[string]any{"compress": true}, LogLevel: "debug"})
	if err != nil {
		return nil, err
	}
	f.nodes = net.Nodes
	f.ended = append(f.ended, func() { net.Stop() })
	if err := f.wire(ctx, net); err != nil {
		f.strike()
		return nil, err
	}
	return f, nil
}

// wire puts what can be cut between nodes and their STANAG 5066 servers, and starts all.
func (f *federated) wire(ctx context.Context, net *rig.Net) error {
	for i, n := range net.Nodes {
		s := net.Servers[i]
		if err := s.Start(ctx); err != nil {
			return err
		}
		port := 0
		if err := rig.Ports(n.IP, &port); err != nil {
			return err
		}
		cut := &rig.Path{Listen: n.IP + ":" + strconv.Itoa(port), Target: s.SIS()}
		if err := cut.Open(); err != nil {
			return err
		}
		f.cuts, f.ended = append(f.cuts, cut), append(f.ended, cut.Close)
		n.OwnCert, n.HF[0].Server = false, cut.Listen
		n.HF[0].Peers[0].Domains = withRooms(federatedDomains[1-i])
	}
	return f.open(ctx)
}

// federationScale is how much faster than time the radio is.
const federationScale = 40
