package board

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/tarm/serial"
	"golang.org/x/sys/unix"
)

// ErrGone is wrapped when the hardware was taken away.
var ErrGone = errors.New("the port is gone; was the cable pulled?")

// explain says why a port cannot be opened, and what helps.
func explain(c PortConfig, err error) error {
	var errno syscall.Errno
	why := ""
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, unix.ENODEV), errors.Is(err, unix.ENXIO):
		why = "is it plugged in? " + there()
	case errors.Is(err, fs.ErrPermission):
		group := owner(c.Name)
		why = fmt.Sprintf("this user is not in group %[1]s: 'usermod -aG %[1]s USER' and a new login help", group)
	case errors.Is(err, unix.EBUSY), errors.Is(err, unix.EWOULDBLOCK):
		why = "another program uses it; see 'fuser " + c.Name + "'"
	case errors.Is(err, unix.ENOTTY), errors.Is(err, unix.EINVAL), errors.Is(err, unix.EISDIR):
		why = "it is no serial port; " + there()
	case errors.Is(err, unix.EIO):
		why = "there is no hardware behind it; " + there()
	case errors.Is(err, serial.ErrBadSize), errors.Is(err, serial.ErrBadStopBits), errors.Is(err, serial.ErrBadParity):
	case !errors.As(err, &errno): // all that is left of tarm/serial's own errors
		why = fmt.Sprintf("%d baud is no rate a port knows; usual are 9600, 19200, 38400, 57600, 115200", c.Baud)
	}
	var path *fs.PathError
	if errors.As(err, &path) {
		err = path.Err
	}
	if why == "" {
		return fmt.Errorf("board: serial port %s: %w", c.Name, err)
	}
	return fmt.Errorf("board: serial port %s: %w: %s", c.Name, err, why)
}

// owner is the group that may use a device.
func owner(name string) string {
	info, err := os.Stat(name)
	if err == nil {
		if st, ok := info.Sys().(*syscall.Stat_t); ok {
			if g, err := user.LookupGroupId(strconv.Itoa(int(st.Gid))); err == nil {
				return g.Name
			}
		}
	}
	return "dialout"
}

// there lists the serial ports this machine seems to have.
func there() string {
	var names []string
	for _, glob := range []string{"/dev/ttyUSB*", "/dev/ttyACM*", "/dev/ttyAMA*", "/dev/ttyS?"} {
		found, _ := filepath.Glob(glob)
		names = append(names, found...)
	}
	if len(names) == 0 {
		return "this machine has no serial ports"
	}
	slices.Sort(names)
	return "there are " + strings.Join(names[:min(len(names), 8)], ", ")
}
