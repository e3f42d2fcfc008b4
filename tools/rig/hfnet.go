package rig

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"longwire/links/modem"
)

// HF says what a Net is made of.
type HF struct {
	Longwire, SISServer string // the programs
	Dir                 string
	Domains             []string // one node and one s5066d for each
	Pairs               [][2]int // who are peers; nil: all
	Rate                int
	Interleaver         string
	Scale               int
	Channel             modem.ChannelConfig // its Scale is set
	Link                map[string]any      // further keys of [[link]]
	S5066               map[string]any      // further keys of [peer.s5066]
	Peer                map[string]any      // further keys of [[peer]]
	Server              map[string]map[string]any
	Mapping             string
	LogLevel            string // of the nodes
}

// A Net is some nodes, each with an s5066d, on one HF channel.
type Net struct {
	HF
	Air     *Channel
	Servers []*SISServer
	Nodes   []*Node
}

// Station is the name of station i on the channel, and StationAddress its STANAG 5066 address.
func Station(i int) string { return fmt.Sprintf("station%d", i+1) }

// StationAddress is 1.1.0.1 for the first station.
func StationAddress(i int) string { return fmt.Sprintf("1.1.0.%d", i+1) }

// NewNet opens the channel and writes all configurations. Accounts are to be made before Start.
func NewNet(h HF) (*Net, error) {
	const ip = "127.0.0.1"
	cfg := h.Channel
	cfg.Scale = float64(max(1, h.Scale))
	n := &Net{HF: h, Air: &Channel{Config: cfg, IP: ip}}
	if err := n.Air.Open(); err != nil {
		return nil, err
	}
	for i, domain := range h.Domains {
		s := &SISServer{Bin: h.SISServer, Dir: filepath.Join(h.Dir, domain+"-sis"), IP: ip, Station: Station(i), Address: StationAddress(i),
			Channel: n.Air.Address(), Rate: h.Rate, Interleaver: h.Interleaver, Keys: h.Server}
		if err := s.Prepare(); err != nil {
			return nil, errors.Join(err, n.Air.Close())
		}
		l := HFLink{Name: "5066 link " + domain, Server: s.SIS(), Address: s.Address, Scale: h.Scale, Keys: h.Link}
		for j, far := range h.Domains {
			if j != i && h.peers(i, j) {
				l.Peers = append(l.Peers, HFPeer{Domains: []string{far}, Address: StationAddress(j), Mapping: h.Mapping, S5066: h.S5066, Keys: h.Peer})
			}
		}
		node := &Node{Bin: h.Longwire, Dir: filepath.Join(h.Dir, domain), IP: ip, Domain: domain, OwnCert: true, HF: []HFLink{l}, LogLevel: h.LogLevel}
		if err := node.Prepare(); err != nil {
			return nil, errors.Join(err, n.Air.Close())
		}
		n.Servers, n.Nodes = append(n.Servers, s), append(n.Nodes, node)
	}
	return n, nil
}

func (h *HF) peers(i, j int) bool {
	for _, p := range h.Pairs {
		if p == [2]int{i, j} || p == [2]int{j, i} {
			return true
		}
	}
	return len(h.Pairs) == 0
}

// Start starts all.
func (n *Net) Start(ctx context.Context) error {
	for _, s := range n.Servers {
		if err := s.Start(ctx); err != nil {
			return err
		}
	}
	for _, node := range n.Nodes {
		if err := node.Start(ctx); err != nil {
			return err
		}
	}
	return nil
}

// Stop ends all.
func (n *Net) Stop() error {
	var faults []error
	for _, node := range n.Nodes {
		faults = append(faults, node.Stop())
	}
	for _, s := range n.Servers {
		faults = append(faults, s.Stop())
	}
	return errors.Join(append(faults, n.Air.Close())...)
}

// Sleep waits for d of radio time.
func (n *Net) Sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(n.Real(d)):
		return nil
	}
}

// Real is how long d of radio time takes.
func (n *Net) Real(d time.Duration) time.Duration { return d / time.Duration(max(1, n.Scale)) }

// Quiet waits until nothing was on the air for d of radio time, which is more than a turnaround.
func (n *Net) Quiet(ctx context.Context, d time.Duration) error {
	for since := time.Now(); time.Since(since) < n.Real(d); {
		if n.Air.Busy() {
			since = time.Now()
		}
		if err := n.Sleep(ctx, min(d/10, n.Air.Radio(20*time.Millisecond))); err != nil {
			return err
		}
	}
	return nil
}
