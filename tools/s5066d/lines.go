package main

import (
	"errors"

	"longwire/links/modem"
	"longwire/links/sis"
)

// openLines opens the serial lines of clients.
func (s *server) openLines() ([]sis.Carrier, error) {
	if len(s.cfg.Clients.Serial) > 0 {
		return nil, errors.New("serial clients: not built in yet")
	}
	return nil, nil
}

func (s *server) openSerialModem() (modem.Modem, error) {
	return nil, errors.New("serial modem: not built in yet")
}
