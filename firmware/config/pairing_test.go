package config_test

import (
	"strings"
	"testing"

	"longwire/firmware/config"
	keys "longwire/links/pair"
)

var (
	hqKey    = keys.PrivateKey{1, 2, 3}
	kitToken = keys.Token{4, 5, 6}
)

// hqWith is a headquarters with an invited kit.
func hqWith(peer string) string {
	return "pairing.key = \"" + hqKey.Text() + "\"\n" + hfWith("", "pairing.token = \""+kitToken.Text()+"\"\n"+peer)
}

func TestEachFaultOfAnInvitationIsTold(t *testing.T) {
	other := keys.Token{7}.Text()
	second := "[[peer]]\ndomains = [\"two.net\"]\nlinks = [\"5066 link hq-2-field\"]\ns5066.remote_5066_address = \"1.1.0.3\"\n"
	kit := hfWith("", "pairing.token = \""+kitToken.Text()+"\"\npairing.headquarters_key = \""+hqKey.Public().String()+"\"")
	for _, c := range []struct{ name, doc, want string }{
		{"no key of headquarters", hfWith("", `pairing.token = "`+other+`"`), `n.toml:10: peer.pairing: peer "field.net" is an invited kit, and its headquarters has no key; set key below [pairing]; or, if this node is the kit, set headquarters_key here`},
		{"damaged key", strings.Replace(hqWith(""), hqKey.Text(), hqKey.Text()[:40], 1), `n.toml:1: pairing.key: this is no key: a key is 44 letters of base64 behind its prefix; let 'longwire kit key' make one`},
		{"public key in the wrong place", strings.Replace(hqWith(""), hqKey.Text(), hqKey.Public().String(), 1), `n.toml:1: pairing.key: this is no key: a key of this kind begins with "longwire-pair-secret-1"; let`},
		{"secret key in the wrong place", strings.Replace(kit, hqKey.Public().String(), hqKey.Text(), 1), `n.toml:11: peer.pairing.headquarters_key: this is no key of a headquarters: this is the secret half of a key; the public half is wanted; copy`},
		{"damaged token", strings.Replace(hqWith(""), kitToken.Text(), "abc", 1), `n.toml:11: peer.pairing.token: this is no token: a token is 26 letters a to z and digits 2 to 7; copy the one`},
		{"token of two kits", hqWith(second + "pairing.token = \"" + kitToken.Text() + "\""), `n.toml:16: peer.pairing.token: peer "field.net" (line 11) has the same token; make a token for each kit`},
		{"key without token", hfWith("", `pairing.headquarters_key = "x"`), `n.toml:10: peer.pairing.headquarters_key: peer "field.net" has a key and no token; set the token`},
		{"nobody to introduce itself to", hfWith("", `pairing.introduce = "with-data"`), `n.toml:10: peer.pairing.introduce: peer "field.net" has nobody to introduce itself to; set token and headquarters_key, or take it out`},
		{"headquarters introduces itself", hqWith(`pairing.introduce = "with-data"`), `n.toml:12: peer.pairing.introduce: peer "field.net" is the kit, which introduces itself to us; take it out`},
		{"no way to introduce itself", kit + `pairing.introduce = "never"`, `n.toml:12: peer.pairing.introduce: "never" is unknown; write one of: at-once, with-data`},
		{"application of pairing", hqWith(`s5066.application_id = 0x8002`), `n.toml:12: peer.s5066.application_id: 0x8002 is the application of pairing; choose another on both sides`},
		{"link of another type", "pairing.key = \"" + hqKey.Text() + "\"\n" + link(`remote_address = "198.51.100.1"`) + "pairing.token = \"" + other + "\"", `n.toml:8: peer.pairing: pairing is for links of type s5066, and peer "hq.net" is reached by link "one" of type ip; take it out: on a link of type ip, tls = "direct" with pin_sha256 tells who the peer is`},
		{"headquarters without an address", strings.Replace(kit, "s5066.remote_5066_address = \"1.1.0.2\"\n", "", 1), `n.toml:6: peer.s5066.remote_5066_address: peer "field.net", reached by link "5066 link hq-2-field", has no remote_5066_address`},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := faults(t, c.doc)
			if len(got) != 1 || !strings.HasPrefix(got[0].String(), c.want) || got[0].Remedy == "" {
				t.Errorf("got:\n%v\nwant:\n%s\nin:\n%s", got, c.want, numbered(c.doc))
			}
		})
	}
}

func TestAnInvitedKitNeedsNoAddress(t *testing.T) {
	c := parse(t, strings.Replace(hqWith(""), "s5066.remote_5066_address = \"1.1.0.2\"\n", "", 1))
	if p := c.Peers[0]; len(c.Warnings) > 0 || !p.Invited() || p.Headquarters() || p.Pairing.Introduce != config.IntroduceAtOnce {
		t.Errorf("%v, %+v", c.Warnings, p.Pairing)
	}
	c = parse(t, "pairing.key = \""+hqKey.Text()+"\"\n"+hf)
	if len(c.Warnings) != 1 || !strings.Contains(c.Warnings.Error(), "n.toml:1: pairing.key: no peer is an invited kit") {
		t.Errorf("%v", c.Warnings)
	}
}
