package node

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"longwire/firmware/config"
	"longwire/firmware/identity"
	"longwire/store"
	"longwire/xmpp/s2s"
)

// Reload applies a checked configuration without a restart. What may fail is tried first; if it does, nothing has
// changed and the old configuration goes on.
func (n *Node) Reload(cfg *config.Config) error {
	n.reload.Lock()
	defer n.reload.Unlock()
	old := n.Config()
	opened, err := n.openNew(cfg)
	if err != nil {
		return err
	}
	undo := func(err error) error {
		for _, o := range opened {
			o.ln.Close()
		}
		return err
	}
	was := n.identity()
	if err := n.reidentify(old, cfg); err != nil {
		return undo(fmt.Errorf("node: %w", err))
	}
	if err := n.apply(old, cfg); err != nil {
		return undo(n.back(old, cfg, was, err))
	}
	n.archives.SetOptions(n.archiveOptions(cfg))
	n.rooms.SetOptions(n.roomOptions(cfg))
	n.federation.SetOptions(n.federationOptions(cfg))
	if d := config.Diff(old, cfg); d.Store || d.Delivery {
		n.db.SetLimits(storeOptions(cfg, n.log))
	}
	n.record.set(cfg)
	n.reg.SetOpen(cfg.Clients.Register)
	n.clients.Configure(n.clientConfig(cfg))
	n.swapDoors(cfg, opened)
	if err := n.o.Log.Set(cfg.Log.Level, cfg.Log.Format); err != nil {
		n.log.Warn("log settings not applied", "err", err)
	}
	n.mu.Lock()
	n.cfg = cfg
	n.mu.Unlock()
	n.log.Info("configuration applied", "file", cfg.File)
	return nil
}

// apply makes peers, domains, accounts and rooms those of a configuration. After an error the caller returns to the one before.
func (n *Node) apply(old, cfg *config.Config) error {
	if err := n.yieldRooms(old, cfg); err != nil {
		return fmt.Errorf("node: %w", err)
	}
	if err := n.connect(cfg); err != nil {
		return err
	}
	if err := n.host.SetDomains(cfg.Domains); err != nil {
		return fmt.Errorf("node: %w", err)
	}
	if err := n.moveRooms(cfg); err != nil {
		return err
	}
	if err := n.attend(cfg); err != nil {
		return err
	}
	if err := n.declare(cfg); err != nil {
		return err
	}
	return n.declareRooms(cfg)
}

// reidentify reads the certificate again, from other files if the configuration names others.
func (n *Node) reidentify(old, cfg *config.Config) error {
	if old.TLS == cfg.TLS {
		return n.identity().Reload(cfg.Domains, time.Now())
	}
	id, err := loadIdentity(cfg)
	if err != nil {
		return err
	}
	n.setIdentity(id)
	return nil
}

// back returns to the old peers, links and domains after a failure half-way.
func (n *Node) back(old, cfg *config.Config, was *identity.Identity, err error) error {
	n.setIdentity(was)
	again := errors.Join(n.yieldRooms(old, cfg), n.connect(old), n.host.SetDomains(old.Domains), n.moveRooms(old), n.attend(old), n.declare(old), n.declareRooms(old))
	if again != nil {
		n.log.Error("the old configuration could not be restored", "err", again)
	}
	if again := was.Reload(old.Domains, time.Now()); again != nil {
		n.log.Error("the old certificate could not be restored", "err", again)
	}
	return err
}

// openNew opens the doors that a configuration adds.
func (n *Node) openNew(cfg *config.Config) (map[door]*openDoor, error) {
	opened := make(map[door]*openDoor)
	for _, d := range wanted(cfg) {
		n.mu.Lock()
		have := n.doors[d] != nil
		n.mu.Unlock()
		if have {
			continue
		}
		ln, err := d.listen()
		if err != nil {
			for _, o := range opened {
				o.ln.Close()
			}
			return nil, err
		}
		opened[d] = &openDoor{ln: ln}
	}
	return opened, nil
}

func (n *Node) swapDoors(cfg *config.Config, opened map[door]*openDoor) {
	want := wanted(cfg)
	n.mu.Lock()
	var gone []door
	for d := range n.doors {
		if !slices.Contains(want, d) {
			gone = append(gone, d)
			delete(n.doors, d)
		}
	}
	for d, o := range opened {
		n.doors[d] = o
	}
	n.mu.Unlock()
	for _, d := range gone {
		n.group.Remove(d.String())
	}
	for d, o := range opened {
		if err := n.group.Add(context.Background(), n.serve(d, o.ln)); err != nil {
			n.log.Error("door does not open", "door", d.String(), "err", err)
		}
	}
}

// connect makes peers and links those of the configuration.
func (n *Node) connect(cfg *config.Config) error {
	n.foresight.SetPeers(peerNames(cfg))
	folds, err := n.newFolds(cfg)
	if err != nil {
		return err
	}
	return n.link(cfg, func() error {
		peers := n.questioned(cfg, n.peerConfigs(cfg))
		for i := range peers {
			folds[peers[i].Name].hook(&peers[i])
		}
		err := n.peers.Apply(peers)
		if err == nil {
			n.folding.peers.Store(&folds)
		}
		return err
	})
}

// peerConfigs translates [[peer]] for s2s. A peer's largest stanza is that of its links, and repeats are filtered where a link may repeat.
func (n *Node) peerConfigs(cfg *config.Config) (out []s2s.Config) {
	for _, p := range cfg.Peers {
		c := s2s.Config{
			Name: p.Name, Domains: p.Domains, LocalDomains: p.LocalDomains, Pubsub: p.Pubsub, Terse: p.Fold.ShortenIDs,
			Queue: store.QueueLimits{Entries: p.QueueEntries, Bytes: int64(p.QueueBytes)},
			Lifetimes: s2s.Lifetimes{Message: lifetime(p.Lifetimes.Message), Groupchat: lifetime(p.Lifetimes.Groupchat),
				IQ: p.Lifetimes.IQ, Presence: lifetime(p.Lifetimes.Presence)},
		}
		c.Spend = n.record.spend
		c.Precedence = precedence(cfg.Precedence)
		for _, l := range cfg.Links {
			if !slices.Contains(p.Links, l.Name) {
				continue
			}
			if c.MaxStanza == 0 || int(l.MaxStanza) < c.MaxStanza {
				c.MaxStanza = int(l.MaxStanza)
			}
			if c.Dedup = c.Dedup || repeats(&l, &p); l.Type == config.LinkS5066 {
				c.DedupFor = hfRepeat
			}
		}
		if c.DedupKept = c.Dedup && len(p.Links) > 1; c.DedupKept {
			c.DedupFor = hfRepeat
		}
		out = append(out, c)
	}
	return out
}

// hfRepeat: a confirmation that was lost when a frequency closed brings a repeat when it opens again, perhaps days later.
const hfRepeat = 7 * 24 * time.Hour

// repeats tells whether a link may bring a stanza twice.
func repeats(l *config.Link, p *config.Peer) bool {
	if l.Type == config.LinkS5066 {
		return p.S5066.Mapping != config.MappingLongwire
	}
	return !l.ZeroRTT
}

// lifetime: 0 is for ever to operators, and the default to s2s.
func lifetime(d time.Duration) time.Duration {
	if d == 0 {
		return s2s.Forever
	}
	return d
}
