package subnet

import (
	"net"
	"time"

	"longwire/links/sis"
)

// A client confirmation promises the sender that the client has its U_PDU, and makes it forget it. But SIS has no word by which a client says so:
// what was written to a client that is killed, or whose carrier is cut, may never have been read.
//
// Choice: a client that vanishes, without S_UNBIND_REQUEST, gets such U_PDUs again when it binds again, before all that is new. It has to know
// repeats, as it has to anyway (a link can break between data and confirmation). Whoever says goodbye, or asks for no client confirmations,
// never meets this.
const (
	keptFor   = 10 * time.Minute // of the clock, before the client vanished; a long PDU of several U_PDUs may have been under way
	keptMost  = 64               // U_PDUs,
	keptBytes = 256 << 10        // and bytes of them, of each SAP
	awayMost  = 24 * time.Hour
)

// A shelf has what was delivered to a SAP and may not have been read.
type shelf struct {
	port  *sis.Port // who has it, and was told
	list  []shelved
	bytes int
	away  time.Time // since when nobody has it
	host  string    // of who had it
}

type shelved struct {
	at time.Time
	i  sis.UnidataIndication
}

// keep notes what was delivered.
func (s *shelf) keep(now time.Time, i sis.UnidataIndication) {
	s.list = append(s.list, shelved{now, i})
	s.bytes += len(i.UPDU)
	s.trim(now.Add(-keptFor))
}

func (s *shelf) trim(since time.Time) {
	n := 0
	for n < len(s.list) && (len(s.list)-n > keptMost || s.bytes > keptBytes || s.list[n].at.Before(since)) {
		s.bytes -= len(s.list[n].i.UPDU)
		n++
	}
	if s.list = append([]shelved(nil), s.list[n:]...); len(s.list) == 0 {
		s.list = nil
	}
}

// gone is told when the SAP is given up.
func (s *shelf) gone(now time.Time, p *sis.Port) {
	if s.port != p {
		return
	}
	s.port, s.away, s.host = nil, now, host(p.Client)
	if p.Left() {
		s.list, s.bytes = nil, 0
		return
	}
	s.trim(now.Add(-keptFor))
}

// greet gives a new client of the SAP what the one before may not have read. Only the same host gets it.
func (s *shelf) greet(now time.Time, p *sis.Port) {
	if s.port == p {
		return
	}
	if s.port != nil {
		s.gone(now, s.port)
	}
	if s.host != host(p.Client) || now.Sub(s.away) > awayMost {
		s.list, s.bytes = nil, 0
	}
	s.port = p
	for k := range s.list {
		if p.Send(s.list[k].i) != nil {
			return // it has vanished again
		}
		s.list[k].at = now // it may vanish again
	}
}

func host(client string) string {
	if h, _, err := net.SplitHostPort(client); err == nil {
		return h
	}
	return client
}
