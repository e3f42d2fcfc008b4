package main

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"longwire/links/dts"
	"longwire/links/sis"
	"longwire/links/subnet"
	"longwire/tools/rig"
)

// hfPrimitives has SIS clients without nodes say all that the two ends of a socket can say, on SAP 13.
func hfPrimitives(ctx context.Context, st *stage, tell func(result), server string) error {
	s, err := newHFStage(rig.HF{Longwire: filepath.Join(st.dir, "longwire"), SISServer: server, Dir: filepath.Join(st.dir, "hf-sis")}, 13)
	if err != nil {
		return err
	}
	struck := false
	defer func() {
		if !struck {
			s.strike()
		}
	}()
	for _, d := range s.Servers {
		if err := d.Start(ctx); err != nil {
			return err
		}
	}
	p := &parley{ctx: ctx, s: s}
	what := ", all primitives"
	all := func(r result) {
		r.Name += what
		tell(r)
	}
	for _, step := range []struct {
		name string
		do   func() error
	}{
		{"binds, and one refused", p.binds}, {"keep-alive", p.keepAlive}, {"unidata and its answers", p.unidata}, {"expedited unidata and its answers", p.expedited},
		{"flow off and on", p.flow}, {"hard links made, refused and broken", p.hardLinks}, {"management", p.management}, {"EMCON is told", p.emcon},
		{"pre-empted and unbound", p.unbinds},
	} {
		err := step.do()
		check(all, step.name, func() (string, error) { return "", err })
		if err != nil {
			return nil // each needs what went before
		}
	}
	if err := s.Quiet(ctx, time.Minute); err != nil {
		return err
	}
	struck = true
	if err := s.strike(); err != nil {
		return err
	}
	want := map[sis.Type]int{}
	for t := sis.TypeBindRequest; t <= sis.TypeExpeditedUnidataRejected; t++ {
		want[t] = 1
	}
	s.examineSIS(ctx, "s5066sis", want, all)
	s.examineAir(ctx, map[dts.Type]int{dts.DataOnly: 1, dts.AckOnly: 1, dts.ExpData: 1, dts.ExpAck: 1, dts.NonARQ: 1, dts.ExpNonARQ: 2}, all)
	return nil
}

// A parley is three clients of the first server and one of the second.
type parley struct {
	ctx                context.Context
	s                  *hfStage
	user, chief, other *guest
	far                *guest
}

var stationB = sis.MakeAddress(1, 1, 0, 2)

func (p *parley) binds() (err error) {
	for _, g := range []struct {
		at **guest
		to int
	}{{&p.user, 0}, {&p.chief, 0}, {&p.other, 0}, {&p.far, 1}} {
		if *g.at, err = newGuest(p.ctx, p.s.relays[g.to].addr); err != nil {
			return err
		}
	}
	say := func(g *guest, sap, rank uint8, want sis.Type) error {
		if err := g.say(sis.BindRequest{SAP: sap, Rank: rank, ServiceType: sis.Arq()}); err != nil {
			return err
		}
		_, err := g.hears(want)
		return err
	}
	for _, b := range []struct {
		g         *guest
		sap, rank uint8
		want      sis.Type
	}{{p.user, 13, 0, sis.TypeBindAccepted}, {p.far, 13, 3, sis.TypeBindAccepted}, {p.chief, 13, 0, sis.TypeBindRejected}, {p.chief, 0, 15, sis.TypeBindAccepted}} {
		if err := say(b.g, b.sap, b.rank, b.want); err != nil {
			return err
		}
	}
	return nil
}

// ask says something and waits for an answer.
func (p *parley) ask(g *guest, q sis.Primitive, answer sis.Type) (sis.Primitive, error) {
	if err := g.say(q); err != nil {
		return nil, err
	}
	return g.hears(answer)
}

func (p *parley) keepAlive() error {
	_, err := p.ask(p.user, sis.KeepAlive{}, sis.TypeKeepAlive)
	return err
}

func (p *parley) request(text string, confirm sis.DeliveryConfirmation) sis.UnidataRequest {
	return sis.UnidataRequest{Priority: 5, DestinationSAP: 13, Destination: stationB, TTL: sis.TTLOf(time.Hour), UPDU: []byte(text),
		DeliveryMode: sis.ServiceType{TransmissionMode: sis.ARQ, Confirmation: confirm}}
}

