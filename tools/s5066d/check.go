package main

import (
	"fmt"
	"math"
	"net"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"longwire/board"
	"longwire/links/dts"
	"longwire/links/modem"
	"longwire/links/sis"
)

// check finds what is wrong in meaning.
func (c *Config) check() Faults {
	k := &checker{c: c}
	if a, err := dts.ParseAddress(c.Address); err != nil || a.Group() || a == 0 {
		k.fault("address", `%q is not the address of a node; write "1.1.0.1", with a first number up to 15`, c.Address)
	}
	for _, g := range c.Groups {
		if a, err := dts.ParseAddress(g); err != nil || !a.Group() {
			k.fault("groups", `%q is not the address of a group; its first number is 16 to 31`, g)
		}
	}
	if c.Control == "" {
		k.fault("control", "the control socket needs a path")
	}
	k.clients()
	k.modem()
	k.rest()
	return k.fs
}

func (k *checker) clients() {
	c := &k.c.Clients
	if len(c.Listen)+len(c.Serial) == 0 && c.VsockPort == 0 {
		k.fault("clients.listen", "nobody can reach this node; name an address, a serial line or a vsock port")
	}
	for _, a := range c.Listen {
		_, port, err := net.SplitHostPort(a)
		if n, numeric := strconv.Atoi(port); err != nil || numeric != nil || n < 0 || n > 65535 {
			k.fault("clients.listen", `%q is no address to listen at; write "127.0.0.1:5066"`, a)
		}
	}
	for _, s := range c.Serial {
		if _, _, err := serialLine(s); err != nil {
			k.fault("clients.serial", "%v", err)
		}
	}
	k.within("clients.vsock_port", c.VsockPort, 0, math.MaxInt32)
	k.within("clients.max", c.Max, 5, 16) // S5066 F.16: at least 5
	for _, s := range c.SAPs {
		k.within("clients.saps", s, 0, 15)
	}
	k.within("clients.max_rank", c.MaxRank, 1, 15)
	k.span("clients.max_ttl", c.MaxTTL, 2*time.Second, sis.MaxTTL.Duration())
	k.within("clients.queue", c.Queue, 1, 256)
	k.within("clients.queue_kib", c.QueueKiB, 4, 4096)
	k.within("clients.expedited", c.Expedited, 1, 1000)
	k.within("clients.rate", c.Rate, 1, 100_000)
}

// serialLine reads "/dev/ttyS1@9600".
func serialLine(s string) (port string, baud int, err error) {
	port, speed, ok := strings.Cut(s, "@")
	if baud = 9600; ok {
		if baud, err = strconv.Atoi(speed); err != nil || baud <= 0 {
			return "", 0, fmt.Errorf(`%q has no speed behind the @; write "/dev/ttyS1@9600"`, s)
		}
	}
	if !filepath.IsAbs(port) {
		return "", 0, fmt.Errorf(`%q is no path of a serial line; write "/dev/ttyS1@9600"`, s)
	}
	return port, baud, nil
}

