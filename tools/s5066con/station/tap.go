package station

import (
	"encoding/hex"
	"fmt"
	"io"
	"strings"

	"longwire/links/sis"
)

// A tap emits the primitives that cross a carrier. One goroutine reads and another writes, as a sis.Client does.
type tap struct {
	io.ReadWriteCloser
	in, out stream
}

func newTap(c io.ReadWriteCloser, emit func(Event)) *tap {
	return &tap{c, stream{way: "from", emit: emit}, stream{way: "to", emit: emit}}
}

func (t *tap) Read(b []byte) (int, error) {
	n, err := t.ReadWriteCloser.Read(b)
	t.in.add(b[:n])
	return n, err
}

func (t *tap) Write(b []byte) (int, error) {
	n, err := t.ReadWriteCloser.Write(b)
	t.out.add(b[:n])
	return n, err
}

// A stream is one way.
type stream struct {
	way  string
	emit func(Event)
	held []byte
}

// mostHeld is more than any primitive: u16 of size, and its envelope.
const mostHeld = 5 + 65535

func (s *stream) add(b []byte) {
	s.held = append(s.held, b...)
	for len(s.held) > 0 {
		body, n, err := sis.Split(s.held)
		switch {
		case err != nil || n == 0 && len(s.held) > mostHeld:
			// Noise, as on a serial line. One byte on, as the reader does.
			n = 1
		case n == 0:
			return
		default:
			s.emit(describe(s.way, body))
		}
		s.held = s.held[n:]
	}
	s.held = nil
}

// describe is a primitive for people, and its head for those who doubt it.
func describe(way string, body []byte) Primitive {
	e := Primitive{Way: way, Code: int(body[0]), Type: sis.Type(body[0]).String(), Size: len(body), Hex: hex.EncodeToString(body[:min(len(body), 48)])}
	p, err := sis.Tolerant.Decode(body)
	if err != nil {
		e.Text = err.Error()
		return e
	}
	e.Text = words(p)
	return e
}

// words says what a primitive says.
func words(p sis.Primitive) string {
	switch p := p.(type) {
	case sis.BindRequest:
		return fmt.Sprintf("SAP %d, rank %d, %s", p.SAP, p.Rank, service(p.ServiceType))
	case sis.BindAccepted:
		return fmt.Sprintf("SAP %d, MTU %d", p.SAP, p.MTU)
	case sis.BindRejected:
		return p.Reason.String()
	case sis.UnbindIndication:
		return p.Reason.String()
	case sis.SubnetAvailability:
		return fmt.Sprintf("%v, %v", p.Status, p.Reason)
	case sis.UnidataRequest:
		return fmt.Sprintf("to %v SAP %d, %s, priority %d, TTL %v, %d bytes", p.Destination, p.DestinationSAP, service(p.DeliveryMode), p.Priority,
			p.TTL.Duration(), len(p.UPDU))
	case sis.UnidataIndication:
		return fmt.Sprintf("from %v SAP %d to %v SAP %d, %v, priority %d, %d bytes", p.Source, p.SourceSAP, p.Destination, p.DestinationSAP,
			p.TransmissionMode, p.Priority, len(p.UPDU))
	case sis.UnidataRequestConfirm:
		return fmt.Sprintf("%v SAP %d, quotes %d bytes", p.Destination, p.DestinationSAP, len(p.UPDU))
	case sis.UnidataRequestRejected:
		return fmt.Sprintf("%v SAP %d: %v", p.Destination, p.DestinationSAP, p.Reason)
	}
	return linkWords(p)
}

func linkWords(p sis.Primitive) string {
	link := func(l sis.HardLink, also ...string) string {
		return strings.Join(append([]string{fmt.Sprintf("%v, %v, priority %d, SAP %d", l.RemoteNode, l.LinkType, l.Priority, l.RemoteSAP)}, also...), ": ")
	}
	switch p := p.(type) {
	case sis.HardLinkEstablish:
		return link(p.HardLink)
	case sis.HardLinkTerminate:
		return p.RemoteNode.String()
	case sis.HardLinkEstablished:
		return link(p.HardLink)
	case sis.HardLinkRejected:
		return link(p.HardLink, p.Reason.String())
	case sis.HardLinkTerminated:
		return link(p.HardLink, p.Reason.String())
	case sis.HardLinkIndication:
		return link(p.HardLink)
	case sis.HardLinkAccept:
		return link(p.HardLink)
	case sis.HardLinkReject:
		return link(p.HardLink)
	case sis.ManagementMsgRequest:
		return fmt.Sprintf("type %d, %d bytes", p.MsgType, len(p.MsgBody))
	case sis.ManagementMsgIndication:
		return fmt.Sprintf("type %d, %d bytes", p.MsgType, len(p.MsgBody))
	}
	return ""
}

func service(t sis.ServiceType) string {
	switch t.TransmissionMode {
	case sis.ARQ:
		return "ARQ, " + t.Confirmation.String() + " confirmation"
	case sis.DefaultMode:
		return "as bound"
	}
	return fmt.Sprintf("%v, %d repeats", t.TransmissionMode, t.MinRetransmissions)
}
