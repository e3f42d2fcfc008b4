package config

import (
	"fmt"
	"net"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"longwire/links/sis"
)

// linkForeign refuses settings of the other type, which would silently do nothing.
func (k *checker) linkForeign(at string, l *Link) {
	t := reflect.TypeFor[Link]()
	for i := range t.NumField() {
		if f := t.Field(i); f.Tag.Get("for") != "" && f.Tag.Get("for") != l.Type && k.c.set(at+"."+keyOf(f)) {
			k.bad(at+"."+keyOf(f), fmt.Sprintf("take it out, or set type = %q", f.Tag.Get("for")),
				"%s belongs to type %s, and this link is of type %s", keyOf(f), f.Tag.Get("for"), l.Type)
		}
	}
}

// linkS5066 checks a link by a STANAG 5066 server.
func (k *checker) linkS5066(i int) {
	l, at := &k.c.Links[i], fmt.Sprintf("link[%d]", i)
	server, err := ParseServer(l.Server)
	if err != nil {
		k.bad(at+".server", serverRemedy, "%v", err)
	}
	if usual := DefaultLink("").ServerBaud; l.ServerBaud != usual && err == nil && server.Network != ServerSerial {
		k.bad(at+".server_baud", `take it out, or name a port, as in server = "serial:/dev/ttyUSB0"`, "the SIS server is not reached by a serial port")
	}
	k.number(at+".server_baud", l.ServerBaud, 300, 4e6)
	k.number(at+".sap", l.SAP, 0, 15)
	k.number(at+".rank", l.Rank, 0, 14) // S5066 A: 15 is for who manages the server
	k.address(at+".local_5066_address", l.Local5066Address, fmt.Sprintf("link %q has", l.Name))
	k.duration(at+".ttl", l.TTL, 2*time.Second, sis.MaxTTL.Duration())
	k.duration(at+".ack_delay", l.AckDelay, time.Second, day)
	if k.number(at+".time_scale", l.TimeScale, 1, 1000); l.TimeScale > 1 {
		k.warn(at+".time_scale", "take it out if the radio is real", "link %q expects a simulated radio whose time runs %d times as fast", l.Name, l.TimeScale)
	}
	for _, p := range []struct {
		key string
		n   int
	}{{"message", l.Priority.Message}, {"groupchat", l.Priority.Groupchat}, {"iq", l.Priority.IQ}, {"presence", l.Priority.Presence},
		{"receipt", l.Priority.Receipt}, {"chat_state", l.Priority.State}} {
		k.number(at+".priority."+p.key, p.n, 0, 15)
	}
	for j := range i {
		m := &k.c.Links[j]
		other, err2 := ParseServer(m.Server)
		if m.Type != LinkS5066 || err != nil || err2 != nil || other != server {
			continue
		}
		if server.Network == ServerSerial {
			k.bad(at+".server", "give the peers of both to one link, or name another line", "link %q%s has that line, which carries one client",
				m.Name, k.on(fmt.Sprintf("link[%d].server", j)))
		} else if m.SAP == l.SAP {
			k.bad(at+".sap", "give the peers of both to one link, or choose another SAP on both sides", "link %q%s has SAP %d of that server",
				m.Name, k.on(fmt.Sprintf("link[%d].sap", j)), l.SAP)
		}
	}
}

// address checks the STANAG 5066 address of one station.
func (k *checker) address(path, text, who string) (a sis.Address, ok bool) {
	const remedy = `write four numbers, as in "1.1.0.1"`
	if text == "" {
		k.bad(path, remedy, "%s no %s", who, path[strings.LastIndexByte(path, '.')+1:])
		return 0, false
	}
	a, err := sis.ParseAddress(text)
	switch {
	case err != nil:
		k.bad(path, remedy+", from 0.0.0.1 to 15.255.255.255", "%q is not a STANAG 5066 address", text)
	case a.Group():
		k.bad(path, "the first number of a station is 15 at most", "%s is the address of a group of stations", text)
	case a.Number() == 0:
		k.bad(path, remedy, "%s is nobody's address", text)
	default:
		return a.Canonical(), true
	}
	return 0, false
}

