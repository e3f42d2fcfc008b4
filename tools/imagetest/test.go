package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"longwire/board"
	"longwire/tools/rig"
	"longwire/tools/rig/guest"
)

// A pair is two kits that are set up from one file, headquarters and field, with HF between them.
type pair struct {
	w   *workshop
	r   *record
	air *air
	org *organisation

	hq, field  *kit
	alice, bob *person
}

// newPair makes everything that needs no guest: programs, keys, bundles, the channel and virgin disks.
func newPair(ctx context.Context, w *workshop, r *record, keep bool) (p *pair, err error) {
	p = &pair{w: w, r: r}
	s5066d, err := rig.BuildSISServer(ctx, w.dir)
	if err != nil {
		return nil, err
	}
	if p.air, err = openAir(w.dir, s5066d, keep); err != nil {
		return nil, err
	}
	if p.org, err = newOrganisation(ctx, w.dir, p.air.channel.Port); err != nil {
		return nil, err
	}
	if p.hq, err = w.newKit("headquarters", w.dir, w.disk()); err != nil {
		return nil, err
	}
	if p.field, err = w.newKit("field", w.dir, w.disk()); err != nil {
		return nil, err
	}
	p.field.m.Radio = true
	return p, nil
}

func (p *pair) kits() []*kit { return []*kit{p.hq, p.field} }

// close ends all that runs.
func (p *pair) close() {
	for _, q := range []*person{p.alice, p.bob} {
		if q != nil {
			q.leave()
		}
	}
	for _, k := range p.kits() {
		if k != nil {
			k.off()
		}
	}
	if p.air != nil {
		p.air.close()
	}
}

// both does the same with both kits at the same time.
func (p *pair) both(name string, f func(*kit) error) bool {
	ok := [2]bool{}
	var jobs sync.WaitGroup
	for i, k := range p.kits() {
		jobs.Go(func() { ok[i] = p.r.do(k.name+" "+name, func() error { return f(k) }) })
	}
	jobs.Wait()
	return ok[0] && ok[1]
}

// start brings both kits from virgin disks to green. Headquarters' stick is FAT with a partition, as shops sell them, and field's ext4.
func (p *pair) start(ctx context.Context) bool {
	return p.both("starts from a virgin disk", func(k *kit) error { return k.boot(ctx, "virgin") }) &&
		p.r.all(
			step{"field writes its public key to an empty stick", func() error {
				s, err := guest.NewStick(filepath.Join(p.w.dir, "empty.img"), 16, guest.FAT, false, nil)
				if err != nil {
					return err
				}
				_, report, err := p.field.offer(ctx, s)
				return errors.Join(err, p.org.learn(report))
			}},
			step{"twin makes both bundles from one file, field's sealed", func() error {
				err := p.org.twin(ctx, tcpServer)
				p.org.first = p.org.bundles["headquarters"]
				for name, b := range p.org.bundles {
					p.r.figure("bundle for "+name, "%6.1f KB", float64(len(b))/1e3)
				}
				return err
			}},
			step{"field's STANAG 5066 server is at the other end of its second UART", func() error {
				port, err := p.field.RadioPort(ctx)
				if err != nil {
					return err
				}
				return p.air.serve(ctx, port)
			}},
		) &&
		p.both("takes its bundle from a stick, and says so on it", func(k *kit) error {
			fs := guest.FAT
			if k == p.field {
				fs = guest.Ext4
			}
			s, err := guest.NewStick(filepath.Join(p.w.dir, k.name+".img"), 16, fs, k == p.hq, map[string][]byte{k.name + ".lwb": p.org.bundles[k.name]})
			if err != nil {
				return err
			}
			verdict, report, err := k.offer(ctx, s)
			return errors.Join(err, applied(verdict, report, 1))
		}) &&
		p.both("turns green", func(k *kit) error {
			l, err := k.green(ctx, trialTime)
			if err == nil {
				p.r.figure(k.name+": QEMU start to green", "%6.1f s", k.since(l))
			}
			return err
		})
}

// applied checks what a kit has made of a good bundle.
func applied(verdict board.Signal, report string, number int) error {
	for _, want := range []string{fmt.Sprintf("Settings number %d are applied", number), "public key"} {
		if verdict != board.Applied || !strings.Contains(report, want) {
			return fmt.Errorf("the lamp says %q, and the report should have %q:\n%s", verdict, want, report)
		}
	}
	return nil
}

