package main

import (
	"slices"
	"strings"
)

// rule says what one room may import of ours. The first rule whose room holds the importing package decides.
type rule struct {
	room string   // "xmpp/jid", or "xmpp": it and all below it
	may  []string // rooms
	not  []string // of these, not
	why  string   // the rule in words
}

// Tier 1 of xmpp: vocabulary.
var tier1 = []string{"xmpp/jid", "xmpp/markup", "xmpp/stanza", "xmpp/stream", "xmpp/sasl", "xmpp/sm", "xmpp/forms", "xmpp/rsm"}

// Rooms of links that know nothing of their siblings.
var pure = []string{"links/sis", "links/cas", "links/codec", "links/dts", "links/fold", "links/deflate", "links/plan", "links/meter", "links/pair", "links/forecast"}

// ofLinks is what links may import.
var ofLinks = []string{"store", "links", "xmpp/jid", "xmpp/markup", "xmpp/stanza", "xmpp/stream", "xmpp/sm"}

const linksWhy = "links import store and of xmpp only jid, markup, stanza, stream, sm; they meet the rest of xmpp at a queue in store"

// rules is the table of the style guide's section 4.1, the special rooms before the general ones.
func rules() []rule {
	var rs []rule
	for _, room := range []string{"store", "board", "images"} {
		rs = append(rs, rule{room, []string{room}, nil, room + " imports nothing of ours"})
	}
	rs = append(rs, rule{"xmpp/terse", append(slices.Clone(tier1), "xmpp/terse"), nil, "xmpp/terse is pure, so that tools can do what the node does: of ours it imports tier 1 of xmpp only"})
	for _, room := range tier1 {
		rs = append(rs, rule{room, tier1, nil, "tier 1 of xmpp is vocabulary and imports tier 1 only"})
	}
	low := append(slices.Clone(tier1), "store")
	rs = append(rs,
		rule{"xmpp/router", low, nil, "xmpp/router is tier 2 and imports tier 1 and store"},
		rule{"xmpp/local", append(slices.Clone(low), "xmpp/router"), nil, "xmpp/local stands on the router; services bind themselves to it, not it to them"},
		rule{"xmpp/c2s", []string{"store", "xmpp"}, []string{"xmpp/s2s"}, "c2s and s2s meet at the router"},
		rule{"xmpp/s2s", []string{"store", "xmpp"}, []string{"xmpp/c2s"}, "c2s and s2s meet at the router"},
		rule{"xmpp/fmuc/fmuctest", []string{"store", "xmpp"}, []string{"xmpp/c2s"}, "a world of whole nodes for tests has peers, but no sessions"},
		rule{"xmpp", []string{"store", "xmpp"}, []string{"xmpp/c2s", "xmpp/s2s"},
			"xmpp imports store and xmpp only; it meets links at a queue in store and at a function value from firmware/node, and services do not know sessions or peers"},
	)
	for _, room := range pure {
		may, why := []string{room}, room+" is pure: no sibling, no XMPP, no store"
		switch room {
		case "links/cas":
			may = append(may, "links/dts")
		case "links/codec":
			// Stanzas are what it codes, and links/deflate is what its data and its second method are packed with.
			may, why = append(may, "links/deflate", "xmpp/jid", "xmpp/markup", "xmpp/stanza"), room+" is pure: no store, no sibling but deflate, and of xmpp only jid, markup, stanza"
		case "links/fold":
			// What it takes out of stanzas has names in their vocabulary; a copy of it here would be a second one.
			may, why = append(may, "xmpp/jid", "xmpp/markup", "xmpp/stanza", "xmpp/stream"), room+" is pure: no sibling, no store, and of xmpp only jid, markup, stanza, stream"
		}
		rs = append(rs, rule{room, may, nil, why})
	}
	rs = append(rs,
		rule{"links/custody", []string{"links/custody", "store"}, nil, "links/custody keeps records in store and knows no kind of link"},
		rule{"links/ip", ofLinks, []string{"links/s5066"}, linksWhy + ", and one kind of link knows nothing of another"},
		rule{"links/s5066", ofLinks, []string{"links/ip"}, linksWhy + ", and one kind of link knows nothing of another"},
		rule{"links", ofLinks, nil, linksWhy},
		// board: tools/s5066d is shipped, and opens serial lines and outputs itself.
		rule{"tools", []string{"board", "images", "links", "store", "xmpp", "tools"}, nil, "tools never import firmware"},
		rule{"firmware/config", []string{"firmware/config", "xmpp", "links/sis", "links/pair", "links/fold", "links/plan"}, nil, "firmware/config only knows settings and addresses, of XMPP and of STANAG 5066, how keys and tokens are written, and the words of folding and of the choice of links, both pure"},
		rule{"firmware/supervise", []string{"firmware/supervise"}, nil, "firmware/supervise keeps any tasks running and knows none"},
		rule{"firmware", []string{"firmware", "board", "images", "links", "store", "xmpp"}, nil, "firmware imports everything but tools"},
	)
	return rs
}

// door says where a library may be imported: one dependency, one door. A second door needs its reason here.
type door struct {
	library string
	rooms   []string
}

func doors() []door {
	return []door{
		{"go.etcd.io/bbolt", []string{"store"}},
		// images/bundle: what travels on a stick is no record of the store, and neither room knows the other.
		{"github.com/fxamacker/cbor", []string{"store", "images/bundle"}},
		// Signatures, sealing and compression of what a kit takes from a stick: one container, one room.
		{"github.com/veraison/go-cose", []string{"images/bundle"}},
		{"filippo.io/age", []string{"images/bundle"}},
		{"github.com/klauspost/compress", []string{"images/bundle"}},
		// tools/s5066d: a program of its own, that is shipped without the firmware, and no tool imports that.
		// tools/twin: it reads and writes the files of all of them, for machines that it is not on.
		{"github.com/pelletier/go-toml", []string{"firmware/config", "tools/s5066d", "tools/twin"}},
		{"github.com/coreos/go-systemd", []string{"firmware/supervise", "tools/s5066d"}},
		{"github.com/xdg-go/stringprep", []string{"xmpp/sasl"}},
		{"golang.org/x/text", []string{"xmpp/jid"}},
		// firmware/identity: certificates name domains by A-labels, which addresses do not have.
		{"golang.org/x/net", []string{"xmpp/jid", "firmware/identity"}},
		// The other half of package syscall, wherever the system itself is asked.
		{"golang.org/x/sys", []string{"store", "board", "links", "firmware", "tools"}},
		{"github.com/tarm/serial", []string{"board"}},
		// The firewall in the kernel, and the socket below it, which needs a deadline.
		{"github.com/google/nftables", []string{"firmware/host"}},
		{"github.com/mdlayher/netlink", []string{"firmware/host"}},
		{"github.com/mdlayher/vsock", []string{"links/vsock"}},
		{"golang.org/x/sync", []string{"tools"}},
		// The console's screen.
		{"charm.land", []string{"tools/s5066con"}},
		// Foreign XMPP libraries are the other side in tests and demonstrations, never part of the product.
		{"mellium.im", []string{"tools"}},
	}
}

// within tells whether a package lies in a room.
func within(pkg, room string) bool {
	return pkg == room || strings.HasPrefix(pkg, room+"/")
}

func anyRoom(pkg string, rooms []string) bool {
	return slices.ContainsFunc(rooms, func(r string) bool { return within(pkg, r) })
}
