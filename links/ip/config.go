// Package ip is the link over TCP or TLS without any handshake of XMPP's own: XEP-0361.
//
// What a connection carries is XML, plain or as a zlib stream, as the configuration says and any peer understands. Between two Longwire nodes that both
// have a stanza codec it is blocks (links/ip/block), by the best that both have; see Agreement for how that is found without a handshake.
//
//	pump -> Session.Send -> XML [-> deflate] -------- or -------- block.Writer (codec model) -> TCP
//	pump <- Session.Recv <- stream.Reader <- XML [<- deflate] --- or --- block.Reader <- ear, by the first byte <- TCP
//
// Choice: a codec's history is the connection's. To go on from that of the one before, as links/s5066/frame does, would save 66 bytes of the first message
// and receipt of a connection (21 with the people's names provisioned), less what it takes to say where one goes on; TCP's own opening and end take 320.
// And a side that was restarted has nothing to go on from, which would cost a connection to find out.
package ip

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"longwire/links"
	"longwire/links/codecs"
)

// DefaultPort is where such links listen by custom; XEP-0361 names none.
const DefaultPort = 65510

const (
	keepAlive        = 300 * time.Second // RFC 1122 §4.2.3.6; on a bad path rather seldom
	handshakeTimeout = 10 * time.Minute  // of TLS; on a bad path it takes its time
)

// Config is one link to one peer: everything that would be negotiated on an ordinary stream. Zero fields mean the default.
type Config struct {
	Name string // of the link
	Peer string // whose queue it empties

	RemoteAddr string // address or host name; where to dial, and where connections must come from
	RemotePort int    // 65510
	LocalAddr  string // of the listener and of dialled connections; default: all
	LocalPort  int    // 65510
	Dial       bool
	Listen     bool
	SourceAny  bool // do not look at the address that connections come from
	SourcePort int  // the port that they must come from; 0: any

	Compress         bool
	StreamManagement string // "pipelined" (default), "implicit", "off"
	ZeroRTT          bool   // the peer is a Longwire node: resume without waiting, and compress for its inflater

	// Methods are the codecs that stanzas may be coded by, the best first, on a link to a Longwire node that has some; none: XML. A change of them
	// begins the link anew.
	Methods []codecs.Method

	// TLS, when set, is spoken from the first byte, with certificates of both sides. It is used by both roles: Certificates are ours;
	// VerifyConnection or VerifyPeerCertificate must accept none but the peer's. Several links on a port are told apart by which accepts;
	// they must have the same Certificates. Links of equal TLSName are taken to have the same TLS when a new configuration is applied.
	TLS     *tls.Config
	TLSName string

	MaxStanza  int           // 65536
	AckEvery   int           // 8 stanzas
	AckIdle    time.Duration // 60 s
	AckTimeout time.Duration // 120 s
	ResumeMax  time.Duration // 24 h
	IdleClose  time.Duration // 0: never
	BackoffMin time.Duration // 5 s
	BackoffMax time.Duration // 300 s

	Rate int // bit/s, for what things cost; 0: not known

	Domains      []string // the peer's
	LocalDomains []string // ours that it may talk to
}

func (c Config) orDefault() Config {
	if c.RemotePort == 0 {
		c.RemotePort = DefaultPort
	}
	if c.LocalPort == 0 {
		c.LocalPort = DefaultPort
	}
	if c.StreamManagement == "" {
		c.StreamManagement = "pipelined"
	}
	if c.AckTimeout <= 0 {
		c.AckTimeout = 120 * time.Second
	}
	return c
}

var managements = map[string]links.Management{"pipelined": links.Pipelined, "implicit": links.Implicit, "off": links.Off}

