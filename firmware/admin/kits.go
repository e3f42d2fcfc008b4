package admin

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"longwire/firmware/config"
	"longwire/links/pair"
	"longwire/links/s5066"
	"longwire/store"
)

// Pairing is how far two nodes are with introducing themselves over HF.
type Pairing struct {
	State   string    `json:"state"` // at headquarters invited, heard, paired, withdrawn; at the kit introducing, waiting, paired, refused
	Words   string    `json:"words"`
	First   time.Time `json:"first,omitzero"`  // when the kit was heard first, or introduced itself first
	Paired  time.Time `json:"paired,omitzero"` //
	Heard   time.Time `json:"heard,omitzero"`  // the other side, last
	Until   time.Time `json:"until,omitzero"`  // at the kit: of its next try
	Key     string    `json:"key,omitempty"`   // the kit's, for comparison
	Address string    `json:"address,omitempty"`
	Refused uint64    `json:"refused,omitempty"` // tries without effect

	RivalKey string    `json:"rival_key,omitempty"` // at headquarters: of another kit that has tried to use the token,
	RivalAt  time.Time `json:"rival_at,omitzero"`   // and when
}

// PairingOf is that of a link.
func PairingOf(s s5066.PairingStatus) Pairing {
	return Pairing{State: s.State, Words: s.Words, First: s.First, Paired: s.Paired, Heard: s.Heard, Until: s.Until, Key: s.Key, Address: s.Address,
		Refused: s.Refused, RivalKey: s.RivalKey, RivalAt: s.RivalAt}
}

// rivalry is how long a conflict is told of. The other kit tries again every day, as long as somebody uses it.
const rivalry = 7 * 24 * time.Hour

// Conflict is what has to be told of a kit beside its state; "" if nothing.
func (p Pairing) Conflict() string {
	if p.RivalAt.IsZero() || time.Since(p.RivalAt) > rivalry || p.State == s5066.WithdrawnState {
		return ""
	}
	return "conflict: another kit uses this token"
}

// Kit is an invited peer.
type Kit struct {
	Name       string   `json:"name"`
	Domains    []string `json:"domains"`
	Link       string   `json:"link"`
	Invitation string   `json:"invitation"` // name of the token, which is not told
	Pairing
	Conflict string `json:"conflict,omitempty"`
	Silent   bool   `json:"silent,omitempty"` // paired, and not heard for a day
	Waiting  int    `json:"waiting"`          // stanzas
}

// silence is how long a kit may be silent before that is told. Choice: a day, as HF may be closed for a night.
const silence = 24 * time.Hour

// Kits lists the kits that this node is the headquarters of.
func (a *Admin) Kits() ([]Kit, error) {
	s, err := a.Status()
	if err != nil {
		return nil, err
	}
	kits := []Kit{}
	c := a.cfg()
	for i := range c.Peers {
		p := &c.Peers[i]
		if !p.Invited() {
			continue
		}
		k := Kit{Name: p.Name, Domains: p.Domains, Link: strings.Join(p.Links, ", ")}
		if t, err := pair.ParseToken(p.Pairing.Token); err == nil {
			k.Invitation = t.Invitation().String()
		}
		if j := slices.IndexFunc(s.Peers, func(q Peer) bool { return q.Name == p.Name }); j >= 0 {
			k.Waiting = s.Peers[j].Waiting
			if h := s.Peers[j].radio(); h != nil && h.Pairing != nil {
				k.Pairing = *h.Pairing
			}
		}
		if k.State == "" { // the node, or the link, does not run
			rec, err := a.pairing(p)
			if err != nil {
				return nil, err
			}
			k.Pairing = PairingOf(s5066.PairingOf(rec))
		}
		k.Conflict = k.Pairing.Conflict()
		k.Silent = k.State == s5066.PairedState && time.Since(k.Heard) > silence
		kits = append(kits, k)
	}
	return kits, nil
}

// pairing is what the store knows of an invited peer.
func (a *Admin) pairing(p *config.Peer) (rec store.Pairing, err error) {
	err = a.read(func(db *store.DB) error { rec, err = pairingIn(db, p); return err })
	return rec, err
}

func pairingIn(db *store.DB, p *config.Peer) (rec store.Pairing, err error) {
	err = db.View(func(tx *store.Tx) (err error) { rec, err = tx.Pairing(p.Name); return err })
	if t, perr := pair.ParseToken(p.Pairing.Token); perr == nil && rec.Invitation != t.Invitation() {
		rec = store.Pairing{Invitation: t.Invitation()}
	}
	return rec, err
}

// ForgetKit takes an invitation back: nothing is taken from the kit any longer and nothing sent to it. It needs a new token, in both configs; or, with again,
// one kit more may introduce itself with the old one.
func (a *Admin) ForgetKit(name string, again bool) (Kit, error) {
	var known []string
	var peer *config.Peer
	c := a.cfg()
	for i := range c.Peers {
		if p := &c.Peers[i]; p.Invited() {
			known = append(known, p.Name)
			if p.Name == name || slices.Contains(p.Domains, name) {
				peer = p
			}
		}
	}
	switch {
	case peer == nil && len(known) == 0:
		return Kit{}, misuse("there is no kit %q; the config invites none", name)
	case peer == nil:
		return Kit{}, misuse("there is no kit %q; the kits are: %s", name, strings.Join(known, ", "))
	}
	var err error
	if a.node != nil {
		err = a.node.ForgetKit(peer.Name, again)
	} else {
		err = a.forgetStopped(peer, again)
	}
	if err != nil {
		return Kit{}, err
	}
	kits, err := a.Kits()
	if i := slices.IndexFunc(kits, func(k Kit) bool { return k.Name == peer.Name }); i >= 0 {
		return kits[i], err
	}
	return Kit{Name: peer.Name}, err
}

func (a *Admin) forgetStopped(peer *config.Peer, again bool) error {
	rec, err := a.pairing(peer)
	if err != nil {
		return fmt.Errorf("admin: reading what is known of %s: %w", peer.Name, err)
	}
	return a.update(func(tx *store.Tx) error { return tx.PutPairing(peer.Name, s5066.Forgotten(rec, again)) })
}
