package rig

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A SISServer is an s5066d: a STANAG 5066 server at a Channel.
type SISServer struct {
	process
	Bin, Dir, IP string
	Station      string // its name on the channel
	Address      string // STANAG 5066
	Channel      string // where the channel is served
	Rate         int
	Interleaver  string                    // "" means short
	Keys         map[string]map[string]any // further ones by table; "" for those of none
	Traced       bool                      // write Trace

	Port int // of the SIS; a free one if 0 or taken
}

// SIS is where clients bind.
func (s *SISServer) SIS() string { return net.JoinHostPort(s.IP, strconv.Itoa(s.Port)) }

// Config is the file that Prepare writes.
func (s *SISServer) Config() string { return filepath.Join(s.Dir, "s5066d.toml") }

// Log is the file with its output.
func (s *SISServer) Log() string { return filepath.Join(s.Dir, "s5066d.log") }

// Trace is the record of its D_PDUs.
func (s *SISServer) Trace() string { return filepath.Join(s.Dir, "air.pcap") }

// Prepare chooses a port and writes the configuration.
func (s *SISServer) Prepare() error {
	if err := os.MkdirAll(s.Dir, 0o700); err != nil {
		return fmt.Errorf("rig: s5066d %s: %w", s.Station, err)
	}
	if err := Ports(s.IP, &s.Port); err != nil {
		return err
	}
	return s.WriteConfig()
}

// WriteConfig writes the configuration alone, after a change.
func (s *SISServer) WriteConfig() error {
	if err := os.WriteFile(s.Config(), []byte(s.toml()), 0o600); err != nil {
		return fmt.Errorf("rig: s5066d %s: %w", s.Station, err)
	}
	return nil
}

func (s *SISServer) toml() string {
	interleaver := s.Interleaver
	if interleaver == "" {
		interleaver = "short"
	}
	tables := map[string]map[string]any{
		"":        {"name": s.Station, "address": s.Address, "control": filepath.Join(s.Dir, "control")},
		"clients": {"listen": []string{s.SIS()}},
		"modem":   {"type": "channel", "channel": s.Channel, "rate": s.Rate, "interleaver": interleaver},
		"log":     {"level": "warn"},
	}
	if s.Traced {
		tables["trace"] = map[string]any{"file": s.Trace()}
	}
	for name, keys := range s.Keys {
		if tables[name] == nil {
			tables[name] = map[string]any{}
		}
		maps.Copy(tables[name], keys)
	}
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(tables)) {
		if name != "" {
			fmt.Fprintf(&b, "\n[%s]\n", name)
		}
		for _, k := range slices.Sorted(maps.Keys(tables[name])) {
			fmt.Fprintf(&b, "%s = %s\n", k, literal(tables[name][k]))
		}
	}
	return b.String()
}

// Start runs it and waits until clients can bind.
func (s *SISServer) Start(ctx context.Context) error {
	if err := s.Launch(); err != nil {
		return err
	}
	return s.waitListening(ctx, "s5066d "+s.Station, s.Log(), s.SIS())
}

// Launch runs it and waits for nothing.
func (s *SISServer) Launch() error {
	return s.start(s.Log(), s.Bin, []string{"run", "--config", s.Config()}, nil)
}

// Command runs one of s5066d's commands against this server and returns what it prints.
func (s *SISServer) Command(ctx context.Context, args ...string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, s.Bin, append(args, "--config", s.Config())...)
	var out, fault bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &fault
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("rig: s5066d %s: %w: %s", strings.Join(args, " "), err, bytes.TrimSpace(fault.Bytes()))
	}
	return out.Bytes(), nil
}
