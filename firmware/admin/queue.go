package admin

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"longwire/links/s5066"
	"longwire/store"
)

// Queued is one stanza that waits for a peer, without its body.
type Queued struct {
	Peer    string    `json:"peer"`
	ID      uint64    `json:"id"`
	Kind    string    `json:"kind"`
	From    string    `json:"from"`
	To      string    `json:"to"`
	Stanza  string    `json:"stanza,omitempty"` // its id attribute
	Bytes   int       `json:"bytes"`
	State   string    `json:"state"`          // "queued", or "sent": on its way, not yet confirmed
	Held    string    `json:"held,omitempty"` // why it waits, where that is not for the link: "invited, not heard yet"
	Queued  time.Time `json:"queued"`
	Expires time.Time `json:"expires,omitzero"`
}

func queued(peer string, e store.Entry) Queued {
	q := Queued{Peer: peer, ID: e.ID, Kind: e.Kind.String(), From: e.From, To: e.To, Stanza: e.StanzaID, Bytes: len(e.Stanza),
		State: "queued", Queued: e.Queued, Expires: e.Expires}
	if e.Session != "" {
		q.State = "sent"
	}
	return q
}

// Queue lists what waits for a peer, in sending order; "" means for all peers.
func (a *Admin) Queue(peer string) ([]Queued, error) {
	list := []Queued{}
	err := a.read(func(db *store.DB) error {
		names, err := a.queues(db, peer)
		if err != nil {
			return err
		}
		for _, name := range names {
			entries, err := db.Queue(name).List()
			if err != nil {
				return fmt.Errorf("admin: listing the queue of %s: %w", name, err)
			}
			held, err := a.held(db, name)
			if err != nil {
				return err
			}
			for _, e := range entries {
				q := queued(name, e)
				if e.Session == "" {
					q.Held = held
				}
				list = append(list, q)
			}
		}
		return nil
	})
	return list, err
}

// held tells why what is queued for a peer does not go, if it is a kit that may not be sent to.
func (a *Admin) held(db *store.DB, peer string) (why string, err error) {
	for _, p := range a.cfg().Peers {
		if p.Name != peer || !p.Invited() {
			continue
		}
		rec, err := pairingIn(db, &p)
		if s := s5066.PairingOf(rec); s.State == s5066.InvitedState || s.State == s5066.WithdrawnState {
			why = s.Words
		}
		return why, err
	}
	return "", nil
}

// queues resolves a peer's name, or one of its domains, to the queues meant.
func (a *Admin) queues(db *store.DB, peer string) ([]string, error) {
	names, err := db.Queues()
	if err != nil {
		return nil, fmt.Errorf("admin: listing queues: %w", err)
	}
	slices.Sort(names)
	if peer == "" {
		return names, nil
	}
	name, err := a.peer(peer, names)
	if err != nil {
		return nil, err
	}
	if !slices.Contains(names, name) {
		return nil, nil // configured, and never had anything to wait for
	}
	return []string{name}, nil
}

// peer finds a peer by its name or by one of its domains; others are names known from elsewhere.
func (a *Admin) peer(name string, others []string) (string, error) {
	var known []string
	for _, p := range a.cfg().Peers {
		if p.Name == name || slices.Contains(p.Domains, name) {
			return p.Name, nil
		}
		known = append(known, p.Name)
	}
	if slices.Contains(others, name) {
		return name, nil
	}
	if len(known) == 0 {
		return "", misuse("there is no peer %q; the config has none", name)
	}
	return "", misuse("there is no peer %q; the peers are: %s", name, strings.Join(known, ", "))
}

// Cancel takes entries out of a peer's queue and tells their senders. Without ids all that is not yet on its way.
// It returns what is gone.
func (a *Admin) Cancel(peer string, ids []uint64) ([]Queued, error) {
	if a.node == nil {
		return nil, fmt.Errorf("admin: cancelling: %w; start it, since it has to tell the senders", ErrNotRunning)
	}
	names, err := a.queues(a.node.Store(), peer)
	switch {
	case peer == "":
		return nil, misuse("cancelling needs a peer")
	case err != nil || len(names) == 0:
		return []Queued{}, err
	}
	if len(ids) == 0 {
		entries, err := a.node.Store().Queue(names[0]).List()
		if err != nil {
			return nil, fmt.Errorf("admin: listing the queue of %s: %w", names[0], err)
		}
		for _, e := range entries {
			if e.Session == "" {
				ids = append(ids, e.ID)
			}
		}
	}
	gone := []Queued{}
	if len(ids) == 0 {
		return gone, nil
	}
	entries, err := a.node.Cancel(names[0], ids)
	for _, e := range entries {
		gone = append(gone, queued(names[0], e))
	}
	return gone, err
}
