package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"strings"

	"github.com/coreos/go-systemd/v22/daemon"

	"longwire/links/modem"
	"longwire/links/subnet"
)

var errDialing = errors.New("dialing")

// openModem reaches the radio end, and sees to it that it is reached again when it is lost. It changes nc as the modem needs it.
//
// Choice: a serial line that is not there at the start is a mistake in the config or a plug that is out, and ends the server. A channel may come
// later than its stations.
func (s *server) openModem(ctx context.Context, nc *subnet.Config) (m modem.Modem, err error) {
	dial := s.dialChannel
	if s.cfg.Modem.Type == "serial" {
		dial = func(context.Context) (modem.Modem, error) { return s.openSerialModem() }
		m, err = dial(ctx)
	} else {
		m, err = modem.Persist(ctx, dial, s.modemLost)
	}
	if err != nil {
		return nil, err
	}
	if line, ok := m.(serialModem); ok {
		slower(nc, line.Serial)
	}
	return modem.NewRedial(m, dial, s.modemLost), nil
}

func (s *server) dialChannel(ctx context.Context) (modem.Modem, error) {
	at := s.cfg.Modem.Channel
	m, err := modem.DialEther(ctx, at, cmp.Or(s.cfg.Name, s.cfg.Address))
	var dial *net.OpError
	switch {
	case errors.As(err, &dial) && dial.Op == "dial":
		return nil, fmt.Errorf("no modem: %w; start it with 's5066d channel --listen %s', or change modem.channel in %s", err, at, s.cfg.file)
	case err != nil:
		return nil, fmt.Errorf("no modem: %w; see name, address and modem.channel in %s", err, s.cfg.file)
	}
	return m, nil
}

// modemLost is told when the modem is lost or was dialed in vain, and why; nil: it is back.
func (s *server) modemLost(why error) {
	s.mu.Lock()
	node, news := s.node, fmt.Sprint(s.lost) != fmt.Sprint(why)
	s.lost = why
	s.mu.Unlock()
	if node != nil {
		node.SetModemLost(why)
	}
	switch {
	case why == nil:
		s.log.Info("the modem is back", "at", s.cfg.Modem.at())
	case news: // not for each time that it is dialed
		s.log.Warn("no modem; trying again", "at", s.cfg.Modem.at(), "err", why)
	default:
		s.log.Debug("still no modem", "at", s.cfg.Modem.at())
	}
	if news {
		s.notifyState()
	}
}

// notifyState tells systemd how the server is. One that only waits for its channel has started.
func (s *server) notifyState() {
	s.mu.Lock()
	state := "STATUS=node " + s.cfg.Address
	if s.lost != nil {
		state += " is off: " + strings.ReplaceAll(s.lost.Error(), "\n", "; ")
	}
	s.mu.Unlock()
	notify(s.log, daemon.SdNotifyReady, state)
}