// peerS5066 checks what a link of type s5066 needs to know of a peer.
func (k *checker) peerS5066(i int) {
	p, at := &k.c.Peers[i], fmt.Sprintf("peer[%d].s5066", i)
	radios := k.c.radios(p)
	if len(radios) == 0 {
		if links := k.c.linksOf(p); len(links) > 0 && k.c.set(at) {
			k.warn(at, "take it out, or give the peer a link of type s5066", "peer %q is reached by link %q of type %s, which does not look at this", p.Name, links[0].Name, links[0].Type)
		}
		return
	}
	for _, l := range radios {
		k.peerAddress(i, l)
	}
	s := &p.S5066
	k.oneOf(at+".mapping", s.Mapping, MappingRCOP, MappingLongwire)
	k.oneOf(at+".confirm", s.Confirm, ConfirmClient, ConfirmNode)
	k.oneOf(at+".delivery", s.Delivery, DeliveryARQ, DeliveryNonARQ)
	k.number(at+".connection_id", s.ConnectionID, 0, 15)
	k.number(at+".application_id", s.ApplicationID, 0, 0xffff)
	k.number(at+".repeats", s.Repeats, 0, 15)
	// What is written out and is the default does no harm.
	usual := DefaultPeer("").S5066
	for _, x := range []struct {
		key, mapping string
		other        bool
	}{
		{"connection_id", MappingRCOP, s.ConnectionID != usual.ConnectionID},
		{"application_id", MappingRCOP, s.ApplicationID != usual.ApplicationID},
		{"confirm", MappingRCOP, s.Confirm != usual.Confirm},
		{"delivery", MappingLongwire, s.Delivery == DeliveryNonARQ},
	} {
		if x.other && s.Mapping != x.mapping {
			k.bad(at+"."+x.key, fmt.Sprintf("take it out, or set mapping = %q", x.mapping), "this belongs to the mapping %s", x.mapping)
		}
	}
	if s.Repeats != usual.Repeats && s.Delivery != DeliveryNonARQ {
		k.bad(at+".repeats", `take it out, or set delivery = "non-arq"`, "with arq a piece is repeated until it has arrived")
	}
}

// peerAddress: the address is how peers on one link are told apart.
func (k *checker) peerAddress(i int, l *Link) {
	p, at := &k.c.Peers[i], fmt.Sprintf("peer[%d].s5066.remote_5066_address", i)
	if p.S5066.Remote5066Address == "" && p.Invited() {
		return // learned from the kit
	}
	a, ok := k.address(at, p.S5066.Remote5066Address, fmt.Sprintf("peer %q, reached by link %q, has", p.Name, l.Name))
	if !ok {
		return
	}
	if own, err := sis.ParseAddress(l.Local5066Address); err == nil && own.Canonical() == a {
		k.bad(at, "write the address of the other side's SIS server", "%s is the local_5066_address of link %q", p.S5066.Remote5066Address, l.Name)
	}
	for j := range i {
		q := &k.c.Peers[j]
		if other, err := sis.ParseAddress(q.S5066.Remote5066Address); err == nil && other.Canonical() == a && slices.Contains(q.Links, l.Name) {
			k.bad(at, "put all domains into one peer, or correct one of the addresses", "peer %q%s has the same address on link %q",
				q.Name, k.on(fmt.Sprintf("peer[%d].s5066.remote_5066_address", j)), l.Name)
		}
	}
}

// Ways to a SIS server.
const (
	ServerTCP    = "tcp"
	ServerSerial = "serial"
	ServerVsock  = "vsock"
)

// A Server says where a SIS server is: "host:port" by TCP, a device's path by serial line, "CID:port" by vsock.
type Server struct{ Network, Address string }

const serverRemedy = `write "host:port", "serial:/dev/ttyUSB0" or "vsock:2:5066"`

// ParseServer reads Link.Server.
func ParseServer(text string) (Server, error) {
	fault := fmt.Errorf("%q does not say where the SIS server is", text)
	if path, ok := strings.CutPrefix(text, "serial:"); ok {
		if !strings.HasPrefix(path, "/") {
			return Server{}, fault
		}
		return Server{ServerSerial, path}, nil
	}
	if rest, ok := strings.CutPrefix(text, "vsock:"); ok {
		cid, port, both := strings.Cut(rest, ":")
		if number, ok := map[string]string{"local": "1", "host": "2"}[cid]; ok {
			cid = number
		}
		if !both {
			port = strconv.Itoa(sis.DefaultPort)
		}
		// A CID and a port of a vsock have 32 bits.
		c, err1 := strconv.ParseUint(cid, 10, 32)
		n, err2 := strconv.ParseUint(port, 10, 32)
		if err1 != nil || err2 != nil {
			return Server{}, fault
		}
		return Server{ServerVsock, fmt.Sprintf("%d:%d", c, n)}, nil
	}
	host, port, err := net.SplitHostPort(text)
	if err != nil { // no port
		host, port = strings.TrimSuffix(strings.TrimPrefix(text, "["), "]"), strconv.Itoa(sis.DefaultPort)
	}
	if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 || !validHost(host) {
		return Server{}, fault
	}
	return Server{ServerTCP, net.JoinHostPort(host, port)}, nil
}
