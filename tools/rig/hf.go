package rig

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// An HFLink is a node's link of type s5066 and the peers that it reaches.
type HFLink struct {
	Name    string
	Server  string         // host:port of its SIS server
	Address string         // STANAG 5066 address of that
	Scale   int            // of the simulated radio's time; 0: 1
	Keys    map[string]any // further keys of [[link]]
	Peers   []HFPeer
}

// An HFPeer is a node at the other end of the air.
type HFPeer struct {
	Domains  []string
	Address  string
	Mapping  string         // "" means longwire
	Before   []string       // links that are preferred to this one
	Failover map[string]any // [peer.failover]
	Keys     map[string]any // further keys of [[peer]]
	S5066    map[string]any // further keys of [peer.s5066]
}

func (l HFLink) toml() string {
	var b strings.Builder
	put := func(key string, value any) { fmt.Fprintf(&b, "%s = %s\n", key, literal(value)) }
	keys := func(m map[string]any) {
		for _, k := range slices.Sorted(maps.Keys(m)) {
			put(k, m[k])
		}
	}
	b.WriteString("\n[[link]]\n")
	put("name", l.Name)
	put("type", "s5066")
	put("server", l.Server)
	put("local_5066_address", l.Address)
	if l.Scale > 1 {
		put("time_scale", l.Scale)
	}
	keys(l.Keys)
	for _, p := range l.Peers {
		b.WriteString("\n[[peer]]\n")
		put("domains", p.Domains)
		put("links", append(slices.Clip(p.Before), l.Name))
		keys(idsKept(p.Keys))
		mapping := p.Mapping
		if mapping == "" {
			mapping = "longwire"
		}
		if len(p.Failover) > 0 {
			b.WriteString("[peer.failover]\n")
			keys(p.Failover)
		}
		b.WriteString("[peer.s5066]\n")
		put("remote_5066_address", p.Address)
		put("mapping", mapping)
		keys(p.S5066)
	}
	return b.String()
}

// idsKept are keys of [[peer]] that leave ids as clients gave them, unless they say otherwise: by those the tests know at the far side what was sent.
func idsKept(keys map[string]any) map[string]any {
	const ids = "fold.shorten_ids"
	if _, said := keys[ids]; said {
		return keys
	}
	kept := map[string]any{ids: false}
	maps.Copy(kept, keys)
	return kept
}
