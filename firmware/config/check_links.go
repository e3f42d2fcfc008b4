package config

import (
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// linkTypes are the types there are, for people.
var linkTypes = []string{LinkIP, LinkS5066}

const day = 24 * time.Hour

func (k *checker) links() {
	for i := range k.c.Links {
		l, at := &k.c.Links[i], fmt.Sprintf("link[%d]", i)
		if k.name(at+".name", l.Name) {
			for j := range i {
				if k.c.Links[j].Name == l.Name {
					k.bad(at+".name", "give one of them another name", "another link is called %q too%s", l.Name, k.on(fmt.Sprintf("link[%d].name", j)))
					break
				}
			}
		}
		if !slices.Contains(linkTypes, l.Type) {
			k.bad(at+".type", "the types are: "+strings.Join(linkTypes, ", "), "this version has no links of type %q", l.Type)
			continue
		}
		k.linkForeign(at, l)
		k.linkAir(at, l)
		k.size(at+".max_stanza", l.MaxStanza, 10000, 64<<20) // RFC 6120 §13.12
		if l.Type == LinkS5066 {
			k.linkS5066(i)
			continue
		}
		k.linkWays(at, l)
		k.linkTalk(at, l)
		k.linkTLS(at, l)
		if l.Listen {
			k.listen(at+".local_port", net.JoinHostPort(l.LocalAddress, strconv.Itoa(l.LocalPort)), l.Name)
			k.twins(i)
		}
	}
}

// name checks the name of a link or peer: it stands in logs, commands and file records.
func (k *checker) name(path, name string) bool {
	switch {
	case name == "":
		k.bad(path, `give it one, as in name = "IP link hq-2-field"`, "it has no name")
	case len(name) > 100 || strings.TrimSpace(name) != name || strings.ContainsFunc(name, unicode.IsControl):
		k.bad(path, "use at most 100 letters, without line breaks or blanks at the ends", "%q will not do as a name", name)
	default:
		return true
	}
	return false
}

// on is " (line 12)" for what stands in the file.
func (k *checker) on(path string) string {
	if line := k.c.lineOf(path); line > 0 {
		return fmt.Sprintf(" (line %d)", line)
	}
	return ""
}

// linkWays: who opens the connection, and from where.
func (k *checker) linkWays(at string, l *Link) {
	if l.RemoteAddress != "" && !validHost(l.RemoteAddress) {
		k.bad(at+".remote_address", "write an IP address or a host name; the port goes to remote_port", "%q is not an address", l.RemoteAddress)
	}
	if l.LocalAddress != "" && !validHost(l.LocalAddress) {
		k.bad(at+".local_address", "write an IP address of this machine; the port goes to local_port", "%q is not an address", l.LocalAddress)
	} else {
		k.number(at+".local_port", l.LocalPort, 0, 65535)
	}
	k.number(at+".remote_port", l.RemotePort, 1, 65535)
	k.number(at+".source_port", l.SourcePort, 0, 65535)
	switch {
	case !l.Dial && !l.Listen:
		k.bad(at, "set dial = true, or listen = true, or both", "link %q neither dials nor listens", l.Name)
	case l.Dial && l.RemoteAddress == "":
		k.bad(at, "set remote_address, or dial = false", "link %q has nowhere to dial", l.Name)
	case l.Listen && l.RemoteAddress == "" && l.TLS == TLSOff:
		// XEP-0361 §2.1 leaves the address as the only identity when there is no TLS.
		k.bad(at, `set remote_address, or tls = "direct" with pin_sha256`, "link %q cannot tell its peer from a stranger", l.Name)
	case l.Listen && l.TLS == TLSOff && l.SourcePort == 0 && !loopbackHost(l.RemoteAddress):
		k.warn(at, `use tls = "direct" with pin_sha256, or source_port, unless the path itself is protected`,
			"link %q takes any program at %s for the peer", l.Name, l.RemoteAddress)
	}
	if l.SourcePort != 0 && !l.Listen {
		k.bad(at+".source_port", "set listen = true, or leave it out", "it says whence connections are accepted, but the link does not listen")
	}
}

// linkTalk: what would be negotiated on an ordinary stream.
func (k *checker) linkTalk(at string, l *Link) {
	k.oneOf(at+".stream_management", l.StreamManagement, SMPipelined, SMImplicit, SMOff)
	if l.ZeroRTT && l.StreamManagement != SMPipelined {
		k.bad(at+".zero_rtt", `set stream_management = "pipelined", or zero_rtt = false`, "only pipelined stream management can resume without waiting")
	}
	k.number(at+".ack_every", l.AckEvery, 1, 1000)
	k.duration(at+".ack_idle", l.AckIdle, 100*time.Millisecond, day)
	k.duration(at+".ack_timeout", l.AckTimeout, time.Second, day)
	k.duration(at+".resume_max", l.ResumeMax, time.Second, 365*day)
	k.duration(at+".backoff_min", l.BackoffMin, 10*time.Millisecond, day)
	k.duration(at+".backoff_max", l.BackoffMax, l.BackoffMin, 7*day)
	k.duration(at+".idle_close", l.IdleClose, 0, 365*day)
}

func (k *checker) linkTLS(at string, l *Link) {
	k.oneOf(at+".tls", l.TLS, TLSOff, TLSDirect)
	if l.TLS == TLSDirect && len(l.PinSHA256) == 0 {
		k.bad(at+".tls", "set pin_sha256 to the fingerprint that 'longwire status' shows on the other node", "nothing says which certificate the peer has")
	}
	if l.TLS == TLSOff && len(l.PinSHA256) > 0 {
		k.bad(at+".pin_sha256", `set tls = "direct", or leave the pins out`, "certificates are only shown under TLS")
	}
	for i, pin := range l.PinSHA256 {
		if len(pin) != 64 || strings.Trim(pin, "0123456789abcdef") != "" {
			k.bad(fmt.Sprintf("%s.pin_sha256[%d]", at, i), "copy the 64 hex digits that 'longwire status' shows on the other node", "%q is not a SHA-256 fingerprint", pin)
		}
	}
}

// twins finds earlier links that listen on the same port and whose peers could not be told apart there.
func (k *checker) twins(i int) {
	l, at := &k.c.Links[i], fmt.Sprintf("link[%d]", i)
	for j := range i {
		m, other := &k.c.Links[j], fmt.Sprintf("link[%d]", j)
		if !m.Listen || m.Type != l.Type ||
			!overlap(binding{host: l.LocalAddress, port: l.LocalPort}, binding{host: m.LocalAddress, port: m.LocalPort}) {
			continue
		}
		who := fmt.Sprintf("link %q%s", m.Name, k.on(other))
		switch {
		case l.TLS != m.TLS:
			k.bad(at+".tls", "give one of them another local_port", "%s shares this port with other tls", who)
		case l.TLS == TLSDirect && slices.ContainsFunc(l.PinSHA256, func(p string) bool { return slices.Contains(m.PinSHA256, p) }):
			k.bad(at+".pin_sha256", "give one of them another local_port, or its peer another certificate", "%s has the same pin, so their connections cannot be told apart", who)
		case l.TLS == TLSOff && l.RemoteAddress != "" && sameHost(l.RemoteAddress, m.RemoteAddress) &&
			(l.SourcePort == m.SourcePort || l.SourcePort == 0 || m.SourcePort == 0):
			k.bad(at+".remote_address", `set a source_port on both, or tls = "direct" with pin_sha256, or another local_port`,
				"%s has the same remote_address, so their connections cannot be told apart", who)
		}
	}
}

func (k *checker) peers() {
	users, owners, names := map[string]int{}, map[string]int{}, map[string]int{}
	for i := range k.c.Peers {
		p, at := &k.c.Peers[i], fmt.Sprintf("peer[%d]", i)
		if len(p.Domains) == 0 {
			k.bad(at+".domains", `name them, as in ["field.net"]`, "peer %q has no domain", p.Name)
		} else if k.name(at+".name", p.Name) {
			if j, taken := names[p.Name]; taken {
				k.bad(at+".name", "give one of them another name", "another peer is called %q too%s", p.Name, k.on(fmt.Sprintf("peer[%d].name", j)))
			}
			names[p.Name] = i
		}
		k.peerDomains(i, owners)
		k.peerLinks(i, users)
		k.peerS5066(i)
		k.peerCodec(i)
		k.peerFailover(i)
		k.peerFold(i)
		k.peerFederation(i)
		k.number(at+".queue_entries", p.QueueEntries, 10, 1e7)
		k.size(at+".queue_bytes", p.QueueBytes, 65536, 1<<40)
		k.duration(at+".lifetimes.message", p.Lifetimes.Message, 0, 3650*day)
		k.duration(at+".lifetimes.groupchat", p.Lifetimes.Groupchat, 0, 3650*day)
		k.duration(at+".lifetimes.presence", p.Lifetimes.Presence, 0, 3650*day)
		k.duration(at+".lifetimes.iq", p.Lifetimes.IQ, time.Second, 30*day)
	}
	for i, l := range k.c.Links {
		if _, used := users[l.Name]; !used && l.Name != "" {
			k.warn(fmt.Sprintf("link[%d]", i), fmt.Sprintf("name it in the links of a [[peer]], as in links = [%q]", l.Name), "no peer uses link %q", l.Name)
		}
	}
}

// peerDomains: a domain lives in one place.
func (k *checker) peerDomains(i int, owners map[string]int) {
	p, at := &k.c.Peers[i], fmt.Sprintf("peer[%d]", i)
	k.domains(at+".domains", p.Domains)
	for j, d := range p.Domains {
		path := fmt.Sprintf("%s.domains[%d]", at, j)
		if slices.Contains(k.c.Domains, d) {
			k.bad(path, "take it out here or from domains"+k.on("domains"), "%s is a domain of this node", d)
		}
		if slices.Contains(k.c.RoomService.Domains, d) {
			k.bad(path, "take it out here or from the domains below [rooms]"+k.on("rooms.domains"), "%s is where this node's rooms are", d)
		}
		if o, taken := owners[d]; taken && o != i {
			// Spec xmpp.md 2.3: two peers claiming one domain are refused.
			k.bad(path, "leave it with one of them", "%s is claimed by peer %q too%s", d, k.c.Peers[o].Name, k.on(fmt.Sprintf("peer[%d].domains", o)))
			continue
		}
		owners[d] = i
	}
	for j, d := range p.LocalDomains {
		if !slices.Contains(k.c.OurDomains(), d) {
			k.bad(fmt.Sprintf("%s.local_domains[%d]", at, j), "ours are: "+strings.Join(k.c.OurDomains(), ", "), "%s is not a domain of this node", d)
		}
	}
}

func (k *checker) peerLinks(i int, users map[string]int) {
	p, at := &k.c.Peers[i], fmt.Sprintf("peer[%d]", i)
	if len(p.Links) == 0 {
		k.bad(at+".links", "name a [[link]], as in links = [\"IP link hq-2-field\"]", "no link reaches peer %q", p.Name)
	}
	for j, name := range p.Links {
		path := fmt.Sprintf("%s.links[%d]", at, j)
		l := k.c.Link(name)
		if l == nil {
			k.bad(path, k.knownLinks(name), "there is no link %q", name)
			continue
		}
		if o, used := users[name]; used && o != i && l.Type == LinkIP {
			k.bad(path, "give each peer a link of its own, or put all domains into one peer", "link %q belongs to peer %q already%s", name, k.c.Peers[o].Name, k.on(fmt.Sprintf("peer[%d].links", o)))
			continue
		}
		users[name] = i
	}
}

func (k *checker) knownLinks(name string) string {
	best, least := "", 1+max(1, len(name)/3)
	var all []string
	for _, l := range k.c.Links {
		all = append(all, fmt.Sprintf("%q", l.Name))
		if n := distance(name, l.Name); n < least {
			best, least = l.Name, n
		}
	}
	switch {
	case best != "":
		return fmt.Sprintf("did you mean %q?", best)
	case len(all) == 0:
		return "add a [[link]] with that name"
	}
	return "the links are: " + strings.Join(all, ", ")
}
