package config

import "time"

// Link types.
const (
	LinkIP    = "ip"    // XEP-0361 over TCP or TLS
	LinkS5066 = "s5066" // XEP-0365 over a STANAG 5066 server
)

// Values of Link.StreamManagement and Link.TLS, and of what PeerS5066 says.
const (
	SMPipelined = "pipelined"
	SMImplicit  = "implicit"
	SMOff       = "off"

	TLSOff    = "off"
	TLSDirect = "direct"

	MappingRCOP     = "rcop"
	MappingLongwire = "longwire"

	ConfirmNode   = "node"
	ConfirmClient = "client"

	DeliveryARQ    = "arq"
	DeliveryNonARQ = "non-arq"
)

// Link is one named way to other nodes. The tag "for" names the only type that knows a setting.
//
// With type ip everything that would be negotiated is configuration (XEP-0361), and the link has one peer. With type
// s5066 the link is a place at a STANAG 5066 server, which serves any number of peers (XEP-0365).
type Link struct {
	Name     string `toml:"name" eg:"\"IP link hq-2-field\"" doc:"The link's name in logs and commands; free text, unique."`
	Type     string `toml:"type" doc:"ip: XEP-0361 zero handshake over TCP. s5066: XEP-0365 over HF radio, by a STANAG 5066 server."`
	Class    string `toml:"class" eg:"\"satcom\"" doc:"What sort of link it is: satcom, hf-2400, hf-300, hf-75 or, for a good network, nothing. It decides what is folded and which questions cross, unless the peer says otherwise. Default: \"\" for ip, hf-300 for s5066."`
	Compress bool   `toml:"compress" doc:"Compress traffic. Must be the same on both sides. (The mapping rcop of s5066 knows no compression.)"`

	Direction  string   `toml:"direction" doc:"both, or inbound for a link on which we must not or cannot transmit: what comes is taken, and confirmed by another link."`
	EMCON      bool     `toml:"emcon" doc:"Emission control, radio silence: receive, and send nothing at all. 'longwire link emcon' does the same at once and without this file; both must be off before anything is sent."`
	Windows    []string `toml:"windows" eg:"[\"06:00-18:00\", \"sat-sun 22:00-02:00\"]" doc:"When it may transmit, by UTC, with days of the week or without. Default: always."`
	Rate       int      `toml:"rate" eg:"9600" doc:"Its rate in bit/s, for forecasts and costs until it is measured. 0: unknown."`
	CostPerKiB float64  `toml:"cost_per_kib" eg:"0.5" doc:"What a KiB costs in money, of whatever currency. It is shown, and of links that are as good otherwise the cheaper one is taken."`

	RemoteAddress string `toml:"remote_address" for:"ip" eg:"\"203.0.113.7\"" doc:"The other node's address or host name. Connections from elsewhere are refused, unless tls identifies it."`
	RemotePort    int    `toml:"remote_port" for:"ip" doc:"The port dialled there."`
	LocalAddress  string `toml:"local_address" for:"ip" eg:"\"192.0.2.1\"" doc:"The address of this machine that listens and dials. Default: all."`
	LocalPort     int    `toml:"local_port" for:"ip" doc:"The port that listens here. Links may share it."`
	Dial          bool   `toml:"dial" for:"ip" doc:"This side opens the connection when there is something to send. Best on one side only."`
	Listen        bool   `toml:"listen" for:"ip" doc:"This side accepts the connection."`
	SourcePort    int    `toml:"source_port" for:"ip" doc:"The port that the other side's connections must come from. 0: any."`

	StreamManagement string        `toml:"stream_management" for:"ip" doc:"How the sides confirm stanzas (XEP-0198): pipelined, implicit, or off for a server that knows none. Must be the same on both sides, like the next two."`
	ZeroRTT          bool          `toml:"zero_rtt" for:"ip" doc:"Resume without waiting for an answer. Both ends must be Longwire."`
	TLS              string        `toml:"tls" for:"ip" doc:"off, or direct: both sides show certificates, known by their fingerprints in pin_sha256."`
	PinSHA256        []string      `toml:"pin_sha256" for:"ip" eg:"[\"1f9a…64 hex digits…\"]" doc:"SHA-256 of the other side's certificate, as its 'longwire status' shows it. Several during a change of certificates."`
	AckEvery         int           `toml:"ack_every" for:"ip" doc:"Confirm after this many stanzas,"`
	AckIdle          time.Duration `toml:"ack_idle" for:"ip" doc:"or this long after the last one."`
	AckTimeout       time.Duration `toml:"ack_timeout" for:"ip" doc:"A connection whose confirmations stay out this long (or three round trips, if that is more) counts as dead."`
	ResumeMax        time.Duration `toml:"resume_max" for:"ip" doc:"How long a broken session may be resumed. Nothing is lost afterwards; unconfirmed stanzas are sent anew."`
	BackoffMin       time.Duration `toml:"backoff_min" for:"ip" doc:"Pause before dialling again after a failure; doubled each time,"`
	BackoffMax       time.Duration `toml:"backoff_max" for:"ip" doc:"up to this."`
	IdleClose        time.Duration `toml:"idle_close" for:"ip" doc:"Close a connection that carried nothing for this long and open it on demand, for links billed by time. \"0s\": never."`

	Server           string        `toml:"server" for:"s5066" doc:"The local SIS server: \"host:port\", or a serial port as in \"serial:/dev/ttyUSB0\", or \"vsock:CID:port\" from inside a virtual machine. The port may be left out; it is 5066."`
	ServerBaud       int           `toml:"server_baud" for:"s5066" doc:"Speed of the serial port in bit/s."`
	SAP              int           `toml:"sap" for:"s5066" doc:"The service access point at the SIS server, 0 to 15. Must be the same on both sides."`
	Local5066Address string        `toml:"local_5066_address" for:"s5066" eg:"\"1.1.0.1\"" doc:"The SIS server's own STANAG 5066 address, as the other side sees it."`
	Rank             int           `toml:"rank" for:"s5066" doc:"Rank among the SIS server's clients, 0 to 14: a higher one can take the place of a lower."`
	TTL              time.Duration `toml:"ttl" for:"s5066" doc:"How long the SIS server may try to send one piece before it is given back to the queue."`
	AckDelay         time.Duration `toml:"ack_delay" for:"s5066" doc:"How long a confirmation waits for traffic to ride on before it costs a transmission of its own (mapping longwire)."`
	TimeScale        int           `toml:"time_scale" for:"s5066" doc:"For simulated radios only: their time runs this many times as fast as the clock's. With a real radio it must stay 1."`

	MaxStanza Size `toml:"max_stanza" doc:"Largest stanza on this link; larger ones go back to their sender. At least 10000."`

	Priority Priority `toml:"priority" for:"s5066" doc:"How urgent each kind of stanza is to the SIS server, 0 to 15; the higher goes first."`
}

