package board

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// GPIOConfig names an output.
type GPIOConfig struct {
	// Name is that of the line in the machine's device tree, as GPIO17; 'gpioinfo' shows them. Chip and Line count without a Name: chips
	// are numbered as their drivers come.
	Name string
	// Chip is a character device as /dev/gpiochip0, or a folder of the older interface, as a rule /sys/class/gpio.
	Chip string
	Line int  // of the chip; with the older interface the number of the line in all of the machine
	Low  bool // the low level is "on"
}

// GPIO is an output that is off at first and when it is closed. A process that dies leaves it as it is, so a transmitter that is keyed
// by it needs a time-out timer of its own.
type GPIO struct {
	name string
	mu   sync.Mutex // guards the rest
	set  func(on bool) error
	end  func() error
}

// OpenGPIO takes an output.
func OpenGPIO(c GPIOConfig) (*GPIO, error) {
	g := &GPIO{name: fmt.Sprintf("GPIO line %d of %s", c.Line, c.Chip)}
	if c.Name != "" {
		g.name = "GPIO line " + c.Name
		found, err := findLine(c.Name)
		if err != nil {
			return nil, explainGPIO(g.name, err)
		}
		c.Chip, c.Line = found.Chip, found.Line
	}
	if c.Line < 0 {
		return nil, fmt.Errorf("board: %s: no such line", g.name)
	}
	info, err := os.Stat(c.Chip)
	if err == nil {
		if info.IsDir() {
			err = g.openFolder(c)
		} else {
			err = g.openChip(c)
		}
	}
	if err != nil {
		return nil, explainGPIO(g.name, err)
	}
	return g, nil
}

func explainGPIO(name string, err error) error {
	switch {
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("board: %s: %w: the user needs the right to write it, by group gpio as a rule", name, err)
	case errors.Is(err, unix.EBUSY):
		return fmt.Errorf("board: %s: %w: a driver or another program uses it; see 'gpioinfo'", name, err)
	case errors.Is(err, unix.EINVAL):
		return fmt.Errorf("board: %s: %w: there is no such line; see 'gpioinfo'", name, err)
	case errors.Is(err, fs.ErrNotExist):
		found, _ := filepath.Glob("/dev/gpiochip*")
		return fmt.Errorf("board: %s: %w: chips of this machine: [%s]", name, err, strings.Join(found, " "))
	}
	return fmt.Errorf("board: %s: %w", name, err)
}

// Set switches the output.
func (g *GPIO) Set(on bool) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.set == nil {
		return fmt.Errorf("board: %s: %w", g.name, os.ErrClosed)
	}
	if err := g.set(on); err != nil {
		return fmt.Errorf("board: %s: %w", g.name, err)
	}
	return nil
}

// Key is Set, for a transmitter.
func (g *GPIO) Key(on bool) error { return g.Set(on) }

// Close switches the output off and gives it back.
func (g *GPIO) Close() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.set == nil {
		return nil
	}
	err := errors.Join(g.set(false), g.end())
	g.set, g.end = nil, nil
	if err != nil {
		return fmt.Errorf("board: %s: %w", g.name, err)
	}
	return nil
}

// lineRequest asks for an output that is off.
func lineRequest(c GPIOConfig) unix.GPIOV2LineRequest {
	r := unix.GPIOV2LineRequest{Num_lines: 1}
	r.Offsets[0] = uint32(c.Line)
	copy(r.Consumer[:len(r.Consumer)-1], "longwire ptt")
	// From linux/gpio.h; x/sys/unix has the structures and not these.
	const activeLow, output = 1 << 1, 1 << 3
	r.Config.Flags = output
	if c.Low {
		r.Config.Flags |= activeLow
	}
	// "Off" is the first value, so that nothing is keyed for a moment. With activeLow the kernel makes a high level of it.
	r.Config.Attrs[0] = unix.GPIOV2LineConfigAttribute{Mask: 1, Attr: unix.GPIOV2LineAttribute{Id: unix.GPIO_V2_LINE_ATTR_ID_OUTPUT_VALUES}}
	r.Config.Num_attrs = 1
	return r
}

func (g *GPIO) openChip(c GPIOConfig) error {
	chip, err := os.OpenFile(c.Chip, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer chip.Close()
	r := lineRequest(c)
	if err := ioctl(chip, unix.GPIO_V2_GET_LINE_IOCTL, unsafe.Pointer(&r)); err != nil {
		return err
	}
	line := os.NewFile(uintptr(r.Fd), g.name)
	g.set = func(on bool) error {
		v := unix.GPIOV2LineValues{Mask: 1}
		if on {
			v.Bits = 1
		}
		return ioctl(line, unix.GPIO_V2_LINE_SET_VALUES_IOCTL, unsafe.Pointer(&v))
	}
	g.end = line.Close
	return nil
}

func ioctl(f *os.File, request uintptr, arg unsafe.Pointer) error {
	c, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var no unix.Errno
	err = c.Control(func(fd uintptr) { _, _, no = unix.Syscall(unix.SYS_IOCTL, fd, request, uintptr(arg)) })
	if err == nil && no != 0 {
		err = no
	}
	return err
}

// openFolder is the older interface: files.
func (g *GPIO) openFolder(c GPIOConfig) error {
	number := strconv.Itoa(c.Line)
	line := filepath.Join(c.Chip, "gpio"+number)
	exported := false
	if _, err := os.Stat(line); errors.Is(err, fs.ErrNotExist) {
		if err := put(filepath.Join(c.Chip, "export"), number); err != nil {
			return err
		}
		exported = true
	}
	// active_low goes first, and "low" and "high" mean levels, so that nothing is keyed for a moment.
	low, off := "0", "low"
	if c.Low {
		low, off = "1", "high"
	}
	prepare := func() error {
		if err := put(filepath.Join(line, "active_low"), low); err != nil {
			return err
		}
		return put(filepath.Join(line, "direction"), off)
	}
	err := prepare()
	// After an export, udev may need a moment to give the files to our group.
	for start := time.Now(); exported && err != nil && time.Since(start) < time.Second; err = prepare() {
		time.Sleep(10 * time.Millisecond)
	}
	if err != nil {
		return err
	}
	g.set = func(on bool) error {
		if on {
			return put(filepath.Join(line, "value"), "1")
		}
		return put(filepath.Join(line, "value"), "0")
	}
	g.end = func() error {
		if !exported {
			return nil
		}
		return put(filepath.Join(c.Chip, "unexport"), number)
	}
	return nil
}

// put writes to a file that is there already.
func put(name, value string) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_TRUNC, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(value)
	return errors.Join(err, f.Close())
}
