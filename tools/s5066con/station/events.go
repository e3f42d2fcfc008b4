package station

import (
	"math"
	"strconv"
	"time"

	"longwire/links/sis"
	"longwire/tools/s5066con/probe"
)

// An Event is something that people and scripts want to know: one of the types below. Kind is its name in JSON, and the fields' names
// there are part of what scripts rely on.
type Event interface{ Kind() string }

// Seconds is a time of the radio, in JSON a number with three digits behind the point.
type Seconds time.Duration

// MarshalJSON is a number.
func (s Seconds) MarshalJSON() ([]byte, error) {
	ms := math.Round(float64(s) / float64(time.Millisecond))
	return strconv.AppendFloat(nil, ms/1000, 'f', -1, 64), nil
}

func (s Seconds) String() string { return time.Duration(s).Round(10 * time.Millisecond).String() }

// The events.
type (
	// Bound begins every session.
	Bound struct {
		Server string `json:"server"`
		SAP    uint8  `json:"sap"`
		MTU    int    `json:"mtu"`
	}
	// Unbound is the loss of the bind. Unknown is the number of U_PDUs whose fate was not known then.
	Unbound struct {
		Why     string `json:"why"`
		Hint    string `json:"hint,omitempty"`
		Unknown int    `json:"unknown"`
	}
	// Retry is the wait for another try to bind.
	Retry struct {
		Why   string  `json:"why"`
		Hint  string  `json:"hint,omitempty"`
		After Seconds `json:"seconds"`
	}
	// Availability is what the node says of itself, and Flow whether it takes U_PDUs for now.
	Availability struct {
		Status string `json:"status"`
		Reason string `json:"reason"`
	}
	Flow struct {
		On bool `json:"on"`
	}
	// Sent is a U_PDU of ours that the node has; Delivered and Failed are its fate. To is its destination.
	Sent struct {
		What     string `json:"what"`
		To       string `json:"to"`
		Sequence int    `json:"sequence"`
		Bytes    int    `json:"bytes"`
	}
	Delivered struct {
		What     string  `json:"what"`
		To       string  `json:"to"`
		Sequence int     `json:"sequence"`
		By       string  `json:"by"` // node or client
		After    Seconds `json:"seconds"`
	}
	Failed struct {
		What     string  `json:"what"`
		To       string  `json:"to"`
		Sequence int     `json:"sequence"`
		Why      string  `json:"why"`
		Code     int     `json:"code"` // of S_UNIDATA_REQUEST_REJECTED; -1: no answer came, -2: the bind was lost first
		Hint     string  `json:"hint,omitempty"`
		After    Seconds `json:"seconds"`
	}
	// Answer is another console's to a ping.
	Answer struct {
		From      string  `json:"from"`
		Sequence  int     `json:"sequence"`
		Bytes     int     `json:"bytes"`
		Mode      string  `json:"mode"`
		After     Seconds `json:"seconds"`      // from our request, without what the other console waited
		Hold      Seconds `json:"hold_seconds"` // what it waited
		Duplicate bool    `json:"duplicate,omitempty"`
	}
	// Found is a station that answered a discovery.
	Found struct {
		Station string  `json:"station"`
		Own     string  `json:"own"` // the address by which it knows us
		SAP     uint8   `json:"sap"`
		Name    string  `json:"name,omitempty"`
		After   Seconds `json:"seconds"`
		Hold    Seconds `json:"hold_seconds"`
	}
	// Arrived is another station's count of our test.
	Arrived struct {
		From       string  `json:"from"`
		Sent       int     `json:"sent"`
		Received   int     `json:"received"`
		Duplicates int     `json:"duplicates"`
		Bytes      int     `json:"bytes"`
		Loss       float64 `json:"loss"`     // 0 to 1
		Rate       float64 `json:"bit_rate"` // 0: too few arrived to tell
	}
	// Heard is any U_PDU that arrived. Text is set when it can be shown as such.
	Heard struct {
		From      string `json:"from"`
		SAP       uint8  `json:"sap"`
		To        string `json:"to"`
		Mode      string `json:"mode"`
		Priority  uint8  `json:"priority"`
		Expedited bool   `json:"expedited,omitempty"`
		Bytes     int    `json:"bytes"`
		Errored   int    `json:"errored_bytes,omitempty"`
		Missing   int    `json:"missing_bytes,omitempty"`
		Probe     string `json:"probe,omitempty"`
		Name      string `json:"name,omitempty"`
		Text      string `json:"text,omitempty"`
		Data      string `json:"data,omitempty"` // hex, of the first 64 bytes, when there is no Text and no Probe

		Address sis.Address `json:"-"`
	}
	// Answered is a probe of another station that this one answered, or why it did not.
	Answered struct {
		To       string `json:"to"`
		What     string `json:"what"`
		Sequence int    `json:"sequence"`
		Refused  string `json:"refused,omitempty"`
	}
	// Chat is a line of the orderwire.
	Chat struct {
		From string `json:"from"`
		To   string `json:"to"`
		Mode string `json:"mode"`
		Text string `json:"text"`
	}
	// Link is a change of a hard link.
	Link struct {
		State    string `json:"state"` // asked, established, rejected, terminated, offered, accepted, refused, released
		Station  string `json:"station"`
		Type     int    `json:"type"`
		Priority int    `json:"priority"`
		SAP      uint8  `json:"sap"`
		Why      string `json:"why,omitempty"`
		Code     int    `json:"code,omitempty"`
	}
	// Management is the answer of the node's own management.
	Management struct {
		MsgType uint8  `json:"type"`
		Body    string `json:"body"` // hex
	}
	// NodeState is what the node's management says of it and of the stations that it heard, where it knows such a message.
	NodeState struct {
		Name     string        `json:"name"`
		Address  string        `json:"address"`
		Waveform string        `json:"waveform"`
		EMCON    bool          `json:"emcon"`
		Time     time.Time     `json:"node_time"`
		Heard    []HeardByNode `json:"heard"`
	}
	// HeardByNode is a station of a NodeState.
	HeardByNode struct {
		Address string    `json:"address"`
		Last    time.Time `json:"last"` // by the clock of node_time
		PDUs    int       `json:"dpdus"`
	}
	// Planned says before a test what it will take. Basis is told, measured or assumed.
	Planned struct {
		What          string  `json:"what"`
		Air           Seconds `json:"air_seconds"`
		Time          Seconds `json:"time_seconds"`
		Transmissions int     `json:"transmissions"`
		Rate          int     `json:"rate"`
		Basis         string  `json:"basis"`
	}
	// Primitive is one that crossed the carrier. Of U_PDUs only the head is there.
	Primitive struct {
		Way  string `json:"way"` // to or from, as the node sees it
		Type string `json:"type"`
		Code int    `json:"code"`
		Size int    `json:"bytes"`
		Text string `json:"text"`
		Hex  string `json:"hex"`
	}
	// Bar is one of a histogram.
	Bar struct {
		From  Seconds `json:"from_seconds"`
		To    Seconds `json:"to_seconds"`
		Count int     `json:"count"`
	}
	// Spread says how delays are spread.
	Spread struct {
		Count     int     `json:"count"`
		Least     Seconds `json:"least_seconds"`
		Median    Seconds `json:"median_seconds"`
		P90       Seconds `json:"p90_seconds"`
		Most      Seconds `json:"most_seconds"`
		Histogram []Bar   `json:"histogram,omitempty"`
	}
	// PingDone ends a ping. Delivered counts pings that the other node confirmed, Answered those that another console answered.
	PingDone struct {
		To         string `json:"to"`
		Sent       int    `json:"sent"`
		Delivered  int    `json:"delivered"`
		Answered   int    `json:"answered"`
		Failed     int    `json:"failed"`
		Duplicates int    `json:"duplicates"`
		Console    string `json:"console"` // answers, silent or unknown
		Stopped    bool   `json:"stopped,omitempty"`
		Delivery   Spread `json:"delivery"`
		RoundTrip  Spread `json:"round_trip"`
	}
	// TestDone ends a test. With ARQ the delivery is told by the node; with non-ARQ the loss and the rate are what Reports say.
	TestDone struct {
		To        string    `json:"to"`
		Mode      string    `json:"mode"`
		Size      int       `json:"bytes_each"`
		Sent      int       `json:"sent"`
		Delivered int       `json:"delivered"`
		Failed    int       `json:"failed"`
		Unknown   int       `json:"unknown"`
		Stopped   bool      `json:"stopped,omitempty"`
		Took      Seconds   `json:"seconds"`
		Rate      float64   `json:"bit_rate"` // of delivered U_PDUs; 0: not known
		Loss      float64   `json:"loss"`     // the worst that is known, 0 to 1; -1: not known
		Delivery  Spread    `json:"delivery"`
		Reports   []Arrived `json:"reports"`
	}
	// DiscoverDone ends a discovery.
	DiscoverDone struct {
		Found   int     `json:"found"`
		Heard   int     `json:"heard"` // stations of which anything arrived, or that the node says it heard
		Took    Seconds `json:"seconds"`
		Stopped bool    `json:"stopped,omitempty"`
	}
)