// Priority is the U_PDU priority of each kind of stanza.
type Priority struct {
	Message   int `toml:"message" doc:"Messages to a person, and subscriptions."`
	Groupchat int `toml:"groupchat"`
	IQ        int `toml:"iq"`
	Presence  int `toml:"presence"`
	Receipt   int `toml:"receipt" doc:"Delivery receipts and chat markers."`
	State     int `toml:"chat_state"`
}

// Peer is a remote node.
type Peer struct {
	Name         string   `toml:"name" eg:"\"field\"" doc:"The peer's name in logs and commands. Default: its first domain. The queue on disk goes by this name."`
	Domains      []string `toml:"domains" eg:"[\"field.net\", \"chat.field.net\"]" doc:"The domains that live there, that of its rooms included."`
	LocalDomains []string `toml:"local_domains" eg:"[\"headquarters.net\", \"chat.headquarters.net\"]" doc:"Our domains that it may talk to, those of rooms included. Default: all."`
	Pubsub       bool     `toml:"pubsub" doc:"Our users and the peer's may ask for each other's avatars, keys and other published things across the link, where answers are long. They never get news of them by themselves."`
	Links        []string `toml:"links" eg:"[\"IP link hq-2-field\"]" doc:"The links that reach it, by name, the best first. The next one is used while those before it fail."`
	QueueEntries int      `toml:"queue_entries" doc:"What may wait for this peer. When full, the least urgent goes first and its sender is told."`
	QueueBytes   Size     `toml:"queue_bytes"`

	Failover  Failover     `toml:"failover" doc:"When another of the links is taken, and when a better one again."`
	Fold      Fold         `toml:"fold" doc:"What is taken out of what is sent to this peer, so that only what matters crosses."`
	FoldIn    Fold         `toml:"fold_in" doc:"The same for what comes from it. By itself nothing is taken out of that."`
	Questions Questions    `toml:"questions" doc:"What clients ask about things of this peer: who is there, what can it do, what does it look like."`
	Presence  PeerPresence `toml:"presence" doc:"Whether our users see those of this peer as available."`

	Lifetimes  Lifetimes      `toml:"lifetimes" doc:"How long a stanza may wait for the link before it goes back to its sender. \"0s\": for ever. What is shown is the default with a link of type ip; with s5066 it is 72h, 24h, 30m and 6h, since HF can be closed for a night."`
	S5066      PeerS5066      `toml:"s5066" doc:"What a link of type s5066 needs to know of this peer."`
	Codec      PeerCodec      `toml:"codec" doc:"How small stanzas get on the way to and from this peer, if it is a Longwire node, too."`
	Federation PeerFederation `toml:"federation" doc:"What federated rooms need to know of this peer."`
	Pairing    PeerPairing    `toml:"pairing" doc:"Pairing over HF, by a link of type s5066. At headquarters it makes this peer an invited kit: nothing is taken from it and nothing sent to it, and what is for it waits, until it has introduced itself with its token. At the kit it makes this peer its headquarters. The first transmission does it, with the first message in it."`

	Routes []Route `toml:"route" doc:"Which of the links may carry what; one table each. The first that fits decides; what fits none may take all."`
}

