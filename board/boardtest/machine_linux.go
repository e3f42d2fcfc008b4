package boardtest

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Machine is a folder that plays a machine: proc, sys and dev are below it. What comes and goes is told by its Feed.
type Machine struct {
	Root string
	tb   testing.TB

	mu   sync.Mutex // guards the rest
	seq  int
	feed *Feed
}

// NewMachine makes one that has nothing.
func NewMachine(tb testing.TB) *Machine {
	tb.Helper()
	root, err := filepath.EvalSymlinks(tb.TempDir())
	if err != nil {
		tb.Fatal(err)
	}
	m := &Machine{Root: root, tb: tb, feed: newFeed()}
	for _, folder := range []string{"proc/device-tree", "sys/block", "sys/devices", "sys/class/leds", "sys/class/input", "dev/input"} {
		m.folder(folder)
	}
	return m
}

// Feed is the kernel's voice. After it was closed there is a new one.
func (m *Machine) Feed() *Feed {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.feed.closed() {
		m.feed = newFeed()
	}
	return m.feed
}

func (m *Machine) folder(name string) {
	m.tb.Helper()
	if err := os.MkdirAll(filepath.Join(m.Root, name), 0o755); err != nil {
		m.tb.Fatal(err)
	}
}

// Put writes a file.
func (m *Machine) Put(name, text string) {
	m.tb.Helper()
	m.folder(filepath.Dir(name))
	if err := os.WriteFile(filepath.Join(m.Root, name), []byte(text), 0o644); err != nil {
		m.tb.Fatal(err)
	}
}

// Get reads a file.
func (m *Machine) Get(name string) string {
	m.tb.Helper()
	b, err := os.ReadFile(filepath.Join(m.Root, name))
	if err != nil {
		m.tb.Fatal(err)
	}
	return strings.TrimSpace(string(b))
}

// Mute lets nothing that f does be told.
func (m *Machine) Mute(f func()) {
	m.mu.Lock()
	feed := m.feed
	m.feed = newFeed()
	m.mu.Unlock()
	f()
	m.mu.Lock()
	defer m.mu.Unlock()
	m.feed = feed
}

// Cmdline sets the kernel's command line.
func (m *Machine) Cmdline(text string) { m.Put("proc/cmdline", text+"\n") }

// Compatible sets the device tree's names of the board.
func (m *Machine) Compatible(names ...string) {
	m.Put("proc/device-tree/compatible", strings.Join(names, "\x00")+"\x00")
}

// LED adds one that the kernel blinks by itself.
func (m *Machine) LED(name string) {
	for file, text := range map[string]string{"trigger": "[heartbeat] none", "brightness": "0", "max_brightness": "255"} {
		m.Put(filepath.Join("sys/class/leds", name, file), text)
	}
}

// Bright is an LED's level.
func (m *Machine) Bright(name string) string {
	return m.Get(filepath.Join("sys/class/leds", name, "brightness"))
}

// Part is a partition of a stick, or the whole of it.
type Part struct {
	Number int
	Data   []byte
}

// Plug puts a stick in: parts by number, 0 is the disk itself. bus is "usb1", or another for a disk that is no stick.
func (m *Machine) Plug(bus, disk string, parts ...Part) {
	m.tb.Helper()
	m.mu.Lock()
	m.seq++
	seq := m.seq
	m.mu.Unlock()
	below := filepath.Join("/devices/pci0000:00", bus, "1-1/host0", "block", disk)
	m.Put(filepath.Join("sys", below, "size"), "32768\n")
	m.Put(filepath.Join("sys", below, "diskseq"), fmt.Sprintln(seq))
	m.Put(filepath.Join("dev", disk), strings.Repeat("\x00", 4096))
	told := []string{m.uevent("add", below, "block", disk, "disk")}
	for _, p := range parts {
		if p.Number == 0 {
			m.Put(filepath.Join("dev", disk), string(p.Data))
			continue
		}
		name := disk + strconv.Itoa(p.Number)
		m.Put(filepath.Join("sys", below, name, "partition"), fmt.Sprintln(p.Number))
		m.Put(filepath.Join("dev", name), string(p.Data))
		told = append(told, m.uevent("add", filepath.Join(below, name), "block", name, "partition"))
	}
	if err := os.Symlink(filepath.Join(m.Root, "sys", below), filepath.Join(m.Root, "sys/block", disk)); err != nil {
		m.tb.Fatal(err)
	}
	for _, message := range told {
		m.Feed().Say(message)
	}
}

