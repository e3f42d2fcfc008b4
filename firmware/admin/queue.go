package admin

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"longwire/links/s5066"
	"longwire/store"
	"longwire/xmpp/delivery"
)

// Queued is one stanza for a peer, without its body.
type Queued struct {
	Peer       string    `json:"peer"`
	ID         uint64    `json:"id"`
	Kind       string    `json:"kind"`
	Precedence string    `json:"precedence,omitempty"` // of messages: "flash", "immediate", "priority", "routine"
	From       string    `json:"from"`
	To         string    `json:"to"`
	Stanza     string    `json:"stanza,omitempty"` // its id attribute
	Bytes      int       `json:"bytes"`
	State      string    `json:"state"`              // a delivery.State
	Position   int       `json:"position,omitempty"` // in line; 1 is next
	Why        string    `json:"why,omitempty"`      // why it waits, or how it ended: "invited, not heard yet"
	Forecast   *Foreseen `json:"forecast,omitempty"` // of what waits or is on its way
	Queued     time.Time `json:"queued"`
	Changed    time.Time `json:"changed,omitzero"` // since when it is in its state, where that is known
	Expires    time.Time `json:"expires,omitzero"`
	Held       time.Time `json:"held_until,omitzero"`
}

// Foreseen is when a stanza will be at the peer's node, from now.
type Foreseen struct {
	Known bool    `json:"known"`
	Why   string  `json:"why,omitempty"`     // why not, or what it waits for
	About float64 `json:"about_s,omitempty"` // seconds; as likely earlier as later
	Most  float64 `json:"at_most_s,omitempty"`
	Words string  `json:"words,omitempty"`
}

var kinds = map[store.Kind]string{
	store.KindChat: "message", store.KindGroupchat: "groupchat", store.KindIQ: "iq",
	store.KindPresence: "presence", store.KindReceipt: "receipt", store.KindState: "chat state",
}

var precedences = map[store.Class]string{
	store.ClassFlash: "flash", store.ClassImmediate: "immediate", store.ClassPriority: "priority", store.ClassRoutine: "routine",
}

// queued is what operators see of a message.
func queued(m delivery.Message) Queued {
	q := Queued{Peer: m.Peer, ID: m.Entry, Kind: kinds[m.Kind], Precedence: precedences[m.Class], From: m.From, To: m.To, Stanza: m.StanzaID,
		Bytes: m.Bytes, State: string(m.State), Position: m.Position, Why: m.Why, Queued: m.Queued, Changed: m.Changed, Expires: m.Expires, Held: m.NotBefore}
	if q.Kind == "" {
		q.Kind = fmt.Sprintf("kind %d", m.Kind)
	}
	if f := m.Forecast; f.Known || f.Why != "" {
		q.Forecast = &Foreseen{Known: f.Known, Why: f.Why, About: f.About.Seconds(), Most: f.Most.Seconds(), Words: f.Words}
	}
	return q
}

// away tells whether a link has taken the stanza and the peer has not.
func (q Queued) away() bool {
	switch delivery.State(q.State) {
	case delivery.WithLink, delivery.OnAir, delivery.AtRadio:
		return true
	}
	return false
}

// truth is what knows the states of messages; that of a stopped node knows what is on flash.
func (a *Admin) truth(db *store.DB) *delivery.Truth {
	if a.node != nil {
		return a.node.Truth()
	}
	return delivery.New(delivery.Env{DB: db})
}

// Queue lists what waits for a peer, in sending order; "" means for all peers.
func (a *Admin) Queue(peer string) ([]Queued, error) {
	list := []Queued{}
	err := a.read(func(db *store.DB) error {
		names, err := a.queues(db, peer)
		if err != nil {
			return err
		}
		truth := a.truth(db)
		for _, name := range names {
			messages, err := truth.Queue(name)
			if err != nil {
				return fmt.Errorf("admin: %w", err)
			}
			held, err := a.held(db, name)
			if err != nil {
				return err
			}
			for _, m := range messages {
				if held != "" && m.State == delivery.Queued {
					m.Why, m.Forecast = held, delivery.Forecast{}
				}
				list = append(list, queued(m))
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
		gone = append(gone, queued(delivery.Message{Peer: names[0], Entry: e.ID, Kind: e.Kind, Class: e.Class, From: e.From, To: e.To,
			StanzaID: e.StanzaID, Bytes: len(e.Stanza), State: delivery.Cancelled, Queued: e.Queued, Expires: e.Expires}))
	}
	return gone, err
}