// Kind is the event's name in JSON.
func (Bound) Kind() string        { return "bound" }
func (Unbound) Kind() string      { return "unbound" }
func (Retry) Kind() string        { return "retry" }
func (Availability) Kind() string { return "availability" }
func (Flow) Kind() string         { return "flow" }
func (Sent) Kind() string         { return "sent" }
func (Delivered) Kind() string    { return "delivered" }
func (Failed) Kind() string       { return "failed" }
func (Answer) Kind() string       { return "answer" }
func (Found) Kind() string        { return "found" }
func (Arrived) Kind() string      { return "report" }
func (Heard) Kind() string        { return "heard" }
func (Answered) Kind() string     { return "answered" }
func (Chat) Kind() string         { return "chat" }
func (Link) Kind() string         { return "link" }
func (Management) Kind() string   { return "management" }
func (NodeState) Kind() string    { return "node" }
func (Planned) Kind() string      { return "plan" }
func (Primitive) Kind() string    { return "primitive" }
func (PingDone) Kind() string     { return "ping_done" }
func (TestDone) Kind() string     { return "test_done" }
func (DiscoverDone) Kind() string { return "discover_done" }

// spread is what people want to know of delays. bars is the most of them.
func spread(d *probe.Delays, bars int) Spread {
	s := Spread{Count: d.Count(), Least: Seconds(d.Quantile(0)), Median: Seconds(d.Quantile(0.5)), P90: Seconds(d.Quantile(0.9)), Most: Seconds(d.Quantile(1))}
	for _, b := range d.Histogram(bars) {
		s.Histogram = append(s.Histogram, Bar{Seconds(b.From), Seconds(b.To), b.Count})
	}
	return s
}
