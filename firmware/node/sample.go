package node

import (
	"context"
	"os"
	"time"

	"longwire/firmware/telemetry"
	"longwire/links/meter"
	"longwire/store"
	"longwire/xmpp/jid"
)

const (
	sampleEvery = 10 * time.Second
	saveEvery   = time.Minute
	// jumpLeast is how far a clock must be set to be told of; less is what a radio's time or NTP does all day.
	jumpLeast = 5 * time.Second
)

// sampler is what was seen last.
type sampler struct {
	r     *record
	at    time.Time
	emcon map[string]bool
	depth map[string]store.QueueStats
	told  map[string]time.Time
	saved time.Time
}

// sample looks at what no event tells of, until ctx is done.
func (r *record) sample(ctx context.Context) {
	s := sampler{r: r, at: time.Now(), emcon: make(map[string]bool), depth: make(map[string]store.QueueStats), told: make(map[string]time.Time), saved: time.Now()}
	t := time.NewTicker(sampleEvery)
	defer t.Stop()
	r.waiting(time.Now())
	for {
		select {
		case <-t.C:
			s.look(time.Now())
		case <-ctx.Done():
			r.save(time.Now())
			return
		}
	}
}

func (s *sampler) look(now time.Time) {
	s.clock(now)
	s.silence(now)
	s.queues(now)
	s.r.waiting(now)
	if now.Sub(s.saved) >= saveEvery {
		s.saved = now
		s.r.save(now)
	}
}

// clock compares the clock with the time that has passed.
func (s *sampler) clock(now time.Time) {
	jump := jumped(s.at, now, now.Sub(s.at))
	s.at = now
	if jump.Abs() >= jumpLeast {
		s.r.put("", telemetry.Record{At: now, Kind: telemetry.Clock, Jump: jump.Seconds()})
	}
}

// jumped is how far the clock was set between two looks at it, of which so much time has passed in between.
func jumped(last, now time.Time, passed time.Duration) time.Duration {
	return now.Round(0).Sub(last.Round(0)) - passed
}

func (s *sampler) silence(now time.Time) {
	if s.r.silent == nil {
		return
	}
	for link, silent := range s.r.silent() {
		if s.emcon[link] != silent {
			state := map[bool]string{true: "on", false: "off"}[silent]
			s.r.put("", telemetry.Record{At: now, Kind: telemetry.EMCON, Link: link, State: state})
		}
		s.emcon[link] = silent
	}
}

// queues notes depths that have changed, for each peer once a minute.
func (s *sampler) queues(now time.Time) {
	s.r.mu.Lock()
	cfg := s.r.cfg
	s.r.mu.Unlock()
	for i := range cfg.Peers {
		name := cfg.Peers[i].Name
		st := s.r.db.Queue(name).Stats()
		if old := s.depth[name]; st == old || now.Sub(s.told[name]) < time.Minute {
			continue
		}
		s.depth[name], s.told[name] = st, now
		t := telemetry.Record{At: now, Kind: telemetry.Queue, Peer: name, Waiting: st.Entries, Sent: st.Sent, Bytes: st.Bytes}
		if !st.Oldest.IsZero() {
			t.Oldest = max(0, now.Sub(st.Oldest).Seconds())
		}
		s.r.put("", t)
	}
}

// waiting tells the budgets what was accepted and is not sent. It is asked anew, as entries expire and are cancelled too.
func (r *record) waiting(now time.Time) {
	r.mu.Lock()
	cfg := r.cfg
	r.mu.Unlock()
	if len(cfg.Budgets) == 0 {
		return
	}
	var all []meter.Cost
	for i := range cfg.Peers {
		name := cfg.Peers[i].Name
		q := r.db.Queue(name)
		if st := q.Stats(); st.Entries == st.Sent {
			continue
		}
		entries, err := q.List()
		if err != nil {
			r.log.Error("queue not read", "peer", name, "err", err)
			return
		}
		for _, e := range entries {
			if e.Session != "" {
				continue
			}
			from, _ := jid.Parse(e.From)
			to, _ := jid.Parse(e.To)
			all = append(all, meter.Cost{Key: r.key(name, from, to, e.Kind, e.Class), Air: r.estimate(name, len(e.Stanza))})
		}
	}
	r.ledger.Waiting(now, all)
}

// save writes the ledger if it has changed. A power cut costs the last minute of it.
func (r *record) save(now time.Time) {
	r.mu.Lock()
	booked := r.booked
	r.booked = false
	r.mu.Unlock()
	if !booked {
		return
	}
	b, err := r.ledger.Save(now)
	if err == nil {
		fresh := r.path + ".new"
		if err = os.WriteFile(fresh, b, 0o600); err == nil {
			err = os.Rename(fresh, r.path)
		}
	}
	if err != nil {
		r.log.Warn("what was spent is not saved", "file", r.path, "err", err)
	}
}

// silentLinks are the links, and whether they are under EMCON.
func (n *Node) silentLinks() map[string]bool {
	all := make(map[string]bool)
	cfg := n.Config()
	for i := range cfg.Links {
		l := &cfg.Links[i]
		silent, err := n.silenced(l.Name)
		all[l.Name] = l.EMCON || silent && err == nil
	}
	return all
}
