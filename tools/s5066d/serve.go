package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"reflect"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"

	"longwire/links/cas"
	"longwire/links/dts"
	"longwire/links/modem"
	"longwire/links/sis"
	"longwire/links/subnet"
)

func check(c *call) error {
	cfg, err := load(c.config)
	if err != nil {
		return err
	}
	w, _ := cfg.Modem.waveform()
	_, err = fmt.Fprintf(c.out, "%s: good. Node %s, %s, clients at %s.\n", cfg.file, cfg.Address, w.Name, strings.Join(cfg.Clients.Listen, ", "))
	return err
}

// A server is what runs.
type server struct {
	cfg   *Config
	log   *slog.Logger
	level *slog.LevelVar
	trace *tracer

	mu    sync.Mutex   // guards what follows
	node  *subnet.Node // nil until there is a modem
	emcon bool         // that it is to begin with
	lost  error        // the modem is, or is not there yet
}

// newLog makes the log; its level can change later.
func newLog(w io.Writer, c Log, level *slog.LevelVar) *slog.Logger {
	_ = level.UnmarshalText([]byte(c.Level)) // checked with the config
	o := &slog.HandlerOptions{Level: level}
	if os.Getenv("JOURNAL_STREAM") != "" { // the journal stamps each line itself
		o.ReplaceAttr = func(groups []string, a slog.Attr) slog.Attr {
			if len(groups) == 0 && a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return a
		}
	}
	if c.Format == "json" {
		return slog.New(slog.NewJSONHandler(w, o))
	}
	return slog.New(slog.NewTextHandler(w, o))
}

// serve is 's5066d run'.
//
// Whatever can fail does so before clients are let in; there is no state on disk, so that a server may be killed at any time.
func serve(c *call) error {
	cfg, err := load(c.config)
	if err != nil {
		return err
	}
	s := &server{cfg: cfg, level: new(slog.LevelVar), emcon: cfg.EMCON}
	s.log = newLog(c.err, cfg.Log, s.level)
	s.trace = newTracer(s.log)
	defer s.trace.close()
	ctx, cancel := context.WithCancelCause(c.ctx)
	defer cancel(nil)
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP)
	defer signal.Stop(hup)

	if err := s.trace.set(cfg.Trace); err != nil {
		return err
	}
	asked, err := listenControl(cfg.Control)
	if err != nil {
		return err
	}
	defer os.Remove(cfg.Control)
	defer asked.Close()
	listeners, err := s.listen()
	if err != nil {
		return err
	}
	defer closeAll(listeners)
	carriers, err := s.openLines()
	if err != nil {
		return err
	}
	defer closeAll(carriers)
	var tasks sync.WaitGroup
	defer tasks.Wait()
	defer cancel(nil)
	tasks.Go(func() { control(ctx, asked, s.cfg.Control, s.answer) })
	tasks.Go(func() { s.reloads(ctx, hup) })
	tasks.Go(func() { watchdog(ctx, s.log, s.alive) })
	nc := s.config()
	m, err := s.openModem(ctx, &nc)
	if err != nil && ctx.Err() != nil {
		return nil // stopped while it started
	}
	if err != nil {
		return err
	}
	defer func() {
		if err := m.Close(); err != nil {
			s.log.Warn("closing the modem", "err", err)
		}
	}()
	if err := s.begin(nc, m); err != nil {
		return err
	}
	return s.run(ctx, cancel, listeners, carriers)
}

// begin makes the node.
func (s *server) begin(c subnet.Config, m modem.Modem) (err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c.EMCON = s.emcon
	s.node, err = subnet.New(c, m)
	s.lost = nil
	return err
}

// alive returns when nothing hangs.
func (s *server) alive() {
	s.mu.Lock()
	node := s.node
	s.mu.Unlock()
	if node != nil {
		node.EMCON() // waits for the node's lock
	}
}

func closeAll[T io.Closer](list []T) {
	for _, c := range list {
		_ = c.Close()
	}
}

// run lets clients in until ctx is done, or something ends that must not.
func (s *server) run(ctx context.Context, cancel context.CancelCauseFunc, listeners []net.Listener, carriers []sis.Carrier) error {
	var tasks sync.WaitGroup
	must := func(what string, f func(context.Context) error) {
		tasks.Go(func() {
			if err := f(ctx); err != nil && ctx.Err() == nil {
				cancel(fmt.Errorf("%s: %w", what, err))
			}
		})
	}
	must("the modem at "+s.cfg.Modem.at(), s.node.Run)
	for _, l := range listeners {
		s.log.Info("clients are let in", "at", l.Addr().String())
		must("clients", func(ctx context.Context) error { return s.node.SIS().Serve(ctx, l) })
	}
	for _, line := range carriers {
		must("client at "+line.Name, func(ctx context.Context) error { return s.node.SIS().Carry(ctx, line) })
	}
	s.log.Info("s5066d runs", "version", versionText(), "config", s.cfg.file, "address", s.cfg.Address, "waveform", s.node.Status().Waveform)
	s.notifyState()
	<-ctx.Done()
	notify(s.log, daemon.SdNotifyStopping)
	tasks.Wait()
	if err := context.Cause(ctx); !errors.Is(err, context.Canceled) {
		return err
	}
	s.log.Info("s5066d stopped")
	return nil
}

