package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"longwire/links/dts"
	"longwire/links/modem"
	"longwire/tools/rig"
)

// An airStage is the two nodes, each with a STANAG 5066 server, and the channel between them.
type airStage struct {
	stage
	net  *rig.Net
	wave modem.Waveform
}

// playTime is how long the conversation may take on the wall clock. Builds and logins come on top of it.
const playTime = 30 * time.Second

// runHF is the demo over HF.
func runHF(ctx context.Context, o options, p *page, dir string) error {
	il, ok := map[string]dts.Interleaver{"short": dts.ShortInterleaver, "long": dts.LongInterleaver}[o.interleaver]
	if !ok {
		return fmt.Errorf("there is no interleaver %q; there are short and long", o.interleaver)
	}
	wave, err := modem.Find(o.hf, il)
	if err != nil {
		return err
	}
	if o.scale == 0 {
		o.scale = max(2, int(expected(wave)/playTime))
	}
	p.note("Building longwire and s5066d …")
	bin, err := rig.Build(ctx, dir)
	if err != nil {
		return err
	}
	sis, err := rig.BuildSISServer(ctx, dir)
	if err != nil {
		return err
	}
	s, err := newAirStage(ctx, o, wave, rig.HF{Longwire: bin, SISServer: sis, Dir: dir})
	if err != nil {
		return err
	}
	defer s.net.Stop()
	p.airTitle(s)
	stay := o.scale == 1 && !o.once
	if stay {
		p.invitation(&s.stage)
	}
	p.airHead()
	b, err := s.play(ctx, p)
	if err != nil {
		return err
	}
	p.airTotal(s, b)
	if err := p.hourTable(wave); err != nil {
		return err
	}
	if err := b.verdict(); err != nil || !stay {
		return err
	}
	<-ctx.Done()
	return nil
}

// expected is about how long the conversation takes in radio time.
func expected(w modem.Waveform) time.Duration {
	line := w.Air(8*80) + w.Air(8*20) + 5*time.Second + (typingLeast+typingMost)/2
	return time.Duration(len(script))*line + lastMark
}

// newAirStage configures and starts everything.
func newAirStage(ctx context.Context, o options, wave modem.Waveform, h rig.HF) (*airStage, error) {
	h.Domains = []string{"headquarters.net", "field.net"}
	h.Rate, h.Interleaver, h.Scale, h.LogLevel = o.hf, o.interleaver, o.scale, "info"
	h.Link = map[string]any{"compress": true}
	h.Channel = modem.ChannelConfig{Seed: o.seed}
	net, err := rig.NewNet(h)
	if err != nil {
		return nil, err
	}
	s := &airStage{stage: stage{options: o, nodes: [2]*rig.Node{net.Nodes[0], net.Nodes[1]}}, net: net, wave: wave}
	declareRooms(s.nodes)
	for i, n := range net.Nodes {
		n.HF[0].Peers[0].Domains = withRooms(net.Nodes[1-i].Domain)
		n.HF[0].Peers[0].Keys = map[string]any{"fold.shorten_ids": true} // as without a word in the config, but rigs keep ids
		err = errors.Join(err, n.WriteConfig(), n.AddUsers(ctx, rig.User{Name: cast[i], Domain: n.Domain, Password: password}, rig.User{Name: "you", Domain: n.Domain, Password: password}))
	}
	if err == nil {
		err = net.Start(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, net.Stop())
	}
	return s, nil
}