// Pull takes a stick out.
func (m *Machine) Pull(disk string) {
	m.tb.Helper()
	link := filepath.Join(m.Root, "sys/block", disk)
	folder, err := filepath.EvalSymlinks(link)
	if err != nil {
		m.tb.Fatal(err)
	}
	below := strings.TrimPrefix(folder, filepath.Join(m.Root, "sys"))
	nodes, _ := filepath.Glob(filepath.Join(m.Root, "dev", disk+"*"))
	for _, name := range append(nodes, link, folder) {
		if err := os.RemoveAll(name); err != nil {
			m.tb.Fatal(err)
		}
	}
	m.Feed().Say(m.uevent("remove", below, "block", disk, "disk"))
}

// uevent is a message as the kernel writes it.
func (m *Machine) uevent(action, devpath, subsystem, devname, devtype string) string {
	words := []string{action + "@" + devpath, "ACTION=" + action, "DEVPATH=" + devpath, "SUBSYSTEM=" + subsystem, "MAJOR=8", "MINOR=0",
		"DEVNAME=" + devname}
	if devtype != "" {
		words = append(words, "DEVTYPE="+devtype)
	}
	return strings.Join(append(words, "SEQNUM=1"), "\x00") + "\x00"
}

// Key is a key of an input device.
type Key struct {
	code uint16
	pipe *os.File
	tb   testing.TB
}

// AddKey adds an input device, as event0, with one key.
func (m *Machine) AddKey(event string, code uint16) *Key {
	m.tb.Helper()
	node := filepath.Join(m.Root, "dev/input", event)
	if err := unix.Mkfifo(node, 0o600); err != nil {
		m.tb.Fatal(err)
	}
	// Both ends, so that neither opening waits for the other.
	pipe, err := os.OpenFile(node, os.O_RDWR, 0)
	if err != nil {
		m.tb.Fatal(err)
	}
	m.tb.Cleanup(func() { pipe.Close() })
	words := make([]string, code/strconv.IntSize+1)
	for i := range words {
		words[i] = "0"
	}
	words[0] = strconv.FormatUint(1<<(code%strconv.IntSize), 16)
	m.Put(filepath.Join("sys/class/input", event, "device/capabilities/key"), strings.Join(words, " ")+"\n")
	m.Feed().Say(m.uevent("add", "/devices/platform/keys/input/input0/"+event, "input", "input/"+event, ""))
	return &Key{code, pipe, m.tb}
}

// Press pushes the key down, or lets it go.
func (k *Key) Press(down bool) {
	k.tb.Helper()
	long := int(unsafe.Sizeof(uintptr(0)))
	event := make([]byte, 2*long, 2*long+8)
	event = binary.NativeEndian.AppendUint16(event, unix.EV_KEY)
	event = binary.NativeEndian.AppendUint16(event, k.code)
	value := uint32(0)
	if down {
		value = 1
	}
	event = binary.NativeEndian.AppendUint32(event, value)
	if _, err := k.pipe.Write(event); err != nil {
		k.tb.Fatal(err)
	}
}

// Feed is a fake of what the kernel says.
type Feed struct {
	messages chan string
	ended    chan struct{}
	once     sync.Once
}

func newFeed() *Feed { return &Feed{messages: make(chan string, 256), ended: make(chan struct{})} }

// Say queues a message. "" says that some were lost.
func (f *Feed) Say(message string) { f.messages <- message }

// Recv is the next message.
func (f *Feed) Recv() ([]byte, error) {
	select {
	case m := <-f.messages:
		if m == "" {
			return nil, unix.ENOBUFS
		}
		return []byte(m), nil
	case <-f.ended:
		return nil, os.ErrClosed
	}
}

// Close ends it.
func (f *Feed) Close() error {
	f.once.Do(func() { close(f.ended) })
	return nil
}

func (f *Feed) closed() bool {
	select {
	case <-f.ended:
		return true
	default:
		return false
	}
}

// FAT is the head of a device that looks like a FAT file system; nothing can mount it.
func FAT() []byte {
	b := make([]byte, 4096)
	copy(b, "\xeb\x3c\x90mkfs.fat")
	binary.LittleEndian.PutUint16(b[11:], 512)
	b[13], b[14], b[16] = 4, 1, 2
	copy(b[54:], "FAT16   ")
	b[510], b[511] = 0x55, 0xAA
	return b
}

// Ext4 is the same of an ext4 file system.
func Ext4() []byte {
	b := make([]byte, 4096)
	binary.LittleEndian.PutUint16(b[1024+0x38:], 0xEF53)
	return b
}
