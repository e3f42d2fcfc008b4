// Package guest starts kits as virtual machines in QEMU, without KVM, and does to them what people and bad luck do to kits: plug sticks,
// hold the button, cut the power. Nothing of a guest outlives the tool.
package guest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"longwire/tools/rig"
)

// Patience is how much longer anything may take than on a quiet machine.
const Patience = 5

// A Machine says what a guest is made of.
type Machine struct {
	Name  string // for messages, and of the files in Dir
	Board string // "qemu-aarch64" or "qemu-armv7"
	Dir   string // its folder, for sockets and logs; paths of sockets must stay short
	Disk  string // a raw image that the guest writes
	Flash string // what the boot loader finds in its flash chip at the first start; "": nothing
	RAM   int    // MiB; 0: 128
	CPUs  int    // 0: 1
	RTC   string // what the clock says at the start, as in "1970-01-01T00:00:00"; "": the truth
	Ports []int  // TCP ports of the guest that are reached through Address
	Radio bool   // a second UART, whose other end is RadioPort
	Quiet bool   // QEMU runs at a lower priority
	State string // go on from what Save has written, with a copy of the disk of that moment
}

// A Guest is a Machine that was started. All methods may be called from any goroutine.
type Guest struct {
	Machine
	Console *Console
	Started time.Time

	cmd    *exec.Cmd
	exited chan struct{} // closed when QEMU has been waited for
	qmp    *monitor
	ports  map[int]int

	mu     sync.Mutex // guards what follows
	sticks map[string]bool
}

// A kind is what differs between the boards that QEMU has.
type kind struct {
	program, firmware string
	machine, cpu      string
	watchdog          bool // there is an i6300esb, and the guest's kernel knows it
}

var kinds = map[string]kind{
	"qemu-aarch64": {"qemu-system-aarch64", "/usr/lib/u-boot/qemu_arm64/u-boot.bin", "virt", "cortex-a53", true},
	// Debian's armmp kernel has no LPAE: with highmem it sees no PCI device at all. Nor has it the driver of the i6300esb.
	"qemu-armv7": {"qemu-system-arm", "/usr/lib/u-boot/qemu_arm/u-boot.bin", "virt,highmem=off", "cortex-a7", false},
}

// Boards are those that there are guests for.
func Boards() []string { return []string{"qemu-aarch64", "qemu-armv7"} }

// flash is the size of each of the two flash chips of virt.
const flash = 64 << 20