func (k *checker) modem() {
	m := &k.c.Modem
	k.word("modem.type", m.Type, "channel", "serial")
	k.word("modem.interleaver", m.Interleaver, "short", "long")
	if _, err := m.waveform(); err != nil && (m.Interleaver == "short" || m.Interleaver == "long") {
		k.fault("modem.rate", "%s", strings.TrimPrefix(err.Error(), "modem: "))
	}
	if name := k.c.Name; m.Type == "channel" && name != "" {
		if err := modem.CheckName(name); err != nil {
			k.fault("name", "%s", strings.TrimPrefix(err.Error(), "modem: "))
		}
	}
	if _, _, err := net.SplitHostPort(m.Channel); m.Type == "channel" && m.Channel != "" && !strings.ContainsRune(m.Channel, '/') && err != nil {
		k.fault("modem.channel", `%q is neither host:port nor the path of a unix socket; write "127.0.0.1:7066"`, m.Channel)
	}
	k.span("modem.turnaround", m.Turnaround, 0, time.Minute)
	switch {
	case m.Type == "channel" && m.Channel == "":
		k.fault("modem.channel", `say where the channel is served, as in "127.0.0.1:7066"`)
	case m.Type == "serial" && !filepath.IsAbs(m.Port):
		k.fault("modem.port", `%q is no path of a serial line; write "/dev/ttyUSB0"`, m.Port)
	case m.Type == "serial" && m.Baud <= 0:
		k.fault("modem.baud", "%d is no speed; write 9600", m.Baud)
	case m.Type == "serial" && 8*m.Baud < 10*m.Rate:
		k.fault("modem.baud", "a line of %d baud is too slow for %d bit/s; write at least %d", m.Baud, m.Rate, (10*m.Rate+7)/8)
	case m.Type == "serial" && !slices.Contains([]string{"rts", "radio-rts", "radio-dtr", "none"}, m.PTT):
		if _, err := gpioLine(m.PTT); err != nil {
			k.fault("modem.ptt", "%v", err)
		}
	}
}

// gpioLine reads "gpio:/dev/gpiochip0:17" or "gpio:GPIO17".
func gpioLine(s string) (board.GPIOConfig, error) {
	rest, ok := strings.CutPrefix(s, "gpio:")
	chip, number, found := strings.Cut(rest, ":")
	if ok && !found && rest != "" && !strings.ContainsAny(rest, "/ ") && strings.Trim(rest, "0123456789") != "" {
		return board.GPIOConfig{Name: rest}, nil
	}
	line, bad := strconv.Atoi(number)
	if !ok || !found || bad != nil || line < 0 || !filepath.IsAbs(chip) {
		return board.GPIOConfig{}, fmt.Errorf(`%q keys no transmitter; write "rts", "radio-rts", "radio-dtr", "none", "gpio:/dev/gpiochip0:17" or "gpio:GPIO17"`, s)
	}
	return board.GPIOConfig{Chip: chip, Line: line}, nil
}

// at is where it is.
func (m *Modem) at() string {
	if m.Type == "serial" {
		return m.Port
	}
	return m.Channel
}

func (m *Modem) waveform() (modem.Waveform, error) {
	il := dts.ShortInterleaver
	if m.Interleaver == "long" {
		il = dts.LongInterleaver
	}
	return modem.Find(m.Rate, il)
}

func (k *checker) rest() {
	t, a := &k.c.Timers, &k.c.ARQ
	k.span("timers.idle", t.Idle, 0, 0)
	k.span("timers.first", t.First, time.Millisecond, 0)
	k.span("timers.called_min", t.CalledMin, time.Millisecond, 0)
	k.span("timers.soft_max", t.SoftMax, time.Millisecond, 0)
	k.span("timers.guard", t.Guard, time.Millisecond, 0)
	k.span("timers.hard_link_wait", t.HardLinkWait, time.Millisecond, 0)
	k.span("timers.hard_link_idle", t.HardLinkIdle, time.Millisecond, 0)
	k.span("timers.client_wait", t.ClientWait, time.Millisecond, 0)
	k.within("arq.segment", a.Segment, 0, dts.MaxSegment)
	k.within("arq.window", a.Window, 1, 128)
	k.within("arq.tries", a.Tries, 1, 1000)
	k.within("arq.link_tries", a.LinkTries, 1, 100)
	k.within("arq.max_links", a.MaxLinks, 1, 64)
	k.span("arq.max_transmission", a.MaxTransmission, 5*time.Second, dts.MaxTransmission)
	k.within("trace.max_mib", k.c.Trace.MaxMiB, 1, 4096)
	k.within("trace.keep", k.c.Trace.Keep, 0, 100)
	k.word("log.level", k.c.Log.Level, "debug", "info", "warn", "error")
	k.word("log.format", k.c.Log.Format, "text", "json")
}
