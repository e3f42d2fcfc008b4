package config

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"longwire/xmpp/jid"
)

// Default is the node without any file: localhost (or the machine's full name), all standard ports, no peers.
func Default() *Config {
	c := defaults()
	c.resolve("")
	return c
}

// defaults leaves out what depends on other settings; resolve fills that in.
func defaults() *Config {
	return &Config{
		Clients: Clients{
			Listen:     []string{":5222"},
			DirectTLS:  []string{":5223"},
			RequireTLS: true,
			// Spec xmpp.md 1.2: RFC 6120 §13.12 fixes the least, the rest are the figures servers have settled on.
			MaxStanza:                262144,
			MaxStanzaUnauthenticated: 10000,
			StreamsPerAddress:        2000,
			StreamsPerAccount:        50,
			LoginTime:                60 * time.Second,
			FailuresPerMinute:        20,
			OutboxStanzas:            5000,
			OutboxBytes:              4 << 20,
			ResumeMax:                600 * time.Second,
			Idle:                     300 * time.Second,
			IdleAnswer:               60 * time.Second,
			OfflineMessages:          500,
			OfflineBytes:             2 << 20,
		},
		RoomService: defaultRooms(),
		Archive: Archive{
			Accounts: true, MaxMessages: 10000, MaxSize: 8 << 20,
			Rooms: ArchiveLimits{MaxMessages: 20000, MaxSize: 16 << 20},
		},
		Precedence: Precedence{Prefixes: true, Headers: true},
		Air:        Air{WarnAfter: time.Minute, Hold: 30 * time.Second},
		Delivery:   Delivery{Receipts: ReceiptsHop, Keep: 7 * 24 * time.Hour, Max: 500},
		Attendant:  Attendant{Name: "node"},
		Telemetry:  Telemetry{Enabled: true, Folder: "telemetry", MaxSize: 16 << 20},
		Log:        Log{Level: "info", Format: "text"},
	}
}

func (l *Link) setDefaults() {
	*l = Link{
		Type:      LinkIP,
		Compress:  true,
		MaxStanza: 65536,
		Direction: DirectionBoth,

		RemotePort:       65510,
		LocalPort:        65510,
		Dial:             true,
		Listen:           true,
		StreamManagement: SMPipelined,
		TLS:              TLSOff,
		AckEvery:         8,
		AckIdle:          60 * time.Second,
		AckTimeout:       120 * time.Second,
		ResumeMax:        24 * time.Hour,
		BackoffMin:       5 * time.Second,
		BackoffMax:       300 * time.Second,

		Server:     "localhost",
		ServerBaud: 115200,
		SAP:        6,
		TTL:        10 * time.Minute,
		AckDelay:   90 * time.Second,
		TimeScale:  1,
		Priority:   Priority{Message: 8, Groupchat: 7, IQ: 6, Presence: 4, Receipt: 3, State: 2},
	}
}

func (p *Peer) setDefaults() {
	*p = Peer{
		QueueEntries: 10000,
		QueueBytes:   8 << 20,
		Lifetimes: Lifetimes{
			Message:   24 * time.Hour,
			Groupchat: 6 * time.Hour,
			IQ:        10 * time.Minute,
			Presence:  time.Hour,
		},
		S5066:   PeerS5066{Mapping: MappingRCOP, ApplicationID: 0x8001, Confirm: ConfirmClient, Delivery: DeliveryARQ, Repeats: 2},
		Codec:   PeerCodec{Method: CodecAuto},
		Pairing: PeerPairing{Introduce: IntroduceAtOnce},

		Failover:  Failover{After: time.Minute, BackAfter: 2 * time.Minute, BackMax: time.Hour},
		Fold:      Fold{Preset: FoldAuto, Subscriptions: true},
		FoldIn:    Fold{Preset: FoldNone, Subscriptions: true},
		Questions: Questions{Mode: QuestionsAuto},
		Presence:  PeerPresence{Synthetic: SyntheticAuto},
		// Spec xmpp.md 10.3: the join's answer may take twice as long as that of an IQ; resolve knows how long that is.
		Federation: PeerFederation{HonourKicks: true, Stale: 5 * time.Minute, JoinTimeout: 20 * time.Minute},
	}
}

// hfLifetimes are the defaults with a link of type s5066. A dead peer costs its server minutes to notice, a turn of the link
// takes a minute at low rates, and a frequency can be closed for a night: what is old then is still the newest there is.
var hfLifetimes = Lifetimes{Message: 72 * time.Hour, Groupchat: 24 * time.Hour, IQ: 30 * time.Minute, Presence: 6 * time.Hour}

// classes gives links of type s5066 the class of most HF, where the file says nothing.
func (c *Config) classes() {
	for i := range c.Links {
		if l := &c.Links[i]; l.Type == LinkS5066 && !c.set(fmt.Sprintf("link[%d].class", i)) {
			l.Class = "hf-300"
		}
	}
}

// terse makes stanzas for other Longwire nodes short, where the file does not say.
func (c *Config) terse() {
	for i := range c.Peers {
		if p := &c.Peers[i]; !c.set(fmt.Sprintf("peer[%d].fold.shorten_ids", i)) {
			p.Fold.ShortenIDs = c.Coded(p)
		}
	}
}

