package delivery

import (
	"errors"
	"fmt"
	"time"

	"longwire/store"
	"longwire/xmpp/jid"
)

// Env is what a Truth works with. The functions may be nil, and are called by any goroutine.
type Env struct {
	DB *store.DB
	// Forecasts tells for each entry of a peer's queue, in sending order, when it will be there.
	Forecasts func(peer string, entries []store.Entry) []Forecast
	// Waits tells for one list of a peer's entries why each that is not on the air does not go now, if that is for other reasons than those before it in line.
	Waits func(peer string) func(*store.Entry) string
	// Cancel takes an account's entries out of a peer's queue that no link has taken. Those it returns are gone.
	Cancel func(account jid.JID, peer string, ids ...uint64) ([]store.Entry, error)
	// Mute tells that no receipts are to be given but by far clients.
	Mute func() bool
}

// A Truth tells states. Any number of goroutines.
type Truth struct {
	env Env
	air air
}

// New makes a Truth.
func New(env Env) *Truth { return &Truth{env: env} }

// Sent notes that a link, which is up, has sent an entry.
func (t *Truth) Sent(peer, link string, entry uint64) { t.air.set(peer, entry, flight{OnAir, link}) }

// OnFarNode notes that the peer's SIS server has an entry.
func (t *Truth) OnFarNode(peer, link string, entry uint64) {
	t.air.set(peer, entry, flight{AtRadio, link})
}

// Confirmed notes that the peer has taken an entry, which the store knows by then.
func (t *Truth) Confirmed(peer string, entry uint64) { t.air.drop(peer, entry) }

// Down notes that a link to a peer is down.
func (t *Truth) Down(peer, link string) { t.air.down(peer, link) }

// Queue is what is in a peer's queue, in sending order: what a link has taken first, what is held last.
func (t *Truth) Queue(peer string) ([]Message, error) {
	entries, err := t.env.DB.Queue(peer).List()
	if err != nil {
		return nil, fmt.Errorf("delivery: the queue of %s: %w", peer, err)
	}
	var forecasts []Forecast
	if t.env.Forecasts != nil {
		forecasts = t.env.Forecasts(peer, entries)
	}
	now := time.Now()
	all := make([]Message, len(entries))
	there := make(map[uint64]bool, len(entries))
	line := 0
	learned, err := t.learned(peer, entries)
	if err != nil {
		return nil, err
	}
	waits := func(*store.Entry) string { return "" }
	if t.env.Waits != nil && len(entries) > 0 {
		waits = t.env.Waits(peer)
	}
	for i, e := range entries {
		there[e.ID] = true
		m := &all[i]
		*m = Message{Peer: peer, Entry: e.ID, Kind: e.Kind, Class: e.Class, From: e.From, To: e.To, StanzaID: e.StanzaID, Bytes: len(e.Stanza),
			State: Queued, Queued: e.Queued, Changed: e.Queued, Expires: e.Expires}
		if forecasts != nil {
			m.Forecast = forecasts[i]
		}
		switch {
		case e.Session != "":
			m.State, m.Changed = t.air.of(peer, e.ID).state, time.Time{}
			if f, ok := learned[e.ID]; ok {
				m.State, m.Why, m.Changed = states[f.State], f.Why, f.Changed
			}
			if m.State == WithLink {
				m.Why = waits(&e)
			}
			continue
		case e.NotBefore.After(now):
			m.NotBefore = e.NotBefore
		default:
			line++
			m.Position = line
		}
		m.Why = waits(&e)
	}
	t.air.keep(peer, there)
	return all, nil
}

// learned are those on their way of which the far side has said more than its node has confirmed.
func (t *Truth) learned(peer string, entries []store.Entry) (known map[uint64]store.Fate, err error) {
	known = make(map[uint64]store.Fate)
	err = t.env.DB.View(func(tx *store.Tx) error {
		for _, e := range entries {
			if e.Session == "" || !e.Track {
				continue
			}
			f, err := tx.FateOf(peer, e.ID)
			switch {
			case err == nil && f.State != store.FateQueued:
				known[e.ID] = f
			case err != nil && !errors.Is(err, store.ErrNotFound):
				return err
			}
		}
		return nil
	})
	if err != nil {
		err = fmt.Errorf("delivery: the queue of %s: %w", peer, err)
	}
	return known, err
}

