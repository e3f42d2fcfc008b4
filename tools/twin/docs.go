package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"

	"github.com/pelletier/go-toml/v2"

	"longwire/images/bundle"
)

// Files of a kit, and the certificate's names beside them.
const (
	nodeFile    = "longwire.toml"
	sisFile     = "s5066d.toml"
	hostFile    = "kit.toml"
	tlsCertFile = "tls-cert.pem"
	tlsKeyFile  = "tls-key.pem"
	phrasesFile = "phrases.txt"
)

// plan is one end's bundle before it has a number.
type plan struct {
	end       *End
	config    bundle.Config
	recipient string
}

// plan makes all that an end is to get.
func (h *house) plan(e *End) (*plan, error) {
	p := &plan{end: e, config: bundle.Config{Name: e.Name, Fleet: h.star.Fleet}}
	c := &p.config
	c.Target = bundle.Target{Name: e.Name, Board: e.Board}
	if e.FormerName != "" {
		c.Target.Name = e.FormerName
	}
	c.Note = e.Note
	var err error
	if c.Trust, err = h.trust(); err != nil {
		return nil, err
	}
	if p.recipient, err = h.recipient(e); err != nil {
		return nil, fmt.Errorf("%s: %w", e.Name, err)
	}
	if p.recipient != "" {
		if c.Target.KitID, err = bundle.KitID(p.recipient); err != nil {
			return nil, fmt.Errorf("%s: %w", e.Name, err)
		}
	}
	cert, err := h.certificate(e)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", e.Name, err)
	}
	c.Docs.TLSCert, c.Docs.TLSKey = cert.cert, cert.key
	if c.Docs.Phrases, err = h.phrases(); err != nil {
		return nil, err
	}
	for _, d := range []struct {
		to   *string
		file string
		make func(*End) (table, error)
		more func(Settings) table
	}{
		{&c.Docs.Node, nodeFile, h.node, func(s Settings) table { return s.Node }},
		{&c.Docs.SIS, sisFile, h.s5066d, func(s Settings) table { return s.S5066D }},
		{&c.Docs.Kit, hostFile, h.host, func(s Settings) table { return s.Host }},
	} {
		t, err := d.make(e)
		if err != nil {
			return nil, err
		}
		if t == nil {
			continue // the end does without
		}
		layers := []Settings{h.star.All, h.star.Kits, e.Settings}
		if e.headquarters {
			layers[1] = Settings{}
		}
		for i, l := range layers {
			if err := merge(t, d.more(l), "", i < 2); err != nil {
				return nil, fmt.Errorf("%s: %s: %w", e.Name, d.file, err)
			}
		}
		if len(t) == 0 {
			continue
		}
		if *d.to, err = render(e, d.file, t); err != nil {
			return nil, fmt.Errorf("%s: %s: %w", e.Name, d.file, err)
		}
	}
	return p, nil
}

// node makes longwire.toml.
func (h *house) node(e *End) (table, error) {
	t := table{"domains": e.Domains, "rooms": table{"domains": e.Rooms}}
	var users, peers, links []table
	for _, u := range e.User {
		user, err := h.user(e, u)
		if err != nil {
			return nil, err
		}
		users = append(users, user)
	}
	seen := map[any]bool{}
	for _, other := range h.star.ends() {
		if other.headquarters == e.headquarters {
			continue
		}
		ls, p, err := h.between(e, other)
		if err != nil {
			return nil, err
		}
		for _, l := range ls {
			if !seen[l["name"]] { // headquarters has one over HF, for all kits
				links, seen[l["name"]] = append(links, l), true
			}
		}
		peers = append(peers, p)
	}
	rooms, err := h.rooms(e)
	if err != nil {
		return nil, err
	}
	for key, list := range map[string][]table{"user": users, "peer": peers, "link": links, "room": rooms} {
		if list != nil {
			t[key] = list
		}
	}
	if e.headquarters && h.star.pairs() && h.star.uses(e, linkS5066) {
		secret, _, err := h.pairKey()
		if err != nil {
			return nil, err
		}
		t["pairing"] = table{"key": secret}
	}
	if c, err := h.certificate(e); err != nil {
		return nil, err
	} else if c.cert != nil {
		t["tls"] = table{"cert": tlsCertFile, "key": tlsKeyFile}
	}
	return t, nil
}

// s5066d makes s5066d.toml, for an end that has a modem.
func (h *house) s5066d(e *End) (table, error) {
	if !e.own() || !h.star.uses(e, linkS5066) {
		return nil, nil
	}
	modem := table{}
	if err := merge(modem, e.SIS.Modem, "modem.", false); err != nil {
		return nil, err
	}
	return table{"name": e.Name, "address": e.SIS.Address, "clients": table{"listen": []string{localServer}}, "modem": modem}, nil
}

// host makes kit.toml: all of it is what a person wrote.
func (h *house) host(*End) (table, error) { return table{}, nil }

// render prints a document. The same table gives the same text.
func render(e *End, file string, t table) (string, error) {
	var b bytes.Buffer
	fmt.Fprintf(&b, "# %s of %s, made by twin. What is changed here does not last: the next bundle replaces the file.\n\n", file, e.Name)
	enc := toml.NewEncoder(&b)
	enc.SetArraysMultiline(false)
	if err := enc.Encode(t); err != nil {
		return "", err
	}
	return b.String(), nil
}

// content is the digest of all that a bundle says, but its number and date.
func (p *plan) content() ([32]byte, error) {
	c := p.config
	var trust []string
	for _, k := range c.Trust {
		trust = append(trust, k.String())
	}
	b, err := json.Marshal([]any{1, c.Target, c.Name, c.Fleet, c.Note, trust, c.Docs, p.recipient})
	return sha256.Sum256(b), err
}
