//go:build !linux

package main

import (
	"errors"
	"io"
)

func openSerial(string, int) (io.ReadWriteCloser, error) {
	return nil, errors.New("s5066con: serial lines need Linux here; reach the server by tcp")
}
