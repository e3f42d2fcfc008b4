// Package device is the daemon of a kit: it has the lamp, the sticks and the button, puts settings in force by firmware/provision and
// watches their trial, and lets firmware/update change the system. It starts the services and carries none of their work.
package device

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"longwire/board"
	"longwire/firmware/admin"
	"longwire/firmware/host"
	"longwire/firmware/provision"
	"longwire/firmware/supervise"
	"longwire/firmware/update"
)

// Host makes the machine what the settings say; host.Machine does. Called from one goroutine, and doing the same again does nothing.
type Host interface {
	// Shut closes the firewall to all that is not an answer.
	Shut() error
	Apply(ctx context.Context, s host.Settings) error
}

var _ Host = (*host.Machine)(nil)

// Clock is the machine's; host.Timekeeper is one. Its methods may be called concurrently.
type Clock interface {
	Start() error
	Run(ctx context.Context) error
	SetTime(by host.Source, at time.Time) (changed bool, err error)
	FollowGPS(ctx context.Context, port string, baud int, log *slog.Logger) error
	Source() host.Source
}

var _ Clock = (*host.Timekeeper)(nil)

// Options of Run; zero values are the defaults of a kit.
type Options struct {
	Version string
	Data    string // the data partition; /data
	Run     string // folder for the control socket and for mounting sticks; /run/longwire-device
	Scratch string // see provision.Options
	Trust   string // folder with the image's keys, *.pub; /etc/longwire/trust
	S5066D  string // the program; /usr/bin/s5066d
	Slot    string // that the machine runs from, for people

	Board   board.Profile
	Console io.Writer // what happens, for who watches; nil: nobody
	Log     *slog.Logger
	Notify  *supervise.Notify
	Host    Host  // nil: the machine is left as it is
	Clock   Clock // nil: it is not ours to set
	// Watchdog starts the machine's own. nil: there is none, or it is the init system's, as systemd's is.
	Watchdog func(timeout time.Duration) (Watchdog, error)
	// OpenSystem is update.Open, with what only the machine knows filled in. nil: there are no slots.
	OpenSystem func(update.Options) (System, error)
	Services   Services // Systemd

	Sticks func(ctx context.Context, tell func(board.StickEvent)) error // board.Sticks
	Mount  func(device, dir string) (*board.Stick, error)               // board.Mount
	Button func(ctx context.Context, held func()) error                 // board.ButtonHeld
	Reboot func(ctx context.Context) error                              // Reboot
	Format func(ctx context.Context) error                              // Format
	Probe  func(ctx context.Context, socket string) (admin.Status, error)
	Reload func(ctx context.Context, socket string) error
	Group  func(service string) (gid int, ok bool) // provision.Options.Group
	Owner  func(service string) (uid, gid int)     // of the node's folder; -1: nobody in particular

	Grace  time.Duration // of a trial, until all must be healthy; 90 s
	Steady time.Duration // so long it must have been healthy; 5 s
	Poll   time.Duration // between two looks while something is wrong or on trial, a tenth as often otherwise; 1 s
	Shown  time.Duration // how long the lamp tells what became of a stick; 10 s
}