// Lifetimes are how long each kind of stanza may wait for a peer.
type Lifetimes struct {
	Message   time.Duration `toml:"message"`
	Groupchat time.Duration `toml:"groupchat"`
	IQ        time.Duration `toml:"iq" doc:"Also the time after which a question across the link is answered with remote-server-timeout."`
	Presence  time.Duration `toml:"presence"`
}

// PeerS5066 is how a peer is reached by a link of type s5066.
type PeerS5066 struct {
	Remote5066Address string `toml:"remote_5066_address" eg:"\"1.1.0.2\"" doc:"The STANAG 5066 address of the peer's SIS server. It may be left out of an invited kit (see pairing), whose address is learned when it introduces itself."`
	Mapping           string `toml:"mapping" doc:"rcop: one stanza at a time, as XEP-0365 has it, for any server. longwire: batches, compression that survives a lost contact, and nothing lost or doubled; between two Longwire nodes that both say so. Must be the same on both sides: else what the side with longwire sends waits."`
	ConnectionID      int    `toml:"connection_id" doc:"RCOP connection, 0 to 15, agreed with the peer (rcop)."`
	ApplicationID     int    `toml:"application_id" eg:"0x8001" doc:"RCOP application, agreed with the peer; none is registered for XMPP (rcop)."`
	Confirm           string `toml:"confirm" doc:"Who has to confirm a stanza before it leaves the queue: client, the peer's own server, or node, its SIS server, which is quicker and loses what is on the way between the two when they fail (rcop)."`
	Delivery          string `toml:"delivery" doc:"arq, or non-arq for a peer that may not answer for long, as under radio silence: everything is sent blindly, and confirmed when the peer is heard (longwire)."`
	Repeats           int    `toml:"repeats" doc:"How many more times each piece is sent with non-arq, 0 to 15."`
}

// Values of PeerPairing.Introduce.
const (
	IntroduceAtOnce   = "at-once"
	IntroduceWithData = "with-data"
)

// PeerPairing is an invitation: of a kit, at headquarters, or by headquarters, at the kit.
type PeerPairing struct {
	Token           string `toml:"token" eg:"\"…26 letters and digits…\"" doc:"The secret made for this one kit, the same on both sides; 'longwire kit key' makes one. It is good for one kit: the first to use it is the kit. As long as it stays the same nothing changes; a new one, on both sides, shuts the old kit out until it has introduced itself again."`
	HeadquartersKey string `toml:"headquarters_key" eg:"\"longwire-pair-1 …\"" doc:"At the kit only: the public key of its headquarters."`
	Introduce       string `toml:"introduce" doc:"At the kit only: at-once, as headquarters waits to hear of it, or with-data, which sends nothing before there is something to say."`
}

// Invited tells whether the peer is a kit of ours, which we are the headquarters of.
func (p *Peer) Invited() bool { return p.Pairing.Token != "" && p.Pairing.HeadquartersKey == "" }

// Headquarters tells whether the peer is our headquarters, and we are its kit.
func (p *Peer) Headquarters() bool { return p.Pairing.Token != "" && p.Pairing.HeadquartersKey != "" }
