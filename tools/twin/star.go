package main

// Star is the file: one headquarters and its kits. A pair is a star with one kit. Tables without a struct of their own
// (node, s5066d, host, and modem) are taken over into the settings files as they stand, so whatever those files come to
// know can be said here.
type Star struct {
	Organisation string   `toml:"organisation"` // the folder with key and secrets
	Fleet        string   `toml:"fleet"`
	Trust        []string `toml:"trust"` // files with further keys that the kits are to obey

	S5066 S5066 `toml:"s5066"`
	IP    IP    `toml:"ip"`
	Codec Codec `toml:"codec"`

	All          Settings `toml:"all"`  // for every end
	Kits         Settings `toml:"kits"` // for every kit
	Headquarters End      `toml:"headquarters"`
	Kit          []End    `toml:"kit"`
	Room         []Room   `toml:"room"` // that all ends have as one

	dir string // of the file: paths in it start there
}

// S5066 is what both ends of a link over HF must say alike.
type S5066 struct {
	Name          string `toml:"name"`
	SAP           *int   `toml:"sap"`
	Compress      *bool  `toml:"compress"`
	Mapping       string `toml:"mapping"`
	ConnectionID  *int   `toml:"connection_id"`
	ApplicationID *int   `toml:"application_id"`
	Pairing       *bool  `toml:"pairing"`
}

// IP is what both ends of a link of type ip must say alike, and who dials.
type IP struct {
	Compress         *bool  `toml:"compress"`
	StreamManagement string `toml:"stream_management"`
	ZeroRTT          *bool  `toml:"zero_rtt"`
	Dial             string `toml:"dial"` // kit, headquarters or both
	TLS              *bool  `toml:"tls"`
}

// End is headquarters or a kit.
type End struct {
	Name       string   `toml:"name"`
	FormerName string   `toml:"former_name"` // until the kit has taken the new one
	Domains    []string `toml:"domains"`     // whose users it serves
	Rooms      []string `toml:"rooms"`       // the domains of its rooms; nil: chat. before each of its domains
	Links      []string `toml:"links"`       // of a kit: how it reaches headquarters, best first
	Board      string   `toml:"board"`
	Report     string   `toml:"report"`     // file that the kit wrote to a stick, with its public key
	PublicKey  string   `toml:"public_key"` // or that key
	Note       string   `toml:"note"`

	Certificate    string `toml:"certificate"` // PEM file; none: as the links need it
	CertificateKey string `toml:"certificate_key"`

	SIS  SIS    `toml:"sis"`
	IP   IPEnd  `toml:"ip"`
	User []User `toml:"user"`
	Settings

	headquarters bool
}

// Settings are tables to take over.
type Settings struct {
	Node   map[string]any `toml:"node"`   // into longwire.toml
	S5066D map[string]any `toml:"s5066d"` // into s5066d.toml
	Host   map[string]any `toml:"host"`   // into kit.toml
}

// SIS is an end's STANAG 5066 server: another machine's, or with a modem the end's own.
type SIS struct {
	Address string         `toml:"address"`
	Server  string         `toml:"server"`
	Baud    *int           `toml:"baud"`
	Modem   map[string]any `toml:"modem"`
}

// IPEnd is where an end is for links of type ip.
type IPEnd struct {
	Address string `toml:"address"`
	Port    *int   `toml:"port"`
}

// User is an account.
type User struct {
	Name     string `toml:"name"`
	Password string `toml:"password"`
	Disabled bool   `toml:"disabled"`
}

// Links' types.
const (
	linkS5066 = "s5066"
	linkIP    = "ip"
)

// own tells whether the end runs a STANAG 5066 server itself.
func (e *End) own() bool { return e.SIS.Modem != nil }

// uses tells whether an end has a link of a type: headquarters has those of all kits.
func (s *Star) uses(e *End, kind string) bool {
	for i := range s.Kit {
		if (e.headquarters || e == &s.Kit[i]) && has(s.Kit[i].Links, kind) {
			return true
		}
	}
	return false
}

// ends are all ends, headquarters first.
func (s *Star) ends() []*End {
	all := []*End{&s.Headquarters}
	for i := range s.Kit {
		all = append(all, &s.Kit[i])
	}
	return all
}
