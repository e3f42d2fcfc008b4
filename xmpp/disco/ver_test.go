package disco

import "testing"

// The two examples that XEP-0115 §5.2 and §5.3 work out.
func TestVerificationString(t *testing.T) {
	features := []string{
		"http://jabber.org/protocol/muc", "http://jabber.org/protocol/disco#info",
		"http://jabber.org/protocol/caps", "http://jabber.org/protocol/disco#items", "http://jabber.org/protocol/caps",
	}
	simple := info{identities: []identity{{"client", "pc", "", "Exodus 0.9.1"}}, features: features}
	if got, want := simple.ver(), "QgayPKawpkPSDYmwT/WM94uAlu0="; got != want {
		t.Errorf("§5.2: got %s, want %s", got, want)
	}

	full := info{
		identities: []identity{{"client", "pc", "en", "Psi 0.11"}, {"client", "pc", "el", "Ψ 0.11"}},
		features:   features,
		forms: []form{*formOf("urn:xmpp:dataforms:softwareinfo", map[string][]string{
			"ip_version": {"ipv4", "ipv6"}, "os": {"Mac"}, "os_version": {"10.5.1"},
			"software": {"Psi"}, "software_version": {"0.11"},
		})},
	}
	if got, want := full.ver(), "q07IKJEyjvHSyhy//CH0CxmKi8w="; got != want {
		t.Errorf("§5.3: got %s, want %s", got, want)
	}
}
