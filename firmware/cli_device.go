package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"longwire/board"
	"longwire/firmware/admin"
	"longwire/firmware/device"
	"longwire/firmware/host"
	"longwire/firmware/provision"
	"longwire/firmware/supervise"
	"longwire/firmware/update"
)

// deviceFlags are where a kit keeps what.
type deviceFlags struct {
	data, run, board, s5066d string
	machine                  bool
}

const deviceFolder = "/run/longwire-device"

func withDevice(fs *flag.FlagSet, c *call) {
	fs.StringVar(&c.device.run, "run", deviceFolder, "`FOLDER` of the daemon's control socket")
}

func withDeviceJSON(fs *flag.FlagSet, c *call) {
	withDevice(fs, c)
	fs.BoolVar(&c.json, "json", false, "print JSON for programs")
}

func withDeviceRun(fs *flag.FlagSet, c *call) {
	withDevice(fs, c)
	fs.StringVar(&c.device.data, "data", "/data", "`FOLDER` of what outlives updates")
	fs.StringVar(&c.device.board, "board", "", "`NAME` of the board's profile; default: what the machine says it is")
	fs.BoolVar(&c.device.machine, "machine", false, "set name, network, clock and firewall of this machine as kit.toml has them, as on a kit")
	fs.StringVar(&c.device.s5066d, "s5066d", "/usr/bin/s5066d", "`PROGRAM` that checks s5066d.toml")
}

func cmdDeviceRun(c *call) error {
	profile, how := board.Detect("")
	if c.device.board != "" {
		p, ok := board.Find(c.device.board)
		if !ok {
			return fmt.Errorf("%w: there is no board %q", admin.ErrMisuse, c.device.board)
		}
		profile, how = p, "--board"
	}
	data, err := filepath.Abs(c.device.data) // the node says where its config is, and it must be the same place
	if err != nil {
		return err
	}
	c.device.data = data
	log := supervise.NewLog(c.err).Logger()
	log.Info("longwire device starts", "version", versionText(), "board", profile.Name, "by", how, "data", c.device.data)
	o := device.Options{
		Version: versionText(), Data: c.device.data, Run: c.device.run, S5066D: c.device.s5066d, Slot: kernelWord("kit.slot"),
		Board: profile, Console: c.out, Log: log, Group: groupOf, Owner: ownerOf,
	}
	if c.device.machine || kernelWord("kit.board") != "" {
		o.Host = &host.Machine{}
		// With systemd the machine's watchdog is systemd's, and we are watched by systemd.
		if profile.Watchdog != "" && os.Getenv("NOTIFY_SOCKET") == "" {
			o.Watchdog = func(timeout time.Duration) (device.Watchdog, error) {
				return board.OpenWatchdog(profile.Watchdog, timeout)
			}
		}
		o.Clock = host.NewTimekeeper(filepath.Join(c.device.data, "kit", provision.ClockFile), profile.RTC, host.BuildTime())
	}
	if o.Slot != "" {
		o.OpenSystem = openSystem
	}
	err = device.Run(c.ctx, o)
	if errors.Is(err, device.ErrReboot) {
		log.Info("longwire device stopped", "why", err)
		return nil
	}
	return err
}

// openSystem finds a kit's slots and its boot environment.
func openSystem(o update.Options) (device.System, error) {
	env, err := update.OpenBootEnv()
	if err != nil {
		return nil, err
	}
	o.Env, o.Slot = env, update.OpenPartition
	if o.Cmdline, err = kernelLine(); err == nil {
		var u *update.Updater
		if u, err = update.Open(o); err == nil {
			return u, nil
		}
	}
	return nil, errors.Join(err, env.Close())
}

func kernelLine() (string, error) {
	b, err := os.ReadFile("/proc/cmdline")
	return strings.TrimSpace(string(b)), err
}

// kernelWord is the value of a word on the kernel's command line.
func kernelWord(key string) string {
	line, err := kernelLine()
	if err != nil {
		return ""
	}
	for _, w := range strings.Fields(line) {
		if v, ok := strings.CutPrefix(w, key+"="); ok {
			return v
		}
	}
	return ""
}

