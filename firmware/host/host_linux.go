package host

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"longwire/firmware/config"
)

// Machine is what settings are applied to. The zero value is the one we run on.
type Machine struct {
	// Root is the folder that has run, "" for the machine's own. Tests have another.
	Root string
	// Do runs a program of the system.
	Do func(ctx context.Context, name string, args ...string) error
	// SetName gives the machine its name.
	SetName func(string) error
	// SetRules makes these rules the firewall.
	SetRules func(Rules) error
}

// Settings is everything that is applied.
type Settings struct {
	Name string // of the kit, for a machine that kit.toml gives no name
	Kit  *Config
	Node *config.Config // nil: there is none yet
	SIS  *SIS           // nil: none
}

// Apply makes the machine as the settings have it: the firewall first, then name, network and time servers. What is so already is not
// touched. It goes on after an error and returns all of them.
func (m *Machine) Apply(ctx context.Context, s Settings) error {
	kit := s.Kit
	if kit == nil {
		kit = Default()
	}
	rules := RulesFor(kit, Ports(s.Node, s.SIS, kit))
	return errors.Join(m.firewall(rules), m.hostname(kit, s.Name), m.network(ctx, kit), m.timesync(ctx, kit))
}

// Shut closes the firewall to everything but answers, for the time until the settings are known.
func (m *Machine) Shut() error { return m.firewall(Rules{}) }

func (m *Machine) firewall(r Rules) error {
	if m.SetRules != nil {
		return m.SetRules(r)
	}
	return r.Set()
}

func (m *Machine) hostname(c *Config, name string) error {
	if c.Hostname != "" {
		name = c.Hostname
	}
	if !label(name) { // a kit that has no name yet
		return nil
	}
	set := m.SetName
	if set == nil {
		if now, err := os.Hostname(); err == nil && now == name {
			return nil
		}
		set = func(name string) error { return unix.Sethostname([]byte(name)) }
	}
	if err := set(name); err != nil {
		return fmt.Errorf("host: naming the machine %s: %w", name, err)
	}
	return nil
}

func (m *Machine) network(ctx context.Context, c *Config) error {
	changed, err := m.files("/run/systemd/network", "*kit*.network", networkFiles(c))
	if err != nil || !changed {
		return err
	}
	return m.do(ctx, "systemctl", "try-reload-or-restart", "--no-block", "systemd-networkd.service")
}

func (m *Machine) timesync(ctx context.Context, c *Config) error {
	changed, err := m.files("/run/systemd/timesyncd.conf.d", "*kit.conf", timesyncFiles(c))
	if err != nil || !changed {
		return err
	}
	return m.do(ctx, "systemctl", "try-restart", "--no-block", "systemd-timesyncd.service")
}

// files makes a folder have exactly these files, of those that a pattern names.
func (m *Machine) files(folder, pattern string, want map[string]string) (changed bool, err error) {
	folder = filepath.Join("/", m.Root, folder)
	if len(want) > 0 {
		if err := os.MkdirAll(folder, 0o755); err != nil {
			return false, fmt.Errorf("host: %w", err)
		}
	}
	old, _ := filepath.Glob(filepath.Join(folder, pattern))
	for _, name := range old {
		if _, ok := want[filepath.Base(name)]; !ok {
			changed = true
			err = errors.Join(err, os.Remove(name))
		}
	}
	for name, text := range want {
		name = filepath.Join(folder, name)
		if b, err := os.ReadFile(name); err == nil && string(b) == text {
			continue
		}
		changed = true
		err = errors.Join(err, replace(name, text, 0o644))
	}
	if err != nil {
		return changed, fmt.Errorf("host: %w", err)
	}
	return changed, nil
}

// replace writes a file whole or not at all. What a power cut leaves of it has one name, and so does not become more.
func replace(name, text string, mode fs.FileMode) error {
	f, err := os.OpenFile(name+".new", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	err = errors.Join(err, f.Chmod(mode), f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}

const doTime = 20 * time.Second

// do runs a program of systemd. It is systemctl and not networkctl, since that asks PID 1 and needs no D-Bus; --no-block, since at boot
// the service may wait for us; and a service that is yet to start reads its files then.
func (m *Machine) do(ctx context.Context, name string, args ...string) error {
	if m.Do != nil {
		return m.Do(ctx, name, args...)
	}
	if _, err := os.Stat("/run/systemd/system"); err != nil {
		return nil // sd_booted(3): no systemd, so none of its services
	}
	ctx, cancel := context.WithTimeout(ctx, doTime)
	defer cancel()
	out, err := exec.CommandContext(ctx, name, args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("host: %s: %w: %s", strings.Join(slices.Insert(args, 0, name), " "), err, firstLine(out))
	}
	return nil
}

func firstLine(b []byte) string {
	line, _, _ := strings.Cut(strings.TrimSpace(string(b)), "\n")
	return line[:min(len(line), 200)]
}