func (p *parley) unidata() error {
	for _, c := range []sis.DeliveryConfirmation{sis.NodeConfirmation, sis.ClientConfirmation} {
		if _, err := p.ask(p.user, p.request("confirmed by "+c.String(), c), sis.TypeUnidataRequestConfirm); err != nil {
			return err
		}
		if q, err := p.far.hears(sis.TypeUnidataIndication); err != nil || string(q.(sis.UnidataIndication).UPDU) != "confirmed by "+c.String() {
			return fmt.Errorf("%+v, %w", q, err)
		}
	}
	all := p.request("to all", sis.NoConfirmation)
	all.Destination, all.DeliveryMode = sis.Broadcast, sis.ServiceType{TransmissionMode: sis.NonARQ, MinRetransmissions: 2}
	if err := p.user.say(all); err != nil {
		return err
	}
	if q, err := p.far.hears(sis.TypeUnidataIndication); err != nil || q.(sis.UnidataIndication).Destination != sis.Broadcast {
		return fmt.Errorf("%+v, %w", q, err)
	}
	nobody := p.request("to nobody", sis.NodeConfirmation)
	nobody.Destination = sis.MakeAddress(1, 1, 0, 9)
	_, err := p.ask(p.user, nobody, sis.TypeUnidataRequestRejected)
	return err
}

func (p *parley) expedited() error {
	q := p.request("hurry", sis.NodeConfirmation)
	q.Expedited, q.Priority = true, 0
	if _, err := p.ask(p.user, q, sis.TypeExpeditedUnidataConfirm); err != nil {
		return err
	}
	if _, err := p.far.hears(sis.TypeExpeditedUnidataIndication); err != nil {
		return err
	}
	q.Destination = sis.MakeAddress(1, 1, 0, 9)
	_, err := p.ask(p.user, q, sis.TypeExpeditedUnidataRejected)
	return err
}

func (p *parley) flow() error {
	for i := range 3 {
		if err := p.user.say(p.request(fmt.Sprint("one of many ", i), sis.NoConfirmation)); err != nil {
			return err
		}
	}
	for _, t := range []sis.Type{sis.TypeDataFlowOff, sis.TypeDataFlowOn} {
		if _, err := p.user.hears(t); err != nil {
			return err
		}
	}
	for range 3 {
		if _, err := p.far.hears(sis.TypeUnidataIndication); err != nil {
			return err
		}
	}
	return nil
}

func (p *parley) hardLinks() error {
	l := sis.HardLink{LinkType: sis.HardLinkForPair, Priority: 1, RemoteSAP: 13, RemoteNode: stationB}
	offer := func() (called sis.HardLink, err error) {
		if err := p.user.say(sis.HardLinkEstablish{HardLink: l}); err != nil {
			return called, err
		}
		q, err := p.far.hears(sis.TypeHardLinkIndication)
		if err == nil {
			called = q.(sis.HardLinkIndication).HardLink
		}
		return called, err
	}
	called, err := offer()
	if err != nil {
		return err
	}
	if err := p.far.say(sis.HardLinkAccept{HardLink: called}); err != nil {
		return err
	}
	if _, err := p.user.hears(sis.TypeHardLinkEstablished); err != nil {
		return err
	}
	if err := p.user.say(sis.HardLinkTerminate{RemoteNode: stationB}); err != nil {
		return err
	}
	if _, err := p.far.hears(sis.TypeHardLinkTerminated); err != nil {
		return err
	}
	if err := p.s.Quiet(p.ctx, time.Minute); err != nil {
		return err
	}
	if called, err = offer(); err != nil {
		return err
	}
	if err := p.far.say(sis.HardLinkReject{Reason: 1, HardLink: called}); err != nil {
		return err
	}
	if _, err := p.user.hears(sis.TypeHardLinkRejected); err != nil {
		return err
	}
	return p.s.Quiet(p.ctx, time.Minute)
}

func (p *parley) management() error {
	_, err := p.ask(p.chief, sis.ManagementMsgRequest{MsgType: subnet.ManageStatus}, sis.TypeManagementMsgIndication)
	return err
}

func (p *parley) emcon() error {
	for _, state := range []string{"on", "off"} {
		if _, err := p.s.Servers[0].Command(p.ctx, "emcon", state); err != nil {
			return err
		}
		if _, err := p.user.hears(sis.TypeSubnetAvailability); err != nil {
			return err
		}
	}
	return nil
}

func (p *parley) unbinds() error {
	if _, err := p.ask(p.other, sis.BindRequest{SAP: 13, Rank: 5, ServiceType: sis.Arq()}, sis.TypeBindAccepted); err != nil {
		return err
	}
	if q, err := p.user.hears(sis.TypeUnbindIndication); err != nil || q.(sis.UnbindIndication).Reason != sis.UnbindPreempted {
		return fmt.Errorf("%+v, %w", q, err)
	}
	return p.other.say(sis.UnbindRequest{})
}
