// Package config is the node's settings: one struct with its defaults, its comments and its checks. The example that
// `longwire config example` prints is made from the struct, so what people read and what the node obeys is one thing.
package config

import (
	"time"
)

// Config is everything an operator can say about a node. The tags are the file's language:
//
//	toml  the key
//	doc   the comment printed above it in the example
//	eg    the value that the example shows when the default is empty or depends on the machine
//	for   the type of link that knows the setting; without it all do
//
// Load fills in every default, so its readers never meet a zero that means "default".
type Config struct {
	Domains []string `toml:"domains" eg:"[\"headquarters.net\"]" doc:"The domains whose users this node serves. Default: this machine's name when it has a dot, else localhost."`
	Data    string   `toml:"data" eg:"\"/var/lib/longwire\"" doc:"The folder for everything the node keeps. Default: /var/lib/longwire for root, $STATE_DIRECTORY under systemd, else longwire in $XDG_DATA_HOME. Paths in this file that are not absolute start at the folder of this file."`
	Control string   `toml:"control" eg:"\"/var/lib/longwire/control.sock\"" doc:"The socket on which longwire's own commands reach the running node. Default: control.sock in the data folder."`

	TLS         TLS        `toml:"tls" doc:"The certificate that clients see. With none the node makes a CA and a certificate of its own at its first start and prints the fingerprint."`
	Clients     Clients    `toml:"clients" doc:"Ordinary XMPP clients."`
	Store       Store      `toml:"store" doc:"The database file in the data folder."`
	RoomService Rooms      `toml:"rooms" doc:"Rooms, where several people talk (XEP-0045)."`
	Archive     Archive    `toml:"archive" doc:"What is kept of conversations (XEP-0313), for clients that were away and for those who join a room."`
	Pairing     Pairing    `toml:"pairing" doc:"Headquarters of kits that introduce themselves over HF: see [peer.pairing]."`
	Precedence  Precedence `toml:"precedence" doc:"How urgent messages are: flash, immediate, priority or routine. The more urgent overtakes the less urgent on the way to a peer."`
	Air         Air        `toml:"air" doc:"Messages that take long on the air."`
	Delivery    Delivery   `toml:"delivery" doc:"What became of messages."`
	Attendant   Attendant  `toml:"attendant" doc:"A contact of the node's own, for its users."`
	Telemetry   Telemetry  `toml:"telemetry" doc:"The record of what crossed each link: sizes, times, confirmations. Message bodies are never in it."`
	Log         Log        `toml:"log" doc:"What the node tells on standard error. Message bodies are never logged."`

	Links []Link `toml:"link" doc:"A link is a named way to other nodes; one table each. The other side's file has the same facts mirrored. There are two types: ip, for one peer, and s5066, for any number of them."`
	Peers []Peer `toml:"peer" doc:"A peer is a remote node: its domains and the links that reach it; one table each. What is sent to a domain that is neither ours nor a peer's is answered with remote-server-not-found."`

	Budgets []Budget `toml:"budget" doc:"A bound of the air time that something may cost in any hour; one table each, and the strictest that fits holds."`

	Users []User `toml:"user" doc:"An account that this file declares; one table each. It is made when the file is applied; when it is declared no longer it is disabled, with all that is the user's kept, until it is declared again. Accounts made by 'longwire user add' are not touched, unless they stand here: then the file's password holds as long as they do, and their own again afterwards."`

	Rooms []Room `toml:"room" doc:"A room that this file declares; one table each. It is made when the file is applied, or taken over if it exists, and what stands here holds from then on: its owners may change the rest. When it is declared no longer it lives on as it is, a room like any other; 'longwire room destroy' removes it."`

	// File is where the settings were read from; "": embedded defaults.
	File string `toml:"-"`
	// Warnings are what is legal but probably not meant.
	Warnings Faults `toml:"-"`

	lines map[string]int // "link[0].name" → line
}

// TLS is what the node shows to clients.
type TLS struct {
	Cert string `toml:"cert" eg:"\"/etc/longwire/cert.pem\"" doc:"PEM file of the certificate with its chain. It is read again at each reload."`
	Key  string `toml:"key" eg:"\"/etc/longwire/key.pem\"" doc:"PEM file of its private key."`
}

// Clients is how clients may connect, and what bounds them.
type Clients struct {
	Listen            []string `toml:"listen" doc:"Addresses for plain TCP that turns to TLS by STARTTLS. \":5222\" is every address of this machine."`
	DirectTLS         []string `toml:"direct_tls" doc:"Addresses that speak TLS from the first byte."`
	Plaintext         []string `toml:"plaintext" eg:"[\"127.0.0.1:5224\"]" doc:"Addresses without any TLS, for programs on this machine. Passwords cross them readable, so only loopback addresses are accepted."`
	PlaintextAnywhere bool     `toml:"plaintext_anywhere" doc:"Accept other than loopback addresses in plaintext, where the network itself is trusted or encrypted."`
	RequireTLS        bool     `toml:"require_tls" doc:"Clients on listen must use STARTTLS before they log in."`
	Register          bool     `toml:"register" doc:"Strangers may make accounts from their client (XEP-0077). Leave it off wherever others can reach the node."`

	MaxStanza                Size          `toml:"max_stanza" doc:"Largest stanza of a client that has logged in. Sizes are bytes, or text with B, KiB or MiB."`
	MaxStanzaUnauthenticated Size          `toml:"max_stanza_unauthenticated" doc:"Largest stanza before that. At least 10000 (RFC 6120)."`
	StreamsPerAddress        int           `toml:"streams_per_address" doc:"Connections from one address at a time."`
	StreamsPerAccount        int           `toml:"streams_per_account" doc:"Clients of one account at a time."`
	LoginTime                time.Duration `toml:"login_time" doc:"From connecting to having logged in. Durations are text with a unit: s, m or h."`
	FailuresPerMinute        int           `toml:"failures_per_minute" doc:"Failed logins of one address or account before it must wait."`
	OutboxStanzas            int           `toml:"outbox_stanzas" doc:"What may wait for one client that is slow or away; more ends its stream. Messages stay in the offline store."`
	OutboxBytes              Size          `toml:"outbox_bytes"`
	ResumeMax                time.Duration `toml:"resume_max" doc:"How long a client that lost its connection counts as online and may resume (XEP-0198)."`
	Idle                     time.Duration `toml:"idle" doc:"Silence after which the client is asked whether it is there,"`
	IdleAnswer               time.Duration `toml:"idle_answer" doc:"and how long it may take to answer."`
	OfflineMessages          int           `toml:"offline_messages" doc:"Messages kept for one account that is not connected. What a peer already handed over is kept beyond this."`
	OfflineBytes             Size          `toml:"offline_bytes"`
}

// Store is the database.
type Store struct {
	MaxSize  Size          `toml:"max_size" doc:"Bound of the database file; at it the node behaves as with a full disk. 0: none."`
	SlowSync time.Duration `toml:"slow_sync" doc:"-"` // test aid: each commit takes at least this long
}

// Pairing is what headquarters needs for all its kits.
type Pairing struct {
	Key string `toml:"key" eg:"\"longwire-pair-secret-1 …\"" doc:"Headquarters' own key, a secret. 'longwire kit key' makes one, and tells the headquarters_key that its kits are configured with. Every kit has to be configured anew when it changes."`
}

// Log is what the node tells.
type Log struct {
	Level  string `toml:"level" doc:"debug, info, warn or error."`
	Format string `toml:"format" doc:"text or json."`
}
