package board

import (
	"runtime"
	"slices"
	"time"
)

// Profile is what a kind of board has. Zero fields mean that it does not have it.
type Profile struct {
	Name  string // as in kit.board= on the kernel's command line
	Title string
	Arch  string // GOARCH; "": any
	// Match are device-tree names ("compatible") of such boards.
	Match []string

	Serial   []PortInfo
	LEDs     []LED
	Button   Button
	Watchdog string // device
	RTC      string // device of the battery-backed clock
	GPS      string // serial port where a GPS receiver is looked for if kit.toml says "auto"
	PTT      string // output that keys a transmitter, as s5066d's setting "ptt" has it

	// Root is the folder that has the machine's sys, proc and dev; "" is the machine itself. Tests have a tree of their own.
	Root string
}

// PortInfo is a serial port.
type PortInfo struct {
	Device string
	Use    string // what it is on this board
}

// Colour is an LED's part in the lamp's language. A board whose LEDs look alike tells them by place (Label).
type Colour uint8

// The colours of lamps.
const (
	Green Colour = iota
	Amber
	Red
)

func (c Colour) String() string { return [...]string{"green", "amber", "red"}[c] }

// LED is a light.
type LED struct {
	Colour Colour
	Label  string   // what people see
	Names  []string // of it in /sys/class/leds; kernels differ
	GPIO   GPIOConfig
	// GPIO is used when none of the names is there; its zero value means that there is none.
}

// Button is a key that the kernel knows.
type Button struct {
	Key   uint16 // from linux/input-event-codes.h
	Label string
	Hold  time.Duration // how long it is held for a factory reset
}

// Keys of linux/input-event-codes.h.
const (
	keyF12     = 88
	keyRestart = 408
)

const resetHold = 10 * time.Second

// The PC is what is left when nothing else is known.
const pc = "pc"

// profiles is the data. Titles, pins and names are from the boards' manuals and the device trees of Linux 6.1 and newer.
var profiles = []Profile{
	{
		Name: "qemu-aarch64", Title: "QEMU virt, 64 bit", Arch: "arm64", Match: []string{"linux,dummy-virt"},
		Serial: []PortInfo{
			{"/dev/ttyAMA0", "console (PL011)"},
			{"/dev/ttyS0", "serial-attached SIS server or modem (pci-serial)"},
			{"/dev/ttyUSB0", "USB serial port (usb-serial)"},
		},
		Button:   Button{Key: keyF12, Label: "F12 on the USB keyboard", Hold: resetHold},
		Watchdog: "/dev/watchdog0", RTC: "/dev/rtc0", GPS: "/dev/ttyUSB0",
	},
	{
		Name: "qemu-armv7", Title: "QEMU virt, 32 bit", Arch: "arm", Match: []string{"linux,dummy-virt"},
		Serial: []PortInfo{
			{"/dev/ttyAMA0", "console (PL011)"},
			{"/dev/ttyS0", "serial-attached SIS server or modem (pci-serial)"},
			{"/dev/ttyUSB0", "USB serial port (usb-serial)"},
		},
		Button:   Button{Key: keyF12, Label: "F12 on the USB keyboard", Hold: resetHold},
		Watchdog: "/dev/watchdog0", RTC: "/dev/rtc0", GPS: "/dev/ttyUSB0",
	},
	{
		Name: "rpi4", Title: "Raspberry Pi 4 B or Compute Module 4", Arch: "arm64",
		Match: []string{"raspberrypi,4-model-b", "raspberrypi,4-compute-module", "raspberrypi,4-compute-module-io"},
		Serial: []PortInfo{
			{"/dev/ttyAMA0", "pins 8 and 10 of the header (PL011, with Bluetooth off)"},
			{"/dev/ttyUSB0", "USB serial adapter"},
			{"/dev/ttyACM0", "USB modem or GPS receiver"},
		},
		LEDs: []LED{
			{Colour: Green, Label: "ACT, green", Names: []string{"ACT", "led0"}},
			{Colour: Red, Label: "PWR, red", Names: []string{"PWR", "led1"}},
		},
		Button:   Button{Key: keyRestart, Label: "between pins 39 (ground) and 40 (GPIO 21) of the header", Hold: resetHold},
		Watchdog: "/dev/watchdog0", RTC: "/dev/rtc0", GPS: "/dev/ttyACM0", PTT: "gpio:GPIO17",
	},
	{
		Name: "bbb", Title: "BeagleBone Black", Arch: "arm", Match: []string{"ti,am335x-bone-black"},
		Serial: []PortInfo{
			{"/dev/ttyS0", "console (J1)"},
			{"/dev/ttyS1", "P9.24 and P9.26 (UART1)"},
			{"/dev/ttyS4", "P9.13 and P9.11 (UART4)"},
			{"/dev/ttyUSB0", "USB serial adapter"},
			{"/dev/ttyACM0", "USB modem or GPS receiver"},
		},
		LEDs: []LED{ // all four look blue, in a row
			{Colour: Green, Label: "USR0", Names: []string{"beaglebone:green:usr0", "beaglebone:green:heartbeat"}},
			{Colour: Amber, Label: "USR1", Names: []string{"beaglebone:green:usr1", "beaglebone:green:mmc0"}},
			{Colour: Red, Label: "USR2", Names: []string{"beaglebone:green:usr2", "beaglebone:green:cpu0"}},
		},
		Button:   Button{Key: keyRestart, Label: "between P9.1 (ground) and P9.12 (GPIO 1_28)", Hold: resetHold},
		Watchdog: "/dev/watchdog0", RTC: "/dev/rtc0", GPS: "/dev/ttyACM0", PTT: "gpio:P9_15A",
	},
	{Name: pc, Title: "PC, or a board not known"},
}

// Profiles are all boards that are known, the PC last.
func Profiles() []Profile {
	out := slices.Clone(profiles)
	for i, p := range out {
		out[i].Match, out[i].Serial, out[i].LEDs = slices.Clone(p.Match), slices.Clone(p.Serial), slices.Clone(p.LEDs)
	}
	return out
}

// Find is the profile of that name.
func Find(name string) (p Profile, ok bool) {
	for _, p := range Profiles() {
		if p.Name == name {
			return p, true
		}
	}
	return Profile{}, false
}

// fits tells whether a profile is of a device tree's name and a machine's architecture.
func (p Profile) fits(name, arch string) bool {
	return (p.Arch == "" || p.Arch == arch) && slices.Contains(p.Match, name)
}

// Detect tells what board this is, and by what: kit.board= on the kernel's command line, else the device tree. What nobody knows is a PC.
// root is where proc is, "" for the machine's own.
func Detect(root string) (p Profile, how string) {
	p, how = detect(root, runtime.GOARCH)
	p.Root = root
	return p, how
}
