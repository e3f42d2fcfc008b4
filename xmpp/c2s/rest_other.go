//go:build !linux

package c2s

import (
	"errors"
	"net"
)

func canRest(net.Conn) bool { return false }

func readable(net.Conn) error { return errors.ErrUnsupported }
