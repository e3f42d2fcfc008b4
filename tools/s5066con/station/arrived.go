package station

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"strings"
	"time"

	"longwire/links/sis"
	"longwire/tools/s5066con/probe"
)

// arrived takes a U_PDU from the radio.
func (s *Station) arrived(e sis.UnidataIndication, now time.Time) {
	h := Heard{From: e.Source.String(), SAP: e.SourceSAP, To: e.Destination.String(), Mode: e.TransmissionMode.String(), Priority: e.Priority,
		Expedited: e.Expedited, Bytes: len(e.UPDU), Errored: blocks(e.Errored), Missing: blocks(e.Missing), Address: e.Source}
	s.note(e.Source)
	p, err := probe.Parse(e.UPDU)
	whole := len(e.Errored)+len(e.Missing) == 0
	switch {
	case s.c.Binding.SAP == Orderwire:
		h.Text = Line(e.UPDU)
	case err == nil && whole: // Choice: a probe that arrived with errors is not believed
		h.Probe, h.Name = p.Kind.String(), p.Name
	case text(e.UPDU):
		h.Text = Line(e.UPDU)
	default:
		h.Data = hex.EncodeToString(e.UPDU[:min(len(e.UPDU), 64)])
	}
	s.emit(h)
	switch {
	case s.c.Binding.SAP == Orderwire:
		s.emit(Chat{From: h.From, To: h.To, Mode: h.Mode, Text: h.Text})
	case err != nil || !whole:
	case p.Kind.Answer():
		s.mu.Lock()
		run := s.runs[p.Run]
		s.mu.Unlock()
		select {
		case run <- echo{p, e, now}: // a nil channel is for no run of ours
		default: // full: somebody answers far more than was asked
		}
	default:
		s.asked(p, e, now)
	}
}

// note remembers that a station was heard.
func (s *Station) note(a sis.Address) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.heard) < mostStations {
		s.heard[a] = true
	}
}

func blocks(list []sis.Block) (n int) {
	for _, b := range list {
		n += int(b.Size)
	}
	return n
}

// text tells whether people wrote it.
func text(b []byte) bool {
	if len(b) == 0 {
		return false
	}
	for _, c := range b {
		if (c < ' ' || c > '~') && c != '\r' && c != '\n' && c != '\t' {
			return false
		}
	}
	return true
}

// Line is a U_PDU of the orderwire as a terminal can show it. Several lines become one.
func Line(b []byte) string {
	b = bytes.TrimRight(b, "\r\n\x00")
	return probe.Printable(strings.NewReplacer("\r\n", " / ", "\n", " / ", "\r", " / ", "\t", " ").Replace(string(b)))
}

// ManageStatus is the management message that our own node answers with a JSON object. S5066 A, S_MANAGEMENT_MSG_REQUEST leaves types and
// bodies to the node; others answer something else, or nothing.
const ManageStatus = 2

// managed is an answer of the node's management.
func managed(e sis.ManagementMsgIndication) Event {
	var own struct {
		NodeState
		Time time.Time `json:"time"`
	}
	if e.MsgType == ManageStatus && json.Unmarshal(e.MsgBody, &own) == nil && own.Address != "" {
		n := own.NodeState
		n.Time = own.Time
		n.Name, n.Address, n.Waveform = probe.Name(n.Name), probe.Name(n.Address), probe.Name(n.Waveform)
		n.Heard = n.Heard[:min(len(n.Heard), mostStations)]
		for i, h := range n.Heard {
			n.Heard[i].Address = probe.Name(h.Address)
		}
		return n
	}
	return Management{MsgType: e.MsgType, Body: hex.EncodeToString(e.MsgBody)}
}
