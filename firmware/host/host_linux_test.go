package host_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"longwire/firmware/host"
)

// machine is one made of a folder, and what was done to it.
type machine struct {
	host.Machine
	done []string
}

func newMachine(t *testing.T) *machine {
	m := &machine{}
	m.Machine = host.Machine{Root: t.TempDir(),
		Do: func(_ context.Context, name string, args ...string) error {
			m.done = append(m.done, strings.Join(append([]string{name}, args...), " "))
			return nil
		},
		SetName:  func(name string) error { m.done = append(m.done, "name "+name); return nil },
		SetRules: func(r host.Rules) error { m.done = append(m.done, r.String()); return nil },
	}
	return m
}

func (m *machine) file(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(m.Root, "run/systemd", name))
	if err != nil {
		return ""
	}
	return string(b)
}

func kit(t *testing.T, doc string) *host.Config {
	t.Helper()
	c, err := host.Parse("kit.toml", []byte(doc))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestApply(t *testing.T) {
	m := newMachine(t)
	s := host.Settings{Name: "field"}
	apply := func(want ...string) {
		t.Helper()
		m.done = nil
		if err := m.Apply(t.Context(), s); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(m.done, want) {
			t.Errorf("did %q\nwant %q", m.done, want)
		}
	}
	const reload = "systemctl try-reload-or-restart --no-block systemd-networkd.service"
	const restart = "systemctl try-restart --no-block systemd-timesyncd.service"
	apply("nothing is open", "name field") // the image's own files will do
	s.Kit = kit(t, "hostname = \"other\"\n[[network]]\ninterface = \"eth0\"\naddress = \"192.0.2.7/24\"\n[firewall]\nopen = [\"tcp/80\"]")
	apply("open: tcp/80 (kit.toml)", "name other", reload)
	apply("open: tcp/80 (kit.toml)", "name other") // all is so already
	if got := m.file(t, "network/10-kit-00.network"); !strings.Contains(got, "Name=eth0\n") || !strings.Contains(got, "Address=192.0.2.7/24\n") {
		t.Error(got)
	}
	s.Kit = kit(t, "[clock]\nntp = [\"192.0.2.1\", \"ntp.field.net\"]")
	apply("nothing is open", "name field", reload, restart)
	if got := m.file(t, "network/10-kit-00.network"); got != "" {
		t.Errorf("an old file stays: %s", got)
	}
	if got := m.file(t, "timesyncd.conf.d/20-kit.conf"); !strings.Contains(got, "\nNTP=192.0.2.1 ntp.field.net\n") {
		t.Error(got)
	}
	// What is the system's own stays.
	theirs := filepath.Join(m.Root, "run/systemd/network/80-theirs.network")
	if err := os.WriteFile(theirs, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	s.Kit = nil
	apply("nothing is open", "name field", restart)
	if _, err := os.Stat(theirs); err != nil {
		t.Error(err)
	}
	m.done = nil
	if err := m.Shut(); err != nil || !slices.Equal(m.done, []string{"nothing is open"}) {
		t.Error(m.done, err)
	}
}

func TestApplyGoesOnAfterErrors(t *testing.T) {
	m := newMachine(t)
	no := errors.New("no")
	m.SetRules = func(host.Rules) error { return no }
	m.Do = func(_ context.Context, name string, _ ...string) error { m.done = append(m.done, name); return no }
	err := m.Apply(t.Context(), host.Settings{Name: "field", Kit: kit(t, "[[network]]\n[clock]\nntp = [\"192.0.2.1\"]")})
	if !errors.Is(err, no) || !slices.Equal(m.done, []string{"name field", "systemctl", "systemctl"}) {
		t.Error(m.done, err)
	}
	// A kit without a name keeps the system's.
	m = newMachine(t)
	if err := m.Apply(t.Context(), host.Settings{}); err != nil || slices.ContainsFunc(m.done, func(s string) bool { return strings.HasPrefix(s, "name") }) {
		t.Error(m.done, err)
	}
}

func TestNetworkFiles(t *testing.T) {
	files := host.NetworkFiles(kit(t, `
[[network]]
dns = ["192.0.2.53"]
[[network]]
interface = "eth1"
address = "192.0.2.1/24"
serve_dhcp = true
[[network]]
interface = "eth2"
address = "2001:db8::7/64"
gateway = "fe80::1"
`))
	for name, want := range map[string]string{
		"20-kit.network": `# Made from kit.toml.
[Match]
Type=ether
Kind=!*

[Link]
RequiredForOnline=no

[Network]
DNS=192.0.2.53
DHCP=yes
LinkLocalAddressing=yes

[DHCPv4]
UseHostname=no
ClientIdentifier=mac
`,
		"10-kit-01.network": `# Made from kit.toml.
[Match]
Name=eth1

[Link]
RequiredForOnline=no

[Network]
Address=192.0.2.1/24
LinkLocalAddressing=ipv6
ConfigureWithoutCarrier=yes
DHCPServer=yes

[DHCPServer]
EmitRouter=no
EmitDNS=no
EmitNTP=no
`,
		"10-kit-02.network": `# Made from kit.toml.
[Match]
Name=eth2

[Link]
RequiredForOnline=no

[Network]
Address=2001:db8::7/64
LinkLocalAddressing=ipv6
ConfigureWithoutCarrier=yes
Gateway=fe80::1
IPv6AcceptRA=no
`,
	} {
		if files[name] != want {
			t.Errorf("%s:\n%s\nwant\n%s", name, files[name], want)
		}
	}
	if len(files) != 3 {
		t.Error(len(files))
	}
	if none := host.NetworkFiles(host.Default()); len(none) > 0 {
		t.Error(none)
	}
}
