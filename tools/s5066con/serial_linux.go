package main

import (
	"io"

	"longwire/board"
)

// openSerial opens the line to a server. Choice: no handshake, as many cables have three wires; S_DATA_FLOW_OFF holds us back.
func openSerial(name string, baud int) (io.ReadWriteCloser, error) {
	return orNil(board.Open(board.PortConfig{Name: name, Baud: baud}))
}
