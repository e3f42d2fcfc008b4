package main

import (
	"context"
	"errors"
	"io"
	"path/filepath"
	"strconv"
	"time"

	"longwire/links/modem"
	"longwire/tools/rig"
	"longwire/tools/rig/onair"
)

// roomsHF is the table of rooms over HF.
func roomsHF(ctx context.Context, b *bench, out io.Writer) error {
	net, err := rig.NewNet(rig.HF{Longwire: b.longwire, SISServer: b.sis, Dir: filepath.Join(b.dir, "rooms"), Domains: []string{"headquarters.net", "field.net"},
		Rate: 300, Scale: 12, // The room that is not federated may be entered all the same, to see what that costs.
		Peer: map[string]any{"fold.rooms": []string{roomHQ}}, Link: map[string]any{"compress": true}, Channel: modem.ChannelConfig{Seed: 1}})
	if err != nil {
		return err
	}
	for i, n := range net.Nodes {
		n.HF[0].Peers[0].Domains = append(n.HF[0].Peers[0].Domains, rig.RoomsAt(net.Domains[1-i]))
	}
	return rooms(&airStage{net: net}, "HF at 300 bit/s")(ctx, b, out)
}

// airStage is two nodes on the air.
type airStage struct {
	net    *rig.Net
	reader onair.Reader
	seen   int
}

func (s *airStage) nodes() [2]*rig.Node             { return [2]*rig.Node(s.net.Nodes) }
func (s *airStage) begin(ctx context.Context) error { return s.net.Start(ctx) }
func (s *airStage) end()                            { _ = s.net.Stop() }

// quiet lasts longer than a link stays up, so that each thing is measured by itself; marks that go alone come within it.
func (s *airStage) quiet(ctx context.Context) error { return s.net.Quiet(ctx, 20*time.Second) }

func (s *airStage) crossed() (bytes, transmissions int) {
	signals := s.net.Air.Signals()
	for _, sig := range signals[s.seen:] {
		t := s.reader.Read(sig)
		transmissions++
		for _, u := range t.Units {
			bytes += len(u.UPDU)
		}
	}
	s.seen = len(signals)
	return bytes, transmissions
}

// roomsIP is the table of rooms over an IP link.
func roomsIP(ctx context.Context, b *bench, out io.Writer) error {
	s, err := newIPStage(b)
	if err != nil {
		return err
	}
	return rooms(s, "an IP link")(ctx, b, out)
}

// ipStage is two nodes with a TCP path between them, on which bytes are counted. Headquarters listens.
type ipStage struct {
	hq, field *rig.Node
	path      *rig.Path
	last      int64
}

func newIPStage(b *bench) (*ipStage, error) {
	const hqIP, fieldIP = "127.0.0.1", "127.0.0.2"
	ports := make([]int, 3)
	if err := rig.Ports(hqIP, &ports[0], &ports[1], &ports[2]); err != nil {
		return nil, err
	}
	link := func(far, remote string, port, local int, dial bool) []rig.Link {
		return []rig.Link{{Name: "line", Domains: []string{far, rig.RoomsAt(far)}, RemoteIP: remote, RemotePort: port, LocalPort: local, Dial: dial, Listen: !dial,
			Keys: map[string]any{"compress": true}}}
	}
	s := &ipStage{
		hq:    &rig.Node{Bin: b.longwire, Dir: filepath.Join(b.dir, "rooms-hq"), IP: hqIP, Domain: "headquarters.net", OwnCert: true},
		field: &rig.Node{Bin: b.longwire, Dir: filepath.Join(b.dir, "rooms-field"), IP: fieldIP, Domain: "field.net", OwnCert: true},
		path:  &rig.Path{Listen: hqIP + ":" + strconv.Itoa(ports[1]), Target: hqIP + ":" + strconv.Itoa(ports[0]), Source: fieldIP},
	}
	s.hq.Links = link("field.net", fieldIP, ports[2], ports[0], false)
	s.field.Links = link("headquarters.net", hqIP, ports[1], ports[2], true)
	return s, errors.Join(s.hq.Prepare(), s.field.Prepare(), s.path.Open())
}

func (s *ipStage) nodes() [2]*rig.Node { return [2]*rig.Node{s.hq, s.field} }

func (s *ipStage) begin(ctx context.Context) error {
	return errors.Join(s.hq.Start(ctx), s.field.Start(ctx))
}

func (s *ipStage) end() {
	_ = errors.Join(s.field.Stop(), s.hq.Stop())
	s.path.Close()
}

// quiet waits until nothing has crossed for a while.
func (s *ipStage) quiet(ctx context.Context) error {
	const still = 700 * time.Millisecond
	for last, at := int64(-1), time.Now(); time.Since(at) < still; {
		if forth, back := s.path.Bytes(); forth+back != last {
			last, at = forth+back, time.Now()
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
	return nil
}

func (s *ipStage) crossed() (bytes, transmissions int) {
	forth, back := s.path.Bytes()
	bytes, s.last = int(forth+back-s.last), forth+back
	return bytes, -1
}
