package board

import (
	"bytes"
	"errors"
	"strings"
)

// Uevent is what the kernel says about a device: Documentation/ABI/testing/sysfs-uevent and lib/kobject_uevent.c of Linux.
type Uevent struct {
	Action    string // add, remove, change …
	Devpath   string // below /sys
	Subsystem string
	Devname   string // below /dev
	Devtype   string // of block devices: disk or partition
}

// maxUevent is the kernel's own bound: UEVENT_BUFFER_SIZE and the head.
const maxUevent = 4096

var errUevent = errors.New("board: no uevent of the kernel")

// ParseUevent reads a message of the kernel: "ACTION@DEVPATH", then "KEY=value" strings, each ended by a NUL.
func ParseUevent(b []byte) (Uevent, error) {
	if len(b) > maxUevent || len(b) == 0 || b[len(b)-1] != 0 {
		return Uevent{}, errUevent
	}
	head, rest, _ := bytes.Cut(b, []byte{0})
	action, devpath, ok := strings.Cut(string(head), "@")
	if !ok || action == "" || !strings.HasPrefix(devpath, "/") {
		return Uevent{}, errUevent // "libudev" is udevd's own to its friends
	}
	e := Uevent{Action: action, Devpath: devpath}
	for len(rest) > 0 {
		var pair []byte
		pair, rest, _ = bytes.Cut(rest, []byte{0})
		key, value, _ := strings.Cut(string(pair), "=")
		switch key {
		case "SUBSYSTEM":
			e.Subsystem = value
		case "DEVNAME":
			e.Devname = strings.TrimPrefix(value, "/dev/")
		case "DEVTYPE":
			e.Devtype = value
		}
	}
	return e, nil
}