// slowLifetimes gives peers that are reached over HF the lifetimes for it, where the file sets no other.
func (c *Config) slowLifetimes() {
	for i := range c.Peers {
		p := &c.Peers[i]
		if len(c.radios(p)) == 0 {
			continue
		}
		for _, x := range []struct {
			key  string
			of   *time.Duration
			slow time.Duration
		}{
			{"message", &p.Lifetimes.Message, hfLifetimes.Message},
			{"groupchat", &p.Lifetimes.Groupchat, hfLifetimes.Groupchat},
			{"iq", &p.Lifetimes.IQ, hfLifetimes.IQ},
			{"presence", &p.Lifetimes.Presence, hfLifetimes.Presence},
		} {
			if !c.set(fmt.Sprintf("peer[%d].lifetimes.%s", i, x.key)) {
				*x.of = x.slow
			}
		}
		if !c.set(fmt.Sprintf("peer[%d].federation.stale", i)) {
			p.Federation.Stale = hfStale
		}
	}
}

// hfStale: over HF a link that is silent for half an hour is nothing to speak of. Spec xmpp.md 6.9.
const hfStale = 30 * time.Minute

// joinTimeouts follow from how long the answer to a question may take.
func (c *Config) joinTimeouts() {
	for i := range c.Peers {
		if p := &c.Peers[i]; !c.set(fmt.Sprintf("peer[%d].federation.join_timeout", i)) {
			p.Federation.JoinTimeout = max(2*p.Lifetimes.IQ, time.Second)
		}
	}
}

// linksOf are the links that reach a peer, the best first.
func (c *Config) linksOf(p *Peer) (all []*Link) {
	for _, name := range p.Links {
		if l := c.Link(name); l != nil {
			all = append(all, l)
		}
	}
	return all
}

// radios are those of them that are of type s5066.
func (c *Config) radios(p *Peer) []*Link {
	return slices.DeleteFunc(c.linksOf(p), func(l *Link) bool { return l.Type != LinkS5066 })
}

// Peer finds a peer by name, nil if there is none.
func (c *Config) Peer(name string) *Peer {
	for i := range c.Peers {
		if c.Peers[i].Name == name {
			return &c.Peers[i]
		}
	}
	return nil
}

// Link finds a link by name, nil if there is none.
func (c *Config) Link(name string) *Link {
	for i := range c.Links {
		if c.Links[i].Name == name {
			return &c.Links[i]
		}
	}
	return nil
}

// DefaultLink is a link of which only the name is known.
func DefaultLink(name string) Link {
	var l Link
	l.setDefaults()
	l.Name = name
	return l
}

// DefaultPeer is a peer of which only the first domain is known.
func DefaultPeer(domain string) Peer {
	var p Peer
	p.setDefaults()
	p.Name, p.Domains = domain, []string{domain}
	return p
}

// resolve fills in the defaults that depend on the machine or on other settings, makes paths absolute (they start at
// folder), and brings domains to their normal form. What cannot be normalised stays as it is, for check to name.
func (c *Config) resolve(folder string) {
	if len(c.Domains) == 0 && !c.set("domains") {
		c.Domains = []string{machineDomain()}
	}
	if c.Data == "" {
		c.Data = dataFolder()
	}
	if c.Control == "" {
		c.Control = filepath.Join(c.Data, "control.sock")
	}
	for _, p := range []*string{&c.Data, &c.Control, &c.TLS.Cert, &c.TLS.Key} {
		if *p != "" && !filepath.IsAbs(*p) && folder != "" {
			*p = filepath.Join(folder, *p)
		}
	}
	normalise(c.Domains)
	c.normaliseUsers()
	for i := range c.Peers {
		p := &c.Peers[i]
		normalise(p.Domains)
		normalise(p.LocalDomains)
		if f := &p.Codec.File; *f != "" && !filepath.IsAbs(*f) && folder != "" {
			*f = filepath.Join(folder, *f)
		}
		p.Fold.plain()
		p.FoldIn.plain()
		if p.Name == "" && len(p.Domains) > 0 {
			p.Name = p.Domains[0]
		}
	}
	c.classes()
	c.slowLifetimes()
	c.terse()
	c.joinTimeouts()
	c.resolveRooms()
	for i := range c.Links {
		for j, pin := range c.Links[i].PinSHA256 {
			c.Links[i].PinSHA256[j] = strings.ToLower(strings.ReplaceAll(pin, ":", ""))
		}
	}
}

func normalise(domains []string) {
	for i, d := range domains {
		if j, err := jid.Parse(d); err == nil && j.Local() == "" && j.Resource() == "" {
			domains[i] = j.Domain()
		}
	}
}

// machineDomain is the host's name if others can tell it from a bare label.
func machineDomain() string {
	if name, err := os.Hostname(); err == nil && strings.Contains(name, ".") {
		if j, err := jid.Parse(name); err == nil && j.Local() == "" && j.Resource() == "" {
			return j.Domain()
		}
	}
	return "localhost"
}

// dataFolder: systemd's StateDirectory= tells by the environment; it may list several, joined by colons.
func dataFolder() string {
	if dir, _, _ := strings.Cut(os.Getenv("STATE_DIRECTORY"), ":"); dir != "" {
		return dir
	}
	if os.Geteuid() == 0 {
		return "/var/lib/longwire"
	}
	if dir := os.Getenv("XDG_DATA_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "longwire")
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "longwire-data" // Choice: without a home, below the working folder
	}
	return filepath.Join(home, ".local", "share", "longwire")
}
