package host_test

import (
	"slices"
	"strings"
	"testing"

	"longwire/firmware/config"
	"longwire/firmware/host"
)

func TestPortsAreThoseTheSettingsAskFor(t *testing.T) {
	node, err := config.Parse("longwire.toml", []byte(`
domains = ["field.net"]
[clients]
listen = [":5222", "[::]:5227"]
direct_tls = ["192.0.2.1:5223", "127.0.0.1:5223", "[::1]:5224", "localhost:5225"]
plaintext = ["127.0.0.1:5226"]
[[link]]
name = "IP link hq-2-field"
remote_address = "203.0.113.7"
[[link]]
name = "quiet"
remote_address = "203.0.113.8"
local_port = 65511
listen = false
[[link]]
name = "5066 link"
type = "s5066"
local_5066_address = "1.1.0.1"
[[peer]]
domains = ["hq.net"]
links = ["IP link hq-2-field"]
[[peer]]
domains = ["hq2.net"]
links = ["quiet"]
`))
	if err != nil {
		t.Fatal(err)
	}
	kit, err := host.Parse("kit.toml", []byte(`firewall.open = ["udp/5353", "tcp/5222", "tcp/22"]`))
	if err != nil {
		t.Fatal(err)
	}
	sis := host.ReadSIS([]byte("name = \"x\"\nvsock = true\n[clients]\nlisten = [\"0.0.0.0:5066\"]\nmax = 3\n[modem]\ntype = \"serial\"\n"))
	var got []string
	for _, p := range host.Ports(node, sis, kit) {
		got = append(got, p.String()+" "+p.Why)
	}
	want := []string{"tcp/22 kit.toml", "tcp/5066 SIS clients", "tcp/5222 clients", "tcp/5223 at 192.0.2.1 clients",
		"tcp/5227 clients", "tcp/65510 IP link hq-2-field", "udp/5353 kit.toml"}
	if !slices.Equal(got, want) {
		t.Errorf("%q\nwant %q", got, want)
	}
}

func TestNothingIsOpenByItself(t *testing.T) {
	if got := host.Ports(nil, nil, nil); len(got) > 0 {
		t.Error(got)
	}
	// s5066d's default is the loopback address.
	if got := host.Ports(nil, host.ReadSIS([]byte("address = \"1.1.0.1\"")), host.Default()); len(got) > 0 {
		t.Error(got)
	}
	if got := host.ReadSIS([]byte("[clients]\nlisten = []")); len(got.Listen) > 0 {
		t.Error(got)
	}
	// What cannot be understood opens nothing.
	for _, bad := range []string{"x", ":0", ":99999", "host", "[::", ":-1", ""} {
		if got := host.Ports(nil, &host.SIS{Listen: []string{bad}}, nil); len(got) > 0 {
			t.Errorf("%q opens %v", bad, got)
		}
	}
}

func TestRulesInWords(t *testing.T) {
	kit, err := host.Parse("kit.toml", []byte("[[network]]\ninterface = \"eth1\"\naddress = \"192.0.2.1/24\"\nserve_dhcp = true\n[firewall]\nopen = [\"tcp/80\"]"))
	if err != nil {
		t.Fatal(err)
	}
	if got := host.RulesFor(kit, host.Ports(nil, nil, kit)).String(); got != "open: tcp/80 (kit.toml), udp/67 on eth1 (DHCP)" {
		t.Error(got)
	}
	if got := (host.Rules{}).String(); got != "nothing is open" {
		t.Error(got)
	}
	kit.Firewall.Enabled = false
	if got := host.RulesFor(kit, nil).String(); !strings.Contains(got, "everything is open") {
		t.Error(got)
	}
}