// State is what is known of one entry of a peer; store.ErrNotFound if nothing is (any more).
func (t *Truth) State(peer string, entry uint64) (Message, error) {
	var f store.Fate
	err := t.env.DB.View(func(tx *store.Tx) (err error) {
		f, err = tx.FateOf(peer, entry)
		return err
	})
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return Message{}, fmt.Errorf("delivery: entry %d for %s: %w", entry, peer, err)
	}
	if err == nil && f.State != store.FateQueued {
		return ofFate(f), nil
	}
	queue, qerr := t.Queue(peer)
	if qerr != nil {
		return Message{}, qerr
	}
	for _, m := range queue {
		if m.Entry == entry {
			return m, nil
		}
	}
	if err != nil {
		return Message{}, fmt.Errorf("delivery: entry %d for %s: %w", entry, peer, err)
	}
	// It left the queue since; what became of it was committed with that.
	err = t.env.DB.View(func(tx *store.Tx) (err error) {
		f, err = tx.FateOf(peer, entry)
		return err
	})
	if err != nil {
		return Message{}, fmt.Errorf("delivery: entry %d for %s: %w", entry, peer, err)
	}
	return ofFate(f), nil
}

// OfAccount are an account's messages, newest first, at most so many (0: all that are remembered).
func (t *Truth) OfAccount(account jid.JID, most int) ([]Message, error) {
	var fates []store.Fate
	err := t.env.DB.View(func(tx *store.Tx) (err error) {
		fates, err = tx.Fates(account.Bare().String(), most)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("delivery: messages of %s: %w", account, err)
	}
	return t.joined(fates)
}

// joined completes fates of messages that wait still with what their queues say.
func (t *Truth) joined(fates []store.Fate) ([]Message, error) {
	queues := make(map[string]map[uint64]Message)
	all := make([]Message, 0, len(fates))
	for _, f := range fates {
		if f.State != store.FateQueued {
			all = append(all, ofFate(f))
			continue
		}
		waiting, ok := queues[f.Peer]
		if !ok {
			list, err := t.Queue(f.Peer)
			if err != nil {
				return nil, err
			}
			waiting = make(map[uint64]Message, len(list))
			for _, m := range list {
				waiting[m.Entry] = m
			}
			queues[f.Peer] = waiting
		}
		if m, ok := waiting[f.Entry]; ok {
			all = append(all, m)
			continue
		}
		m, err := t.State(f.Peer, f.Entry) // it left the queue since
		if err != nil {
			return nil, err
		}
		all = append(all, m)
	}
	return all, nil
}

// Cancel takes back a message of an account's that no link has taken, and tells what is known of it then.
func (t *Truth) Cancel(account jid.JID, peer string, entry uint64) (Message, error) {
	m, err := t.State(peer, entry)
	if err != nil {
		return m, err
	}
	from, err := jid.Parse(m.From)
	if err != nil || from.Bare() != account.Bare() {
		return Message{}, fmt.Errorf("delivery: entry %d for %s is not of %s: %w", entry, peer, account, store.ErrNotFound)
	}
	if m.State != Queued || t.env.Cancel == nil {
		return m, nil
	}
	if _, err := t.env.Cancel(account, peer, entry); err != nil {
		return m, err
	}
	return t.State(peer, entry)
}

// states are the words for what the store knows for good.
var states = map[store.FateState]State{
	store.FateQueued: Queued, store.FateAtPeer: AtPeer, store.FateDelivered: Delivered, store.FateExpired: Expired,
	store.FateRefused: Refused, store.FateCancelled: Cancelled, store.FateOverflow: Overflow,
}

func ofFate(f store.Fate) Message {
	return Message{Peer: f.Peer, Entry: f.Entry, Kind: f.Kind, Class: f.Class, From: f.From, To: f.To, StanzaID: f.StanzaID, Bytes: f.Bytes,
		State: states[f.State], Why: f.Why, Queued: f.Queued, Changed: f.Changed}
}