// pump is the part of the configuration that is the same for every kind of link.
func (c Config) pump() links.Config {
	first := func(s []string) string {
		if len(s) == 0 {
			return ""
		}
		return s[0]
	}
	return links.Config{
		Link: c.Name, Peer: c.Peer, Management: managements[c.StreamManagement], ZeroRTT: c.ZeroRTT, Dial: c.Dial,
		AckEvery: c.AckEvery, AckIdle: c.AckIdle, AckTimeout: c.AckTimeout, ResumeMax: c.ResumeMax, IdleClose: c.IdleClose,
		BackoffMin: c.BackoffMin, BackoffMax: c.BackoffMax, Rate: c.Rate, LocalDomain: first(c.LocalDomains), PeerDomain: first(c.Domains),
	}
}

// same tells whether a connection made under c is as good under d.
func (c Config) same(d Config) bool {
	if (c.TLS == nil) != (d.TLS == nil) {
		return false
	}
	if !slices.EqualFunc(c.Methods, d.Methods, func(a, b codecs.Method) bool { return a.Codec == b.Codec }) {
		return false
	}
	c.TLS, d.TLS, c.Methods, d.Methods = nil, nil, nil, nil
	return reflect.DeepEqual(c, d)
}

func (c Config) local() string { return net.JoinHostPort(c.LocalAddr, strconv.Itoa(c.LocalPort)) }

func (c Config) remote() string { return net.JoinHostPort(c.RemoteAddr, strconv.Itoa(c.RemotePort)) }

// Check finds what cannot work, in one link or between several; all of it, joined.
func Check(configs []Config) error {
	var faults []error
	bad := func(c Config, format string, args ...any) {
		faults = append(faults, fmt.Errorf("links/ip: link %q: %w", c.Name, fmt.Errorf(format, args...)))
	}
	names := map[string]bool{}
	for i, c := range configs {
		c = c.orDefault()
		if c.Name == "" || c.Peer == "" {
			bad(c, "it needs a name and a peer")
		}
		if names[c.Name] {
			bad(c, "there are two of that name")
		}
		names[c.Name] = true
		if !c.Dial && !c.Listen {
			bad(c, "it neither dials nor listens")
		}
		if c.RemoteAddr == "" && c.Dial {
			bad(c, "it has no address to dial")
		}
		if c.RemoteAddr == "" && !c.SourceAny && c.Listen {
			bad(c, "it has no address that connections must come from")
		}
		if c.Listen && c.SourceAny && c.TLS == nil && c.SourcePort == 0 {
			bad(c, "anyone could connect: without TLS the address is all there is") // XEP-0361 §4.4
		}
		for _, port := range []int{c.RemotePort, c.LocalPort, c.SourcePort} {
			if port < 0 || port > 65535 {
				bad(c, "there is no port %d", port)
			}
		}
		if _, ok := managements[c.StreamManagement]; !ok {
			bad(c, "there is no stream management %q", c.StreamManagement)
		} else if c.ZeroRTT && c.StreamManagement != "pipelined" {
			bad(c, "resuming without waiting needs pipelined stream management")
		}
		for _, o := range configs[:i] {
			if o = o.orDefault(); o.ambiguous(c) {
				bad(c, "connections for it could be for link %q as well: give them source ports, or TLS", o.Name)
			}
		}
	}
	return errors.Join(faults...)
}

// ambiguous tells whether a connection could be meant for either link.
func (c Config) ambiguous(d Config) bool {
	if !c.Listen || !d.Listen || c.LocalPort != d.LocalPort || c.LocalAddr != d.LocalAddr && c.LocalAddr != "" && d.LocalAddr != "" {
		return false
	}
	if !c.SourceAny && !d.SourceAny && !sameHost(c.RemoteAddr, d.RemoteAddr) {
		return false
	}
	if c.SourcePort != d.SourcePort && c.SourcePort != 0 && d.SourcePort != 0 {
		return false
	}
	return c.TLS == nil || d.TLS == nil // two with TLS are told apart by certificate
}

func sameHost(a, b string) bool {
	x, err1 := netip.ParseAddr(a)
	y, err2 := netip.ParseAddr(b)
	if err1 == nil && err2 == nil {
		return x.Unmap() == y.Unmap()
	}
	return strings.EqualFold(strings.TrimSuffix(a, "."), strings.TrimSuffix(b, "."))
}
