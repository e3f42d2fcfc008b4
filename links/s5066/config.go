// Package s5066 is the link over STANAG 5066: XEP-0365. A link is one SAP at a SIS server, and serves any number of peers.
//
// Each peer has a mapping, which is how its stanzas cross the link: rcop, one stanza at a time as XEP-0365 has it, for any server; or longwire,
// frames of many stanzas between two Longwire nodes. Between bind and mapping may stand a pairing, by which a kit introduces itself to its headquarters.
package s5066

import (
	"reflect"
	"slices"
	"time"

	"longwire/links/codecs"
	"longwire/links/pair"
	"longwire/links/sis"
	"longwire/store"
)

// Mappings.
const (
	RCOP     = "rcop"     // XEP-0365 v0.2.1
	Longwire = "longwire" // ours, between two Longwire nodes that both chose it
)

// Values of PeerConfig.Confirm and Delivery.
const (
	ConfirmNode   = "node"
	ConfirmClient = "client"
	DeliveryARQ   = "arq"
	DeliveryNoARQ = "non-arq"
)

// DefaultSAP is where XMPP is looked for. XEP-0365 §4.1 (v0.3); S5066 F, table of SAPs, has RCOP there.
const DefaultSAP = 6

// DefaultAppID is the RCOP application. Choice: none is registered for XMPP; this is the first of those for users.
const DefaultAppID = 0x8001

// A Server is where the SIS server is.
type Server struct {
	Network string // "tcp" (default), "serial", "vsock"
	Address string // "host:port", a device, "CID:port"
	Baud    int    // serial
}

// Config is one link. Zero fields mean the default, but for SAP and Rank, of which 0 is one.
type Config struct {
	Name         string
	Server       Server
	SAP, Rank    uint8
	LocalAddress sis.Address // of our node
	Compress     bool

	// Priority of each kind of stanza, 0 to 15, the most urgent: chat 8, groupchat 7, iq 6, presence 4, receipts 3, chat states 2. An urgent
	// one has more.
	Priority map[store.Kind]uint8
	TTL      time.Duration // how long the server may try; 10 minutes
	AckDelay time.Duration // how long a mark waits for something to ride on; 90 s

	// TimeScale is how many times as fast as the clock the radio's time runs, which simulated radios have; 1. The link's own delays and
	// back-offs run with it, what the SIS and the queue say does not.
	TimeScale float64
	EMCON     bool // receive only
	Rate      int  // bit/s of the modem, for what things cost until that was measured; 0: not known

	Peers []PeerConfig
}

// PeerConfig is one peer of a link.
type PeerConfig struct {
	Peer          string      // whose queue it is
	RemoteAddress sis.Address // of a kit (Pairing) it may be missing: it is learned
	Mapping       string      // "rcop" (default) or "longwire"
	Domains       []string    // the peer's
	LocalDomains  []string    // ours that it may talk to

	ConnectionID uint8  // rcop: 0 to 15
	AppID        uint16 // rcop: 0x8001
	Confirm      string // rcop: "client" (default) or "node"

	Methods []codecs.Method // longwire: how stanzas may be coded, the best first; nil: as what ships can, none: not at all

	Delivery string // longwire: "arq" (default), or "non-arq" for a peer that may not answer
	Repeats  uint8  // longwire, non-arq: how many more times each U_PDU is sent

	Pairing *Pairing // nil: none
}

// Pairing makes a peer one that introduces itself before anything is taken from it or sent to it, or one that we introduce ourselves to
// (package pair).
type Pairing struct {
	Token        pair.Token
	Key          pair.PrivateKey // ours
	Headquarters pair.PublicKey  // the peer's, when it is our headquarters and we are its kit; zero: the peer is a kit, and we are its headquarters
	AtOnce       bool            // a kit: introduce ourselves before there is anything to send
}

// kit tells whether we are the kit.
func (p *Pairing) kit() bool { return p.Headquarters != pair.PublicKey{} }

// priorities is the default. Choice: by kind of stanza; there is room above for traffic that is more urgent than all of it.
var priorities = map[store.Kind]uint8{
	store.KindChat: 8, store.KindGroupchat: 7, store.KindIQ: 6, store.KindPresence: 4, store.KindReceipt: 3, store.KindState: 2,
}

func (c Config) orDefault() Config {
	if c.Server.Network == "" {
		c.Server.Network = "tcp"
	}
	c.LocalAddress = c.LocalAddress.Canonical()
	if c.TTL <= 0 {
		c.TTL = 10 * time.Minute
	}
	if c.AckDelay <= 0 {
		c.AckDelay = 90 * time.Second
	}
	if c.TimeScale <= 0 {
		c.TimeScale = 1
	}
	c.Peers = append([]PeerConfig(nil), c.Peers...)
	for i, p := range c.Peers {
		c.Peers[i] = p.orDefault()
	}
	return c
}

func (p PeerConfig) orDefault() PeerConfig {
	set := func(s *string, v string) {
		if *s == "" {
			*s = v
		}
	}
	set(&p.Mapping, RCOP)
	set(&p.Confirm, ConfirmClient)
	set(&p.Delivery, DeliveryARQ)
	if p.AppID == 0 {
		p.AppID = DefaultAppID
	}
	p.RemoteAddress = p.RemoteAddress.Canonical()
	return p
}

// maxPriority is the most urgent. S5066 A, priority.
const maxPriority = 15

// priority is the SIS priority of an entry: that of its kind, and more for what is urgent.
// Choice: two steps for each class, so that a room's flash comes before anybody's immediate.
func (c *Config) priority(e store.Entry) uint8 {
	p := c.ofKind(e.Kind)
	if e.Class > 0 && e.Class < store.ClassRoutine {
		p = min(p+2*uint8(store.ClassRoutine-e.Class), maxPriority)
	}
	return p
}

// ofKind is the SIS priority of a kind. One that is not in the map goes with the next that is less urgent.
func (c *Config) ofKind(kind store.Kind) uint8 {
	m := c.Priority
	if m == nil {
		m = priorities
	}
	for ; kind <= store.KindState; kind++ {
		if p, ok := m[kind]; ok {
			return p
		}
	}
	return 0
}

// same tells whether a link that runs under c is as good under d. EMCON is changed while it runs, and so is how stanzas are coded.
func (c Config) same(d Config) bool {
	c.EMCON = d.EMCON
	return reflect.DeepEqual(c.uncoded(), d.uncoded())
}

func (c Config) uncoded() Config {
	c.Peers = slices.Clone(c.Peers)
	for i := range c.Peers {
		c.Peers[i].Methods = nil
	}
	return c
}