// config is the node's.
func (s *server) config() subnet.Config {
	c := s.cfg
	w, _ := c.Modem.waveform() // checked with the config, like the addresses
	address, _ := dts.ParseAddress(c.Address)
	var groups []dts.Address
	for _, g := range c.Groups {
		a, _ := dts.ParseAddress(g)
		groups = append(groups, a)
	}
	var saps []uint8
	for _, n := range c.Clients.SAPs {
		saps = append(saps, uint8(n))
	}
	mtu := sis.MTU
	if c.BroadcastOnly {
		mtu = sis.BroadcastMTU
	}
	t := c.Timers
	idle := t.Idle.get()
	if idle == 0 {
		idle = -1 // at once
	}
	turnaround := c.Modem.Turnaround.get()
	if turnaround == 0 {
		turnaround = -1
	}
	return subnet.Config{
		Name: cmp.Or(c.Name, c.Address), Address: address, Groups: groups, Waveform: w, Turnaround: turnaround,
		CAS: cas.Config{
			Tries: c.ARQ.LinkTries, First: t.First.get(), Idle: idle, CalledMin: t.CalledMin.get(), SoftMax: t.SoftMax.get(), MaxLinks: c.ARQ.MaxLinks,
			Broadcast: c.BroadcastOnly,
			DTS: dts.Config{Segment: c.ARQ.Segment, Window: c.ARQ.Window, MaxTransmission: c.ARQ.MaxTransmission.get(), Guard: t.Guard.get(),
				Tries: c.ARQ.Tries, Seed: uint64(time.Now().UnixNano())},
		},
		SIS: sis.ServerConfig{MTU: mtu, BroadcastOnly: c.BroadcastOnly, MaxTTL: c.Clients.MaxTTL.get(), SAPs: saps, MaxRank: uint8(c.Clients.MaxRank),
			Clients: c.Clients.Max, Queue: c.Clients.Queue, QueueBytes: c.Clients.QueueKiB << 10, Rate: float64(c.Clients.Rate), Expedited: c.Clients.Expedited, Log: s.log},
		EMCON: c.EMCON, TTD: t.TTD, FixedRate: c.Modem.FixedRate,
		HardLinkWait: t.HardLinkWait.get(), HardLinkIdle: t.HardLinkIdle.get(), ClientWait: t.ClientWait.get(),
		Trace: s.trace.write, Log: s.log,
	}
}

// answer is for the control socket.
func (s *server) answer(question string) (kind string, result any, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch question {
	case "status":
	case "emcon on", "emcon off":
		s.emcon = question == "emcon on"
		if s.node == nil {
			return "node", nil, nil
		}
		s.node.SetEMCON(s.emcon)
	default:
		return "", nil, fmt.Errorf("%q is not understood", question)
	}
	if s.node == nil {
		return "", nil, fmt.Errorf("the server waits for its modem, and lets no clients in before: %w", cmp.Or(s.lost, errDialing))
	}
	return "node", s.node.Status(), nil
}

// reloads reads the config again for each SIGHUP.
func (s *server) reloads(ctx context.Context, hup <-chan os.Signal) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-hup:
			notify(s.log, daemon.SdNotifyReloading)
			s.reload()
			notify(s.log, daemon.SdNotifyReady)
		}
	}
}

// reload changes what can change while the server runs: the log's level and the trace.
func (s *server) reload() {
	fresh, err := load(s.cfg.file)
	if err == nil {
		err = s.trace.set(fresh.Trace)
	}
	if err != nil {
		s.log.Error("reload refused; the old config goes on", "err", err)
		return
	}
	_ = s.level.UnmarshalText([]byte(fresh.Log.Level))
	s.log.Info("reloaded", "config", s.cfg.file, "needs a restart", different(s.cfg, fresh))
}

// different names what differs and does not change without a restart.
func different(old, fresh *Config) (keys []string) {
	a, b := reflect.ValueOf(*old), reflect.ValueOf(*fresh)
	for i := range a.NumField() {
		key := a.Type().Field(i).Tag.Get("toml")
		switch {
		case key == "" || key == "trace":
		case key == "log":
			if old.Log.Format != fresh.Log.Format {
				keys = append(keys, "log.format")
			}
		case !reflect.DeepEqual(a.Field(i).Interface(), b.Field(i).Interface()):
			keys = append(keys, key)
		}
	}
	return keys
}
