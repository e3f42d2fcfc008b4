package admin

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"longwire/firmware/config"
	"longwire/store"
)

// Link is a link of the config with all that it reaches.
type Link struct {
	Name  string      `json:"name"`
	Type  string      `json:"type"`
	EMCON EMCON       `json:"emcon,omitzero"`
	Peers []LinkState `json:"peers"` // one for each peer; none use a link that stays closed
}

// EMCON is emission control, radio silence: on while either the config or the switch says so.
type EMCON struct {
	On     bool      `json:"on"`
	Config bool      `json:"config,omitempty"` // emcon = true
	Switch bool      `json:"switch,omitempty"` // 'link emcon'
	Since  time.Time `json:"since,omitzero"`   // when it was switched last
	Held   int       `json:"held,omitempty"`   // stanzas that wait for its end
}

// Links lists the links of the config.
func (a *Admin) Links() ([]Link, error) {
	s, err := a.Status()
	return s.All, err
}

// linkTable gathers what is known of each link.
func linkTable(c *config.Config, tx *store.Tx, peers []Peer) ([]Link, error) {
	all := []Link{}
	for _, l := range c.Links {
		link := Link{Name: l.Name, Type: l.Type, Peers: []LinkState{}, EMCON: EMCON{Config: l.EMCON}}
		if tx != nil {
			s, err := tx.LinkSwitch(l.Name)
			if err != nil {
				return nil, err
			}
			link.EMCON.Switch, link.EMCON.Since = s.EMCON, s.Changed
		}
		link.EMCON.On = link.EMCON.Config || link.EMCON.Switch
		for _, p := range peers {
			for _, s := range p.States() {
				if s.Link != l.Name {
					continue
				}
				link.Peers = append(link.Peers, s)
				if link.EMCON.On && len(p.Others) == 0 { // else another link may carry it
					link.EMCON.Held += p.Waiting
				}
			}
		}
		all = append(all, link)
	}
	return all, nil
}

// SetEMCON silences a link, or lets it send again, and keeps that over restarts: a power cut may not lift
// radio silence. On a running node it is effective when SetEMCON returns.
func (a *Admin) SetEMCON(name string, on bool) (Link, error) {
	l, err := a.radio(name)
	if err != nil {
		return Link{}, err
	}
	if !on && l.EMCON {
		return Link{}, fmt.Errorf("admin: the config%s says emcon = true for link %q; take that out and reload", a.where(l), l.Name)
	}
	if a.node != nil {
		err = a.node.SetEMCON(l.Name, on)
	} else {
		err = a.update(func(tx *store.Tx) error {
			return tx.PutLinkSwitch(l.Name, store.LinkSwitch{EMCON: on, Changed: time.Now()})
		})
	}
	if err != nil {
		return Link{}, err
	}
	all, err := a.Links()
	if i := slices.IndexFunc(all, func(x Link) bool { return x.Name == l.Name }); i >= 0 {
		return all[i], err
	}
	return Link{Name: l.Name, Type: l.Type}, err
}

// radio finds a link that can be silenced.
func (a *Admin) radio(name string) (*config.Link, error) {
	c := a.cfg()
	l := c.Link(name)
	switch {
	case l != nil:
		return l, nil
	case len(c.Links) == 0:
		return nil, misuse("there is no link %q; the config has none", name)
	}
	var known []string
	for _, l := range c.Links {
		known = append(known, fmt.Sprintf("%q", l.Name))
	}
	return nil, misuse("there is no link %q; there are: %s", name, strings.Join(known, ", "))
}

// where is " (file:line)" of a link's emcon.
func (a *Admin) where(l *config.Link) string {
	c := a.cfg()
	for i := range c.Links {
		if line := c.Line(fmt.Sprintf("link[%d].emcon", i)); c.Links[i].Name == l.Name && line > 0 {
			return fmt.Sprintf(" (%s:%d)", c.File, line)
		}
	}
	return ""
}
