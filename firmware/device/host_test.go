package device

import (
	"context"
	"errors"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"longwire/firmware/host"
)

// machine is a Host that remembers what it was told.
type machine struct {
	mu      sync.Mutex
	shut    error
	fails   func(s host.Settings) error
	applied []host.Settings
}

func (m *machine) Shut() error { m.mu.Lock(); defer m.mu.Unlock(); return m.shut }

func (m *machine) Apply(_ context.Context, s host.Settings) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.applied = append(m.applied, s)
	if m.fails != nil {
		return m.fails(s)
	}
	return nil
}

func (m *machine) last() host.Settings {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.applied[len(m.applied)-1]
}

func TestTheMachineFollowsTheSettings(t *testing.T) {
	r := newRig(t)
	m := &machine{}
	r.o.Host = m
	r.begin()
	r.await("(needs attention)", 1)
	if s := m.last(); s.Node != nil || s.SIS != nil || !s.Kit.Firewall.Enabled || !strings.HasPrefix(s.Name, "kit-") {
		t.Errorf("on a new kit: %+v", s)
	}
	r.plug("/dev/sda1", false, map[string][]byte{"field.lwb": r.bundleWith(1, nodeDoc(freePort(t)), "[clients]\nlisten = [\":5066\"]\n", "hostname = \"radio\"\n")})
	r.await("(working)", 1)
	if s := m.last(); s.Node == nil || s.SIS == nil || s.SIS.Listen[0] != ":5066" || s.Kit.Hostname != "radio" || s.Name != "field" {
		t.Errorf("set up: %+v", s)
	}
}

func TestAFirewallThatDoesNotCloseKeepsTheServicesStopped(t *testing.T) {
	r := newRig(t)
	m := &machine{shut: errors.New("no nf_tables")}
	r.o.Host = m
	r.begin()
	r.await("(needs attention)", 1)
	dir := r.plug("/dev/sda1", false, map[string][]byte{"field.lwb": r.bundle(1, nodeDoc(freePort(t)), "")})
	if text := r.anyReport(dir); !strings.Contains(text, "UNDONE") || !strings.Contains(text, "the firewall does not close: no nf_tables") {
		t.Errorf("the report:\n%s", text)
	}
	if h := r.services.history(); strings.Contains(h, "start") {
		t.Errorf("the services: %s", h)
	}
	r.await("needs attention: the firewall does not close: no nf_tables", 1)
	// systemd starts enabled units without being asked; they look for the mark.
	if _, err := os.Stat(r.o.Run + ".open"); err != nil {
		t.Error(err)
	}
	m.mu.Lock()
	m.shut = nil
	m.mu.Unlock()
	r.await("waiting for a stick", 1) // as the next look finds out by itself
	if _, err := os.Stat(r.o.Run + ".open"); err == nil {
		t.Error("the mark is still there")
	}
}

func TestTheMachinesFaultsCountIfTheTrialBroughtThem(t *testing.T) {
	fault := errors.New("no interface eth7")
	r := newRig(t)
	m := &machine{fails: func(s host.Settings) error {
		if s.Kit.Hostname == "bad" {
			return fault
		}
		return nil
	}}
	r.o.Host = m
	grace := r.o.Grace
	r.o.Grace = time.Second
	r.begin()
	r.await("(needs attention)", 1)
	node := nodeDoc(freePort(t))
	dir := r.plug("/dev/sda1", false, map[string][]byte{"field.lwb": r.bundleWith(1, node, "", "hostname = \"bad\"\n")})
	if text := r.anyReport(dir); !strings.Contains(text, "UNDONE") || !strings.Contains(text, "no interface eth7") {
		t.Errorf("the report:\n%s", text)
	}
	// Now it is so whatever the settings say.
	m.mu.Lock()
	m.fails = func(host.Settings) error { return fault }
	m.mu.Unlock()
	r.end()
	r.o.Grace = grace
	r.begin()
	r.await("needs attention: the machine's settings could not be applied: no interface eth7", 1)
	r.plug("/dev/sdb1", false, map[string][]byte{"field.lwb": r.bundleWith(2, node, "", "")})
	r.await("settings number 2 are kept", 1)
	r.await("needs attention: the machine's settings could not be applied: no interface eth7", 1)
}
