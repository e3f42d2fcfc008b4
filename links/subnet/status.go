package subnet

import (
	"encoding/json"
	"time"

	"longwire/links/dts"
)

// Counts are totals since the Node was made.
type Counts struct {
	Transmissions uint64        `json:"transmissions"`
	Receptions    uint64        `json:"receptions"` // with anything readable in them or not
	Twin          uint64        `json:"twin"`       // D_PDUs from our own address that another station sent
	Air           time.Duration `json:"air_ns"`     // from each decision to send to the signal's end
	BitsSent      uint64        `json:"bits_sent"`
	Sent          uint64        `json:"dpdus_sent"`
	Received      uint64        `json:"dpdus_received"` // with a good header, for whomever
	Damaged       uint64        `json:"dpdus_damaged"`  // of these, segments that were not
	Invalid       uint64        `json:"dpdus_invalid"`  // of these, against the rules
	Warnings      uint64        `json:"warnings"`       // by peers
	Resyncs       uint64        `json:"resyncs"`
	RateChanges   uint64        `json:"rate_changes"` // of what we send
	SendErrors    uint64        `json:"send_errors"`
	Overtakings   uint64        `json:"overtakings"` // transmissions changed on the air, for something more urgent

	Requests  uint64 `json:"requests"` // U_PDUs of clients
	Confirmed uint64 `json:"confirmed"`
	Rejected  uint64 `json:"rejected"`
	Delivered uint64 `json:"delivered"` // U_PDUs to clients
	Dropped   uint64 `json:"dropped"`   // that nobody was there for
	Repeated  uint64 `json:"repeated"`  // that had been delivered before
	Stale     uint64 `json:"stale"`     // past their time to die
	Faulty    uint64 `json:"faulty"`    // S_PDUs that did not decode
}

func (c *Counts) sent(raw []byte) { c.Sent++ }

func (c *Counts) received(f *dts.Found) {
	c.Received++
	if f.PDU.Damaged {
		c.Damaged++
	}
	if f.Fault != nil {
		c.Invalid++
	}
}

// Status is how a Node stands.
type Status struct {
	Name      string    `json:"name"`
	Address   string    `json:"address"`
	Waveform  string    `json:"waveform"`
	Time      time.Time `json:"time"` // radio time
	EMCON     bool      `json:"emcon"`
	Sending   bool      `json:"sending"`
	ModemLost string    `json:"modem_lost,omitempty"` // why
	Queued    int       `json:"queued_bytes"`
	Clients   []Client  `json:"clients"`
	Links     []Link    `json:"links"`
	HardLink  *HardLink `json:"hard_link,omitempty"`
	Heard     []Heard   `json:"heard"`
	Counts    Counts    `json:"counts"`
	Broadcast bool      `json:"broadcast_only"`
}

// Client is a bound SAP.
type Client struct {
	SAP    uint8  `json:"sap"`
	Rank   uint8  `json:"rank"`
	From   string `json:"from"`
	Queued int    `json:"queued"` // requests without an answer
}

// Link is a physical link.
type Link struct {
	Peer      string    `json:"peer"`
	State     string    `json:"state"`
	Exclusive bool      `json:"exclusive"`
	Called    bool      `json:"called"`
	Since     time.Time `json:"since,omitzero"`
	Waveform  string    `json:"waveform"`
	Queued    int       `json:"queued"`    // C_PDUs
	InFlight  int       `json:"in_flight"` // frames
	Misses    int       `json:"misses"`    // rounds running without an answer
}

// HardLink is the hard link that is up.
type HardLink struct {
	Peer      string `json:"peer"`
	Type      uint8  `json:"type"`
	Priority  uint8  `json:"priority"`
	SAP       uint8  `json:"sap"`
	RemoteSAP uint8  `json:"remote_sap"`
	Ours      bool   `json:"ours"`
}

// Heard is a station that was heard.
type Heard struct {
	Address    string    `json:"address"`
	First      time.Time `json:"first"`
	Last       time.Time `json:"last"`
	PDUs       int       `json:"dpdus"`
	Capability string    `json:"capability,omitempty"`
}

// Status tells how the Node stands.
func (n *Node) Status() Status {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.statusLocked(n.clock.Now())
}

func (n *Node) statusLocked(now time.Time) Status {
	station := n.cas.Station()
	s := Status{Name: n.cfg.Name, Address: n.cfg.Address.String(), Waveform: n.cfg.Waveform.Name, Time: now, EMCON: n.emcon,
		Sending: n.sending != nil, Queued: station.Queued(), Counts: n.counts, Broadcast: n.broadcast}
	if n.lost != nil {
		s.ModemLost = n.lost.Error()
	}
	for _, p := range n.sis.Ports() {
		s.Clients = append(s.Clients, Client{SAP: p.SAP, Rank: p.Rank, From: p.Client, Queued: p.Queued()})
	}
	for _, l := range n.cas.Links() {
		st := station.Status(l.Peer)
		s.Links = append(s.Links, Link{Peer: l.Peer.String(), State: l.State.String(), Exclusive: l.Exclusive, Called: l.Called, Since: l.Since,
			Waveform: n.waveTo(l.Peer).Name, Queued: st.Queued, InFlight: st.InFlight, Misses: st.Misses})
	}
	if h, ok := n.hard.Current(); ok {
		s.HardLink = &HardLink{h.Peer.String(), h.Type, h.Priority, h.SAP, h.RemoteSAP, h.Ours}
	}
	for _, h := range station.Heard() {
		x := Heard{Address: h.Address.String(), First: h.First, Last: h.Last, PDUs: h.PDUs}
		if h.EOW.Type() == dts.EOWCapability {
			x.Capability = capabilityWords(dts.Capability(h.EOW.Data()))
		}
		s.Heard = append(s.Heard, x)
	}
	return s
}

func (s Status) json() []byte {
	b, err := json.Marshal(s)
	if err != nil {
		panic("subnet: status: " + err.Error()) // it is made of plain fields
	}
	return b
}