// enter logs both people in, from outside of the guests.
func (p *pair) enter(ctx context.Context) error {
	p.alice, p.bob = p.org.person(p.hq, "alice"), p.org.person(p.field, "bob")
	return errors.Join(p.alice.enterWithin(ctx, guest.Patience*loginTime), p.bob.enterWithin(ctx, guest.Patience*loginTime))
}

// imageTest is the whole way, from virgin disks to chat, and what must be refused.
func imageTest(ctx context.Context, o options, w *workshop, r *record) error {
	p, err := newPair(ctx, w, r, o.keep)
	if p != nil {
		defer p.close()
	}
	if err != nil {
		return err
	}
	begin := time.Now()
	ok := p.start(ctx) && r.all(
		step{"headquarters hears of field, and they are paired", func() error {
			for _, k := range p.kits() {
				if err := k.shows(ctx, radioTime, board.LinkUp); err != nil {
					return fmt.Errorf("%w\nfield's server:\n%s", err, p.air.said())
				}
			}
			r.figure("both kits: start to paired", "%6.1f s", time.Since(begin).Seconds())
			return nil
		}},
		step{"alice and bob log in with TLS from outside of the kits", func() error { return p.enter(ctx) }},
		step{"they chat over HF, both ways", func() error {
			if err := p.converse(ctx, "first"); err != nil {
				return err
			}
			r.figure("both kits: start to chat", "%6.1f s", time.Since(begin).Seconds())
			return nil
		}},
	)
	if !ok {
		return nil
	}
	return p.reconfigure(ctx)
}

func (p *pair) converse(ctx context.Context, what string) error {
	if err := converse(ctx, p.alice, p.bob, what, guest.Patience*radioTime); err != nil {
		return fmt.Errorf("%w\nfield's server:\n%s", err, p.air.said())
	}
	return nil
}

// reconfigure gives headquarters other settings: it reaches its SIS server by vsock. Then it is offered the old ones again.
func (p *pair) reconfigure(ctx context.Context) error {
	if err := p.org.twin(ctx, vsockServer); err != nil {
		return err
	}
	stick := func(name string, b []byte) (*guest.Stick, error) {
		return guest.NewStick(filepath.Join(p.w.dir, name+".img"), 16, guest.FAT, false, map[string][]byte{"headquarters.lwb": b})
	}
	p.r.all(
		step{"headquarters takes a second bundle: its STANAG 5066 server by vsock", func() error {
			s, err := stick("second", p.org.bundles["headquarters"])
			if err != nil {
				return err
			}
			verdict, report, err := p.hq.offer(ctx, s)
			return errors.Join(err, applied(verdict, report, 2))
		}},
		step{"they chat over vsock and HF", func() error {
			p.alice.leave() // its stream may have ended with the old settings
			if err := p.alice.enterWithin(ctx, guest.Patience*loginTime); err != nil {
				return err
			}
			return p.converse(ctx, "by vsock")
		}},
		step{"the first bundle, offered again, is refused, and the report says why", func() error {
			s, err := stick("replay", p.org.first)
			if err != nil {
				return err
			}
			verdict, report, err := p.hq.offer(ctx, s)
			if err == nil && (verdict != board.Refused || !strings.Contains(report, "REFUSED, nothing was changed")) {
				err = fmt.Errorf("the lamp says %q, and the report is\n%s", verdict, report)
			}
			return err
		}},
		step{"and chat goes on", func() error { return p.converse(ctx, "after a replay") }},
	)
	return nil
}

// demo starts both kits, and stays up.
func demo(ctx context.Context, o options, w *workshop, r *record) error {
	p, err := newPair(ctx, w, r, o.keep)
	if p != nil {
		defer p.close()
	}
	if err != nil {
		return err
	}
	if !p.start(ctx) || !r.do("alice and bob log in", func() error { return p.enter(ctx) }) || !r.do("they chat over HF", func() error { return p.converse(ctx, "first") }) {
		return errors.New("the kits do not chat")
	}
	p.alice.leave()
	p.bob.leave()
	fmt.Fprint(r.out, p.invitation())
	<-ctx.Done()
	return ctx.Err()
}

// invitation tells where clients connect.
func (p *pair) invitation() string {
	var b strings.Builder
	b.WriteString("\nBoth kits are up. Open an XMPP client twice (Gajim, Dino, Conversations, Profanity ...), once for each of them:\n\n")
	for _, q := range []*person{p.alice, p.bob} {
		fmt.Fprintf(&b, "  address %-24s password %-12s server %s\n", q.jid, q.password, q.address)
	}
	b.WriteString("\nThe certificates are the kits' own; the client asks whether to trust them. Over HF a line takes about ten seconds.\nCtrl-C ends both.\n")
	return b.String()
}
