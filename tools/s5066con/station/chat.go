package station

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"longwire/links/sis"
)

// Compose makes a U_PDU of the orderwire. S5066 F, HFCHAT: a line of ASCII with CRLF behind it, one in each U_PDU.
func Compose(line string) ([]byte, error) {
	line = strings.TrimRight(line, "\r\n")
	for i := range len(line) {
		if c := line[i]; c < ' ' || c > '~' {
			return nil, fmt.Errorf("station: the orderwire carries ASCII only, and %q is none", strings.ToValidUTF8(line[i:], "?"))
		}
	}
	if line == "" {
		return nil, errors.New("station: an empty line is not sent")
	}
	return append([]byte(line), '\r', '\n'), nil
}

// Say sends a line, and waits for its fate if the path confirms: delivered is true then, or when nobody will tell.
func (s *Station) Say(ctx context.Context, p Path, sequence int, line string) (delivered bool, err error) {
	u, err := Compose(line)
	if err != nil {
		return false, err
	}
	return s.Raw(ctx, p, "line", sequence, u)
}

// Raw sends any U_PDU, and waits for its fate if the path confirms.
func (s *Station) Raw(ctx context.Context, p Path, what string, sequence int, u []byte) (delivered bool, err error) {
	if err := p.Check(); err != nil {
		return false, err
	}
	start, fates := time.Now(), make(chan fate, 1)
	if err := s.send(ctx, p.request(u), waiter{fates, sequence}); err != nil {
		return false, err
	}
	s.emit(Sent{What: what, To: p.To.String(), Sequence: sequence, Bytes: len(u)})
	if !confirmed(p.Service) {
		return true, nil
	}
	select {
	case f := <-fates:
		after := Seconds(s.radio(f.at.Sub(start)))
		if f.delivered {
			s.emit(Delivered{What: what, To: p.To.String(), Sequence: sequence, By: p.by(), After: after})
			return true, nil
		}
		s.emit(Failed{What: what, To: p.To.String(), Sequence: sequence, Why: f.why, Code: f.code, Hint: f.hint, After: after})
		if f.code == BindLost {
			return false, s.ended()
		}
		return false, nil
	case <-ctx.Done():
		return false, ErrStopped
	}
}

// Manage asks the node's own management. S5066 A, S_MANAGEMENT_MSG_REQUEST: for clients of rank 15 only; what it means is up to the node.
func (s *Station) Manage(ctx context.Context, msgType uint8, body []byte) error {
	return s.client.Send(ctx, sis.ManagementMsgRequest{MsgType: msgType, MsgBody: body})
}