// Start runs QEMU with nothing plugged in and returns when it answers.
func Start(ctx context.Context, m Machine) (*Guest, error) {
	k, ok := kinds[m.Board]
	if !ok {
		return nil, fmt.Errorf("guest: there is no board %q; there are %s", m.Board, strings.Join(Boards(), " and "))
	}
	if err := os.MkdirAll(m.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("guest: %w", err)
	}
	g := &Guest{Machine: m, ports: map[int]int{}, sticks: map[string]bool{}}
	for _, inside := range m.Ports {
		outside := 0
		if err := rig.Ports(loopback, &outside); err != nil {
			return nil, err
		}
		g.ports[inside] = outside
	}
	env := g.file("env")
	if err := m.fillFlash(env); err != nil {
		return nil, err
	}
	os.Remove(g.file("qmp")) // of an earlier start
	log, err := os.OpenFile(g.file("console.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("guest: %w", err)
	}
	args := append([]string{k.program}, g.arguments(k, env)...)
	if m.Quiet {
		args = append([]string{"nice", "-n", "10"}, args...)
	}
	cmd := exec.Command(args[0], args[1:]...)
	cmd.SysProcAttr = rig.ChildAttr()
	g.Console = newConsole(log)
	var faults bytes.Buffer
	cmd.Stdout, cmd.Stderr = g.Console, &faults
	g.Started = time.Now()
	if err := cmd.Start(); err != nil {
		log.Close()
		return nil, fmt.Errorf("guest: %w", err)
	}
	g.cmd, g.exited = cmd, make(chan struct{})
	go func() {
		cmd.Wait()
		log.Close()
		close(g.exited)
	}()
	ctx, cancel := context.WithTimeout(ctx, Patience*4*time.Second)
	defer cancel()
	if g.qmp, err = dialMonitor(ctx, g.file("qmp"), g.exited); err != nil {
		g.Kill()
		return nil, fmt.Errorf("guest: %s: QEMU: %w\n%s", m.Name, err, faults.Bytes())
	}
	if m.State != "" {
		if err := g.resume(ctx); err != nil {
			g.Kill()
			return nil, fmt.Errorf("%w\n%s", err, faults.Bytes())
		}
	}
	return g, nil
}

const loopback = "127.0.0.1"

func (g *Guest) file(name string) string { return filepath.Join(g.Dir, g.Name+"."+name) }

func (g *Guest) arguments(k kind, env string) []string {
	ram, cpus, rtc := g.RAM, g.CPUs, "base=utc"
	if ram == 0 {
		ram = 128
	}
	if cpus == 0 {
		cpus = 1
	}
	if g.RTC != "" {
		rtc = "base=" + g.RTC
	}
	net := "user,id=net"
	for inside, outside := range g.ports {
		net += fmt.Sprintf(",hostfwd=tcp:%s:%d-:%d", loopback, outside, inside)
	}
	args := []string{
		"-M", k.machine, "-cpu", k.cpu, "-smp", fmt.Sprint(cpus), "-m", fmt.Sprint(ram), "-nodefaults", "-display", "none", "-rtc", rtc,
		"-bios", k.firmware, "-drive", "if=pflash,unit=1,format=raw,file=" + env,
		"-chardev", "stdio,id=console,signal=off", "-serial", "chardev:console",
		"-qmp", "unix:" + g.file("qmp") + ",server=on,wait=off",
		"-drive", "if=none,id=disk,format=raw,cache=writeback,file=" + g.Disk, "-device", "virtio-blk-pci,drive=disk",
		"-netdev", net, "-device", "virtio-net-pci,netdev=net,romfile=",
		"-device", "virtio-rng-pci", "-device", "qemu-xhci,id=usb", "-device", "usb-kbd,bus=usb.0",
	}
	if k.watchdog {
		args = append(args, "-device", "i6300esb", "-action", "watchdog=reset")
	}
	if g.State != "" {
		args = append(args, "-incoming", "exec:cat '"+g.State+"'")
	}
	if g.Radio {
		args = append(args, "-chardev", "pty,id=radio", "-device", "pci-serial,chardev=radio")
	}
	return args
}

// Address is where a TCP port of the guest is reached.
func (g *Guest) Address(port int) string { return fmt.Sprintf("%s:%d", loopback, g.ports[port]) }

// RadioPort is the other end of the second UART, a terminal of this machine.
func (g *Guest) RadioPort(ctx context.Context) (string, error) {
	var list []struct{ Label, Filename string }
	if err := g.qmp.execute(ctx, "query-chardev", nil, &list); err != nil {
		return "", err
	}
	for _, c := range list {
		if path, ok := strings.CutPrefix(c.Filename, "pty:"); ok && c.Label == "radio" {
			return path, nil
		}
	}
	return "", fmt.Errorf("guest: %s has no second UART", g.Name)
}

// Cut is a power cut: QEMU is killed. What the guest had handed to its disk is there afterwards, what it kept in its memory is not.
func (g *Guest) Cut() { g.Kill() }

// Kill ends QEMU, and waits.
func (g *Guest) Kill() {
	g.cmd.Process.Kill()
	<-g.exited
}

// Exited is closed when QEMU has ended.
func (g *Guest) Exited() <-chan struct{} { return g.exited }

// PID is QEMU's.
func (g *Guest) PID() int { return g.cmd.Process.Pid }

// Running tells whether QEMU is there and the guest's processor runs.
func (g *Guest) Running(ctx context.Context) (bool, error) {
	var st struct{ Running bool }
	err := g.qmp.execute(ctx, "query-status", nil, &st)
	return st.Running, err
}

// Resets are how often the guest was reset so far, and how often of those by its watchdog.
func (g *Guest) Resets() (all, watchdog int) { return g.qmp.count("RESET"), g.qmp.count("WATCHDOG") }

// Hold presses a key of the guest's keyboard for a time. Its names are QEMU's: "f12", "esc", "power".
func (g *Guest) Hold(ctx context.Context, key string, d time.Duration) error {
	press := func(down bool) error {
		event := map[string]any{"type": "key", "data": map[string]any{"down": down, "key": map[string]any{"type": "qcode", "data": key}}}
		return g.qmp.execute(ctx, "input-send-event", map[string]any{"events": []any{event}}, nil)
	}
	if err := press(true); err != nil {
		return err
	}
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
	return errors.Join(press(false), ctx.Err())
}

// Plug puts a stick into the guest.
func (g *Guest) Plug(ctx context.Context, s *Stick) error {
	id := s.id()
	if err := g.qmp.execute(ctx, "blockdev-add", map[string]any{"driver": "raw", "node-name": id + "-image",
		"file": map[string]any{"driver": "file", "filename": s.Image}}, nil); err != nil {
		return fmt.Errorf("guest: plugging %s: %w", s.Image, err)
	}
	if err := g.qmp.execute(ctx, "device_add", map[string]any{"driver": "usb-storage", "id": id, "drive": id + "-image", "bus": "usb.0", "removable": true}, nil); err != nil {
		return fmt.Errorf("guest: plugging %s: %w", s.Image, err)
	}
	g.mu.Lock()
	g.sticks[id] = true
	g.mu.Unlock()
	return nil
}

// Unplug pulls a stick out of the guest. Then its files can be read.
func (g *Guest) Unplug(ctx context.Context, s *Stick) error {
	id := s.id()
	gone := g.qmp.expect("DEVICE_DELETED", id)
	if err := g.qmp.execute(ctx, "device_del", map[string]any{"id": id}, nil); err != nil {
		return fmt.Errorf("guest: unplugging %s: %w", s.Image, err)
	}
	select {
	case <-ctx.Done():
		return fmt.Errorf("guest: unplugging %s: %w", s.Image, ctx.Err())
	case <-g.exited:
		return fmt.Errorf("guest: unplugging %s: QEMU has ended", s.Image)
	case <-gone:
	}
	g.mu.Lock()
	delete(g.sticks, id)
	g.mu.Unlock()
	return g.qmp.execute(ctx, "blockdev-del", map[string]any{"node-name": id + "-image"}, nil)
}

// Await waits until the console has a line with the text, from the cursor on, and moves the cursor past it.
func (g *Guest) Await(ctx context.Context, at *Cursor, within time.Duration, text ...string) (Line, error) {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	stop := context.AfterFunc(ctx, g.Console.wake)
	defer stop()
	go func() {
		select {
		case <-g.exited:
			g.Console.close()
		case <-ctx.Done():
		}
	}()
	l, err := g.Console.await(ctx, at, text)
	if err != nil {
		return l, fmt.Errorf("guest: %s: waited %s for %q on the console: %w; it ends with\n%s", g.Name, within, text, err, g.Console.Tail(30))
	}
	return l, nil
}

// fillFlash makes the flash chip, unless it is there from an earlier start.
func (m *Machine) fillFlash(file string) error {
	if _, err := os.Stat(file); err == nil {
		return nil
	}
	if err := sparse(file, flash); err != nil || m.Flash == "" {
		return err
	}
	b, err := os.ReadFile(m.Flash)
	if err != nil {
		return fmt.Errorf("guest: %w", err)
	}
	f, err := os.OpenFile(file, os.O_WRONLY, 0)
	if err != nil {
		return fmt.Errorf("guest: %w", err)
	}
	_, err = f.WriteAt(b, 0)
	return errors.Join(err, f.Close())
}

// sparse makes an empty file of that size.
func sparse(name string, size int64) error {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("guest: %w", err)
	}
	return errors.Join(f.Truncate(size), f.Close())
}

// CopyDisk makes a virgin disk: a copy of the image that takes only the room that the image really fills.
func CopyDisk(from, to string) error {
	if out, err := exec.Command("cp", "--sparse=always", "--reflink=auto", from, to).CombinedOutput(); err != nil {
		return fmt.Errorf("guest: copying %s: %w: %s", from, err, bytes.TrimSpace(out))
	}
	return nil
}
