package main

import (
	"fmt"

	"longwire/tools/organisation"
)

// Every fact of a link or a peer is written by the functions below, which take both ends and write one of them; the
// other end is the same call the other way round. So no fact can be one thing here and another there.

// between gives an end's links to another, and the peer that the other is.
func (h *house) between(me, other *End) (links []table, peer table, err error) {
	kit := other
	if other.headquarters {
		kit = me
	}
	peer = table{"name": other.Name, "domains": append(append([]string{}, other.Domains...), other.Rooms...)}
	if len(other.Rooms) > 0 {
		peer["federation"] = table{"domains": other.Rooms}
	}
	var names []string
	for _, kind := range kit.Links {
		var l table
		if kind == linkS5066 {
			l = h.s5066Link(me)
			peer["s5066"] = h.s5066Peer(other)
			if h.star.pairs() {
				if peer["pairing"], err = h.pairing(me, kit); err != nil {
					return nil, nil, err
				}
			}
		} else if l, err = h.ipLink(me, other, kit); err != nil {
			return nil, nil, err
		}
		links, names = append(links, l), append(names, l["name"].(string))
	}
	peer["links"] = names
	if peer["codec"], err = h.codec(kit); err != nil {
		return nil, nil, err
	}
	return links, peer, nil
}

// s5066Link is an end's one link over HF, whoever is at the other end.
func (h *house) s5066Link(me *End) table {
	s := &h.star.S5066
	l := table{"name": s.Name, "type": linkS5066, "local_5066_address": me.SIS.Address, "server": localServer}
	if !me.own() {
		l["server"] = me.SIS.Server
	}
	put(l, "server_baud", me.SIS.Baud)
	put(l, "sap", s.SAP)
	put(l, "compress", s.Compress)
	return l
}

// localServer is where an end's own STANAG 5066 server serves the node.
const localServer = "127.0.0.1:5066"

func (h *house) s5066Peer(other *End) table {
	s := &h.star.S5066
	p := table{"remote_5066_address": other.SIS.Address, "mapping": s.Mapping}
	put(p, "connection_id", s.ConnectionID)
	put(p, "application_id", s.ApplicationID)
	return p
}

// pairing is the invitation of a kit, as headquarters has it, or as the kit has it.
func (h *house) pairing(me, kit *End) (table, error) {
	token, err := h.token(kit)
	if err != nil || me.headquarters {
		return table{"token": token}, err
	}
	_, public, err := h.pairKey()
	return table{"token": token, "headquarters_key": public}, err
}

// ipLink is one of the two ends of a link of type ip.
func (h *house) ipLink(me, other, kit *End) (table, error) {
	s := &h.star.IP
	dialler := s.Dial == "both" || (s.Dial == "headquarters") == me.headquarters
	listener := s.Dial == "both" || (s.Dial == "headquarters") != me.headquarters
	l := table{"name": fmt.Sprintf("IP link %s-2-%s", h.star.Headquarters.Name, kit.Name), "type": linkIP, "dial": dialler, "listen": listener}
	if other.IP.Address != "" {
		l["remote_address"] = other.IP.Address
	}
	put(l, "remote_port", other.IP.Port)
	put(l, "local_port", me.IP.Port)
	put(l, "compress", s.Compress)
	put(l, "zero_rtt", s.ZeroRTT)
	if s.StreamManagement != "" {
		l["stream_management"] = s.StreamManagement
	}
	if !h.star.tls() {
		return l, nil
	}
	c, err := h.certificate(other)
	if err != nil {
		return nil, err
	}
	pin, err := organisation.Pin(c.cert)
	if err != nil {
		return nil, fmt.Errorf("%s: the certificate: %w", other.Name, err)
	}
	l["tls"], l["pin_sha256"] = "direct", []string{pin}
	return l, nil
}

// put sets what is said.
func put[T any](t table, key string, v *T) {
	if v != nil {
		t[key] = *v
	}
}