// groupOf is the group of a service's user.
func groupOf(service string) (int, bool) {
	g, err := user.LookupGroup(service)
	if err != nil {
		return -1, false
	}
	id, err := strconv.Atoi(g.Gid)
	return id, err == nil
}

func ownerOf(service string) (uid, gid int) {
	u, err := user.Lookup(service)
	if err != nil {
		return -1, -1
	}
	uid, err = strconv.Atoi(u.Uid)
	gid, err2 := strconv.Atoi(u.Gid)
	if err != nil || err2 != nil {
		return -1, -1
	}
	return uid, gid
}

// kit puts a request to the daemon; a stopped one has an exit code of its own.
func (c *call) kit(r device.Request) (*device.Answer, error) {
	a, err := device.Ask(c.ctx, c.device.run, r)
	if errors.Is(err, device.ErrStopped) {
		fmt.Fprintf(c.err, "longwire: %v\n", err)
		return nil, exit(exitStopped)
	}
	return a, err
}

func cmdDeviceStatus(c *call) error {
	a, err := c.kit(device.Request{Op: "status"})
	if err != nil {
		return err
	}
	if c.json {
		return c.printJSON(a.Status)
	}
	return c.deviceStatus(a.Status)
}

// deviceStatus prints a kit for people.
func (c *call) deviceStatus(s *device.Status) error {
	t := newTable(c.out)
	name := s.Name
	if name == "" {
		name = "not set up yet; plug in the stick with its bundle"
	}
	t.row("kit", name)
	if s.Fleet != "" {
		t.row("fleet", s.Fleet)
	}
	t.row("id", s.ID)
	t.row("public key", s.PublicKey)
	software := s.Version
	if s.Slot != "" {
		software += ", slot " + s.Slot
	}
	t.row("software", software)
	t.row("board", s.Board)
	t.row("lamp", s.Lamp+": "+s.Meaning)
	if s.Number > 0 {
		settings := fmt.Sprintf("number %d", s.Number)
		if s.Trial {
			settings += ", on trial"
		}
		t.row("settings", settings)
	}
	if s.System != nil {
		t.row("boot order", s.System.Boot)
		if s.System.Told != "" {
			t.row("last update", s.System.Told)
		}
	}
	if s.Clock != "" {
		t.row("clock", "by "+s.Clock)
	}
	for i, w := range s.Health.Wrong {
		t.row([]any{"wrong", ""}[min(i, 1)], w)
	}
	for i, k := range s.Trust {
		t.row([]any{"obeys", ""}[min(i, 1)], k)
	}
	if len(s.Sticks) > 0 {
		t.row("sticks", strings.Join(s.Sticks, ", "))
	}
	if err := t.Flush(); err != nil || s.Report == "" {
		return err
	}
	fmt.Fprintln(c.out)
	return c.text(s.Report)
}

// text prints a report.
func (c *call) text(report string) error {
	for line := range strings.Lines(report) {
		if _, err := fmt.Fprintln(c.out, clean(strings.TrimRight(line, "\r\n"))); err != nil {
			return err
		}
	}
	return nil
}

func cmdDeviceApply(c *call) error {
	path, err := filepath.Abs(c.args[0])
	if err != nil {
		return err
	}
	if _, err := os.Stat(path); err != nil {
		return err
	}
	a, err := c.kit(device.Request{Op: "apply", File: path})
	if err != nil {
		return err
	}
	if err := c.text(a.Report); err != nil {
		return err
	}
	if a.Refused {
		return exit(exitFailed)
	}
	return nil
}

func cmdDeviceReset(c *call) error {
	if !c.yes {
		return fmt.Errorf("%w: the kit would forget its settings, users and messages, and get a new key; add --yes if that is meant", admin.ErrMisuse)
	}
	if _, err := c.kit(device.Request{Op: "reset"}); err != nil {
		return err
	}
	fmt.Fprintln(c.err, "The kit forgets everything and starts anew.")
	return nil
}