func (o Options) orDefault() Options {
	text := func(s *string, otherwise string) {
		if *s == "" {
			*s = otherwise
		}
	}
	span := func(d *time.Duration, otherwise time.Duration) {
		if *d == 0 {
			*d = otherwise
		}
	}
	text(&o.Data, "/data")
	text(&o.Run, "/run/longwire-device")
	text(&o.Trust, "/etc/longwire/trust")
	span(&o.Grace, 90*time.Second)
	span(&o.Steady, 5*time.Second)
	span(&o.Poll, time.Second)
	span(&o.Shown, 10*time.Second)
	if o.Console == nil {
		o.Console = io.Discard
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Notify == nil {
		o.Notify = &supervise.Notify{Log: o.Log}
	}
	if o.Host == nil {
		o.Host = asItIs{}
	}
	if o.Services == nil {
		o.Services = Systemd{}
	}
	if o.Sticks == nil {
		o.Sticks = func(ctx context.Context, tell func(board.StickEvent)) error { return board.Sticks(ctx, o.Board, tell) }
	}
	if o.Mount == nil {
		o.Mount = board.Mount
	}
	if o.Button == nil {
		o.Button = func(ctx context.Context, held func()) error { return board.ButtonHeld(ctx, o.Board, held) }
	}
	if o.Reboot == nil {
		o.Reboot = Reboot
	}
	if o.Format == nil {
		o.Format = Format
	}
	if o.Probe == nil {
		o.Probe = probe
	}
	if o.Reload == nil {
		o.Reload = reload
	}
	if o.Owner == nil {
		o.Owner = func(string) (int, int) { return -1, -1 }
	}
	return o
}

// asItIs is a Host that leaves the machine alone.
type asItIs struct{}

func (asItIs) Shut() error                                { return nil }
func (asItIs) Apply(context.Context, host.Settings) error { return nil }

// ErrReboot is what Run ends with when the machine starts anew.
var ErrReboot = errors.New("the machine starts anew")

// daemon is the state. The goroutine of loop has all of it but what mu guards.
type daemon struct {
	o    Options
	log  *slog.Logger
	kit  *provision.Kit
	lamp *board.Lamp

	running map[string]string // unit → digest of what it runs on, as far as known; "" stopped
	undone  bool              // at this start
	shown   time.Time         // until then the lamp tells what became of a stick
	shownOf string            // of which stick
	last    string            // what was told of the health last
	looked  time.Time         // at the health, while nothing else goes on

	hostFault string    // why the machine is not as the settings say; "": it is
	hostKnown string    // the same before the trial that goes on
	hostTried time.Time // when it was applied last

	shut   error  // why the firewall does not close; nothing may be opened behind it then
	system System // nil: there are no slots
	reboot string // why the machine is to start anew; "": it is not
	gps    gps

	fromPeers bool   // the clock may be set by headquarters
	peerFault string // why it last was not

	sticks   chan board.StickEvent
	requests chan *request
	resets   chan string

	mu      sync.Mutex
	beat    time.Time       // when loop was last seen alive
	here    map[string]bool // sticks that are plugged in
	pulled  time.Time       // when one was pulled out last
	healthy Health
	cancel  context.CancelFunc // of the job that goes on; nil: none
}

// Run is a kit until ctx is done, or until the machine starts anew: then its error is ErrReboot.
func Run(ctx context.Context, o Options) error {
	o = o.orDefault()
	d := &daemon{
		o: o, log: o.Log, lamp: board.OpenLamp(o.Board, o.Console), running: map[string]string{}, last: "?", beat: time.Now(), here: map[string]bool{},
		sticks: make(chan board.StickEvent, 16), requests: make(chan *request), resets: make(chan string, 1),
	}
	ctx, stop := context.WithCancel(ctx)
	var tasks sync.WaitGroup
	defer tasks.Wait()
	defer stop()
	task := func(name string, f func(context.Context) error) { tasks.Go(func() { d.keepUp(ctx, name, f) }) }
	d.lamp.Show(board.Starting)
	task("lamp", d.lamp.Run)
	if o.Watchdog != nil {
		task("the machine's watchdog", d.guard)
	}
	task("button", func(ctx context.Context) error { return o.Button(ctx, func() { d.reset("the button was held") }) })
	if err := d.start(ctx); err != nil {
		return err
	}
	listen, err := listenControl(o.Run)
	if err != nil {
		return err
	}
	task("control socket", func(ctx context.Context) error { return d.serve(ctx, listen) })
	o.Notify.Ready("started")
	d.gps.run = task
	if o.Clock != nil {
		task("clock", o.Clock.Run)
	}
	task("watchdog", func(ctx context.Context) error { o.Notify.Watchdog(ctx, d.beating); return nil })
	defer o.Notify.Stopping()
	task("sticks", func(ctx context.Context) error { return o.Sticks(ctx, d.plugged) })
	return d.loop(ctx)
}

// keepUp runs a part of the kit, and begins it anew after an error: without its sticks or its clock a kit is no kit.
func (d *daemon) keepUp(ctx context.Context, name string, f func(context.Context) error) {
	told := ""
	for {
		err := f(ctx)
		if err == nil || ctx.Err() != nil {
			return
		}
		if told != err.Error() {
			told = err.Error()
			d.log.Error("a part of the kit does not work, and is begun anew", "part", name, "err", err)
		}
		select {
		case <-time.After(10 * d.o.Poll):
		case <-ctx.Done():
			return
		}
	}
}

// maxSaid bounds a line on the console.
const maxSaid = 4000

// say tells the console, for whoever watches. Names of files and of kits in it are of others' choosing.
func (d *daemon) say(format string, args ...any) {
	text := strings.ReplaceAll(fmt.Sprintf(format, args...), "\n", " ")
	fmt.Fprintf(d.o.Console, "kit: %s\n", provision.Clean(text, maxSaid))
}

// stuckAfter is how long the loop may be silent: beyond it the watchdog is not told any more. A damaged stick can hold a read for minutes.
const stuckAfter = 10 * time.Minute

func (d *daemon) alive() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.beat = time.Now()
}

func (d *daemon) beating() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if t := time.Since(d.beat); t > stuckAfter {
		return fmt.Errorf("device: nothing has happened for %v", t.Round(time.Second))
	}
	return nil
}

func (d *daemon) setHealth(h Health) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.healthy = h
}

func (d *daemon) getHealth() Health {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.healthy
}

// settings are those of the generation in force. What cannot be read is missing, which health tells.
func (d *daemon) settings() host.Settings {
	s := host.Settings{Name: d.kit.Name(), Kit: host.Default()}
	failed := func(name string, err error) {
		if err != nil {
			d.log.Error("a document cannot be read", "file", name, "err", err)
		}
	}
	doc, err := d.kit.Document(provision.HostFile)
	if err == nil && doc != nil {
		s.Kit, err = host.Parse(provision.HostFile, doc)
	}
	failed(provision.HostFile, err)
	doc, err = d.kit.Document(provision.SISFile)
	if doc != nil {
		s.SIS = host.ReadSIS(doc)
	}
	failed(provision.SISFile, err)
	s.Node, err = d.kit.NodeConfig()
	failed(provision.NodeFile, err)
	return s
}

// trim takes the package's name off what people read.
func trim(err error) string {
	s := err.Error()
	for _, p := range []string{"device: ", "ctl: ", "board: ", "provision: ", "host: ", "update: "} {
		s = strings.TrimPrefix(s, p)
	}
	return s
}

// mountFolder is where sticks are mounted.
func (d *daemon) mountFolder() string { return filepath.Join(d.o.Run, "stick") }

// makeRun makes the folder of the socket, for this user alone.
func makeRun(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("device: %w; name another folder with --run", err)
	}
	return nil
}
