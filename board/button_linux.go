package board

import (
	"context"
	"encoding/binary"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// ButtonHeld calls held each time that the board's button has been down for its Hold, until ctx is done. A button that comes later, as a
// USB keyboard, is found when the kernel tells of it. Without a button it just waits.
func ButtonHeld(ctx context.Context, p Profile, held func()) error {
	feed, err := OpenFeed()
	if err != nil {
		return err
	}
	return ButtonHeldFrom(ctx, p, feed, held)
}

// ButtonHeldFrom is ButtonHeld with events from a feed, which it closes.
func ButtonHeldFrom(ctx context.Context, p Profile, feed Feed, held func()) error {
	inner, cancel := context.WithCancel(ctx)
	devices, ended := make(chan struct{}), make(chan error, 1)
	go func() { ended <- readInputs(inner, feed, devices) }()
	presses := make(chan bool)
	open := make(map[string]chan struct{}) // devices that are read, and what their ends close
	gone := make(chan string)
	defer func() {
		cancel()
		feed.Close()
		<-ended
		for _, done := range open {
			<-done
		}
	}()
	look := func() {
		for _, name := range p.keyDevices(p.Button.Key) {
			if open[name] != nil {
				continue
			}
			done := make(chan struct{})
			open[name] = done
			go func() {
				defer close(done)
				readKey(inner, p.path(filepath.Join("/dev/input", name)), p.Button.Key, presses)
				select {
				case gone <- name:
				case <-inner.Done():
				}
			}()
		}
	}
	look()
	var full <-chan time.Time
	for {
		select {
		case down := <-presses:
			full = nil
			if down {
				full = time.After(p.Button.Hold)
			}
		case <-full:
			full = nil
			held()
		case name := <-gone:
			delete(open, name)
			full = nil
		case <-devices:
			look()
		case err := <-ended:
			ended <- err
			if ctx.Err() != nil {
				return nil
			}
			return err
		case <-ctx.Done():
			return nil
		}
	}
}

// readInputs tells when input devices come.
func readInputs(ctx context.Context, feed Feed, devices chan<- struct{}) error {
	for {
		e, missed, err := recv(feed)
		if err != nil {
			return err
		}
		if !missed && (e.Subsystem != "input" || e.Action != "add" || !strings.HasPrefix(e.Devname, "input/event")) {
			continue
		}
		select {
		case devices <- struct{}{}:
		case <-ctx.Done():
			return nil
		}
	}
}

// keyDevices are the names in /dev/input of what has a key.
func (p Profile) keyDevices(key uint16) []string {
	if key == 0 {
		return nil
	}
	var names []string
	found, _ := filepath.Glob(p.path("/sys/class/input/event*/device/capabilities/key"))
	for _, f := range found {
		if hasKey(readSmall(f), key, strconv.IntSize) {
			names = append(names, filepath.Base(filepath.Dir(filepath.Dir(filepath.Dir(f)))))
		}
	}
	return names
}

// hasKey reads a bitmap of /sys: words of the kernel's long in hex, the highest first, leading zeros left out.
func hasKey(bitmap string, key uint16, wordBits int) bool {
	words := strings.Fields(bitmap)
	at := len(words) - 1 - int(key)/wordBits
	if at < 0 {
		return false
	}
	n, err := strconv.ParseUint(words[at], 16, 64)
	return err == nil && n&(1<<(int(key)%wordBits)) != 0
}

// From linux/input.h: struct input_event is two longs of time, then type, code and value.
const (
	eventHead = 2 * int(unsafe.Sizeof(uintptr(0)))
	eventSize = eventHead + 8
	evKey     = 1
)

// readKey tells of a key until its device goes or ctx is done.
func readKey(ctx context.Context, device string, key uint16, presses chan<- bool) {
	if err := waitFor(device); err != nil {
		return
	}
	f, err := os.OpenFile(device, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return
	}
	defer f.Close()
	stop := context.AfterFunc(ctx, func() { f.Close() })
	defer stop()
	say := func(down bool) {
		select {
		case presses <- down:
		case <-ctx.Done():
		}
	}
	if isDown(f, key) { // held since before we looked
		say(true)
	}
	b := make([]byte, eventSize)
	for {
		n, err := f.Read(b)
		if err != nil || n != eventSize {
			return
		}
		kind, code := binary.NativeEndian.Uint16(b[eventHead:]), binary.NativeEndian.Uint16(b[eventHead+2:])
		value := binary.NativeEndian.Uint32(b[eventHead+4:])
		if kind == evKey && code == key && value < 2 { // 2: it repeats
			say(value == 1)
		}
	}
}

// isDown asks for the keys that are down now: EVIOCGKEY, _IOC(_IOC_READ, 'E', 0x18, len).
func isDown(f *os.File, key uint16) bool {
	var bits [96]byte // KEY_MAX is 0x2ff
	const request = 2<<30 | unsafe.Sizeof(bits)<<16 | 'E'<<8 | 0x18
	if err := ioctl(f, request, unsafe.Pointer(&bits)); err != nil {
		return false
	}
	return bits[key/8]&(1<<(key%8)) != 0
}
