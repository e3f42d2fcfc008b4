package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"
	"time"

	"longwire/board"
	"longwire/links/modem"
	"longwire/links/sis"
	"longwire/links/subnet"
	"longwire/links/vsock"
)

// listen opens the doors for clients that come by TCP and vsock.
func (s *server) listen() (list []net.Listener, err error) {
	for _, a := range s.cfg.Clients.Listen {
		l, err := net.Listen("tcp", a)
		if errors.Is(err, syscall.EADDRINUSE) {
			err = fmt.Errorf("another program listens at %s already; stop it, or change clients.listen in %s", a, s.cfg.file)
		}
		if err != nil {
			closeAll(list)
			return nil, err
		}
		list = append(list, l)
	}
	if port := s.cfg.Clients.VsockPort; port > 0 {
		l, err := vsock.Listen(fmt.Sprintf(":%d", port))
		if err != nil {
			closeAll(list)
			return nil, err
		}
		list = append(list, l)
	}
	return list, nil
}

// openLines opens the serial lines of clients.
func (s *server) openLines() (list []sis.Carrier, err error) {
	for _, line := range s.cfg.Clients.Serial {
		name, baud, _ := serialLine(line) // checked with the config
		p, err := board.Open(board.PortConfig{Name: name, Baud: baud})
		if err != nil {
			closeAll(list)
			return nil, err
		}
		list = append(list, sis.Carrier{ReadWriteCloser: p, Name: name, Noisy: true})
	}
	return list, nil
}

// openSerialModem opens a modem at a serial line, and what keys its transmitter.
func (s *server) openSerialModem() (modem.Modem, error) {
	c := s.cfg.Modem
	w, _ := c.waveform() // checked with the config
	port, err := board.Open(board.PortConfig{Name: c.Port, Baud: c.Baud, Low: strings.Contains(c.PTT, "rts") || strings.Contains(c.PTT, "dtr")})
	if err != nil {
		return nil, fmt.Errorf("no modem: %w", err)
	}
	var gpio io.Closer
	cfg := modem.SerialConfig{Line: port, Waveform: w, Baud: c.Baud, Radio: c.PTT != "rts"}
	switch c.PTT {
	case "none":
		cfg.Radio = false
	case "rts":
		cfg.Keyer = board.LineKeyer{Port: port}
	case "radio-rts", "radio-dtr":
		cfg.Keyer = onlyKey{board.LineKeyer{Port: port, DTR: c.PTT == "radio-dtr"}}
	default:
		line, _ := gpioLine(c.PTT) // checked with the config
		g, err := board.OpenGPIO(line)
		if err != nil {
			port.Close()
			return nil, fmt.Errorf("nothing keys the transmitter: %w", err)
		}
		cfg.Keyer, gpio = g, g
	}
	m, err := modem.NewSerial(cfg)
	if err != nil {
		port.Close()
		if gpio != nil {
			gpio.Close()
		}
		return nil, err
	}
	return serialModem{m, gpio}, nil
}

// A serialModem has what keys its transmitter.
type serialModem struct {
	*modem.Serial
	gpio io.Closer // or nil
}

// Close switches the transmitter off.
func (m serialModem) Close() error {
	err := m.Serial.Close()
	if m.gpio != nil {
		err = errors.Join(err, m.gpio.Close())
	}
	return err
}

// onlyKey hides CTS, which the modem does not serve when the transmitter is keyed past it.
type onlyKey struct{ modem.Keyer }

// What dts adds to a turnaround for a slot.
const slotMargin = 200 * time.Millisecond

// slower makes room in c for a modem that notices signals late.
func slower(c *subnet.Config, m *modem.Serial) {
	d := &c.CAS.DTS
	d.Guard = max(d.Guard, m.Guard())
	late := m.Blind()
	turn := max(0, c.Turnaround)
	d.Slot = turn + slotMargin + late
	d.Hold = d.Guard + turn + c.Waveform.Preamble + 2*slotMargin + late
	c.FixedRate = true // nobody but its owner changes what the modem is set to
}
