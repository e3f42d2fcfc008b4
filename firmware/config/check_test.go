package config_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const pair = `
[[link]]
name = "one"
remote_address = "198.51.100.1"
[[link]]
name = "two"
remote_address = "198.51.100.2"
[[peer]]
domains = ["hq.net"]
links = ["one"]
[[peer]]
domains = ["other.net"]
links = ["two"]
`

func edit(old, new string) string {
	if !strings.Contains(pair, old) {
		panic("no " + old)
	}
	return strings.Replace(pair, old, new, 1)
}

func link(keys ...string) string {
	return "[[link]]\nname = \"one\"\n" + strings.Join(keys, "\n") + "\n[[peer]]\ndomains = [\"hq.net\"]\nlinks = [\"one\"]\n"
}

var pin = strings.Repeat("ab", 32)

// Each case has exactly one fault, in exactly these words.
func TestEachFaultIsToldWithItsRemedy(t *testing.T) {
	remote := `remote_address = "198.51.100.1"`
	for _, c := range []struct{ name, doc, want string }{
		// The node itself.
		{"no domain", `domains = []`, `n.toml:1: domains: the node serves no domain; name at least one, as in ["field.net"]`},
		{"bad domain", `domains = ["a@b"]`, `n.toml:1: domains: "a@b" is not a domain; write it as in field.net`},
		{"domain twice", "domains = [\"a.b\",\n \"A.b\"]", `n.toml:2: domains: a.b stands there twice; keep one of the two`},
		{"log level", "log.level = \"loud\"", `n.toml:1: log.level: "loud" is unknown; write one of: debug, info, warn, error`},
		{"text for a list", `domains = "field.net"`, `n.toml:1: domains: it must be a list, not text; write ["field.net"]`},
		{"number for text", `data = 7`, `n.toml:1: data: it must be text in quotes, not a number; as in data = "…"`},
		{"key in the wrong place", `direct_tls = [":5223"]`, `n.toml:1: direct_tls: there is no such setting; it belongs below [clients]`},
		{"key set twice", "data = \"/a\"\ndata = \"/b\"", `n.toml:2: data: line 1 has set it already; keep one of the two`},
		{"table twice", "[log]\n[log]", `n.toml:2: log: line 1 already says what this is; join the two`},
		{"one bracket", "[link]\nname = \"x\"", `n.toml:1: link: there can be several; write [[link]] with two brackets`},
		{"negative size", "[store]\nmax_size = -1", `n.toml:2: store.max_size: -1 is not a size; write bytes or text with a unit, as in 65536 or "64KiB"`},

		// Clients.
		{"address", "[clients]\nlisten = [\"5222\"]", `n.toml:2: clients.listen: "5222" is not an address to listen on; write address:port, as in "192.0.2.1:5222", "[::1]:5222" or ":5222"`},
		{"port", "[clients]\nlisten = [\":70000\"]", `n.toml:2: clients.listen: ":70000" is not an address to listen on; write address:port, as in "192.0.2.1:5222", "[::1]:5222" or ":5222"`},
		{"IPv4 slip", "[clients]\nlisten = [\"10.0.0.300:5222\"]", `n.toml:2: clients.listen: "10.0.0.300:5222" is not an address to listen on; write address:port, as in "192.0.2.1:5222", "[::1]:5222" or ":5222"`},
		{"same port twice", "[clients]\nlisten = [\":5300\"]\ndirect_tls = [\"127.0.0.1:5300\"]", `n.toml:3: clients.direct_tls: clients.listen (line 2) listens on :5300 already; give one of them another port`},
		{"link on a client port", link(remote, "local_port = 5222"), `n.toml:4: link.local_port: clients.listen listens on :5222 already; give one of them another port`},
		{"open plaintext", "[clients]\nplaintext = [\"0.0.0.0:5224\"]", `n.toml:2: clients.plaintext: 0.0.0.0:5224 can be reached from other machines, and passwords would cross the network readable; use a loopback address such as 127.0.0.1, or listen with STARTTLS, or set plaintext_anywhere = true if the network itself is safe`},
		{"stanza below the RFC", "[clients]\nmax_stanza_unauthenticated = 9999", `n.toml:2: clients.max_stanza_unauthenticated: 9999 is out of range; choose 10000 to 64MiB`},
		{"zero", "[clients]\nstreams_per_account = 0", `n.toml:2: clients.streams_per_account: 0 is out of range; choose 1 to 1000000`},
		{"duration", "[clients]\nidle = \"ten minutes\"", `n.toml:2: clients.idle: "ten minutes" is not a duration; write a number with a unit, as in "90s", "10m" or "24h"`},

		// Links.
		{"type of the future", link(remote, `type = "file"`), `n.toml:4: link.type: this version has no links of type "file"; the types are: ip, s5066`},
		{"name twice", edit(`name = "two"`, `name = "one"`) + "[[link]]\nname = \"two\"\nremote_address = \"198.51.100.3\"", `n.toml:6: link.name: another link is called "one" too (line 3); give one of them another name`},
		{"nowhere to dial", link(`dial = true`, `listen = false`), `n.toml:1: link: link "one" has nowhere to dial; set remote_address, or dial = false`},
		{"neither way", link(remote, `dial = false`, `listen = false`), `n.toml:1: link: link "one" neither dials nor listens; set dial = true, or listen = true, or both`},
		{"stranger", link(`dial = false`), `n.toml:1: link: link "one" cannot tell its peer from a stranger; set remote_address, or tls = "direct" with pin_sha256`},
		{"port in the address", link(`remote_address = "198.51.100.1:65510"`), `n.toml:3: link.remote_address: "198.51.100.1:65510" is not an address; write an IP address or a host name; the port goes to remote_port`},
		{"zero_rtt", link(remote, `stream_management = "off"`, `zero_rtt = true`), `n.toml:5: link.zero_rtt: only pipelined stream management can resume without waiting; set stream_management = "pipelined", or zero_rtt = false`},
		{"pins without tls", link(remote, `pin_sha256 = ["`+pin+`"]`), `n.toml:4: link.pin_sha256: certificates are only shown under TLS; set tls = "direct", or leave the pins out`},
		{"tls without pins", link(remote, `tls = "direct"`), `n.toml:4: link.tls: nothing says which certificate the peer has; set pin_sha256 to the fingerprint that 'longwire status' shows on the other node`},
		{"no pin at all", link(remote, `tls = "direct"`, `pin_sha256 = ["sha256"]`), `n.toml:5: link.pin_sha256: "sha256" is not a SHA-256 fingerprint; copy the 64 hex digits that 'longwire status' shows on the other node`},
		{"back-off", link(remote, `backoff_min = "10m"`), `n.toml:1: link.backoff_max: 5m is out of range; choose 10m to 168h`},
		{"twins", edit("198.51.100.2", "198.51.100.1"), `n.toml:7: link.remote_address: link "one" (line 2) has the same remote_address, so their connections cannot be told apart; set a source_port on both, or tls = "direct" with pin_sha256, or another local_port`},
		{"twins under tls", pair + twinTLS, `n.toml:21: link.pin_sha256: link "three" (line 14) has the same pin, so their connections cannot be told apart; give one of them another local_port, or its peer another certificate`},
		{"source port of nobody", link(remote, `listen = false`, `source_port = 7`), `n.toml:5: link.source_port: it says whence connections are accepted, but the link does not listen; set listen = true, or leave it out`},

		// Peers.
		{"domain of two peers", edit("other.net", "hq.net") + "name = \"second\"", `n.toml:12: peer.domains: hq.net is claimed by peer "hq.net" too (line 9); leave it with one of them`},
		{"our own domain", "domains = [\"hq.net\"]" + pair, `n.toml:9: peer.domains: hq.net is a domain of this node; take it out here or from domains (line 1)`},
		{"link of nobody", edit(`links = ["one"]`, `links = ["on"]`), `n.toml:10: peer.links: there is no link "on"; did you mean "one"?`},
		{"link of two", edit(`links = ["two"]`, `links = ["one"]`), `n.toml:13: peer.links: link "one" belongs to peer "hq.net" already (line 10); give each peer a link of its own, or put all domains into one peer`},
		{"no link", "[[peer]]\ndomains = [\"hq.net\"]", `n.toml:1: peer.links: no link reaches peer "hq.net"; name a [[link]], as in links = ["IP link hq-2-field"]`},
		{"no domain of a peer", "[[link]]\nname = \"one\"\n" + remote + "\n[[peer]]\nname = \"x\"\nlinks = [\"one\"]", `n.toml:4: peer.domains: peer "x" has no domain; name them, as in ["field.net"]`},
		{"peers of one name", edit(`domains = ["hq.net"]`, "domains = [\"hq.net\"]\nname = \"other.net\""), `n.toml:12: peer.name: another peer is called "other.net" too (line 10); give one of them another name`},
		{"foreign local domain", edit(`links = ["one"]`, "links = [\"one\"]\nlocal_domains = [\"elsewhere.net\"]"), `n.toml:11: peer.local_domains: elsewhere.net is not a domain of this node; ours are: `},
		{"iq for ever", edit(`links = ["one"]`, "links = [\"one\"]\nlifetimes.iq = \"0s\""), `n.toml:11: peer.lifetimes.iq: 0s is out of range; choose 1s to 720h`},
		{"queue", edit(`links = ["one"]`, "links = [\"one\"]\nqueue_bytes = \"1KiB\""), `n.toml:11: peer.queue_bytes: 1KiB is out of range; choose 64KiB to 1024GiB`},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := faults(t, c.doc)
			if len(got) != 1 || !strings.HasPrefix(got[0].String(), c.want) || got[0].Remedy == "" {
				t.Errorf("got:\n%v\nwant:\n%s\nin:\n%s", got, c.want, numbered(c.doc))
			}
		})
	}
}

var twinTLS = `[[link]]
name = "three"
remote_address = "a.net"
local_port = 1111
tls = "direct"
pin_sha256 = ["` + pin + `"]
[[link]]
pin_sha256 = ["` + pin + `"]
name = "four"
dial = false
local_port = 1111
tls = "direct"
`

func numbered(doc string) string {
	var b strings.Builder
	n := 0
	for line := range strings.Lines(doc) {
		n++
		fmt.Fprintf(&b, "%3d %s", n, line)
	}
	return b.String()
}

func TestCertificateFilesAreTried(t *testing.T) {
	dir := t.TempDir()
	garbage := filepath.Join(dir, "garbage.pem")
	if err := os.WriteFile(garbage, []byte("hello"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ doc, want string }{
		{"[tls]\ncert = \"none.pem\"\nkey = \"none.pem\"", "none.pem: no such file or directory; check its name"},
		{"[tls]\ncert = \"" + garbage + "\"\nkey = \"" + garbage + "\"", "tls.cert: failed to find any PEM data"},
		{"[tls]\ncert = \"" + garbage + "\"", "tls.key: there is a certificate but no key"},
		{"[tls]\nkey = \"" + garbage + "\"", "tls.cert: there is a key but no certificate"},
	} {
		if got := faults(t, c.doc); len(got) != 1 || !strings.Contains(got.Error(), c.want) {
			t.Errorf("%s\ngot %v", c.doc, got)
		}
	}
}

// certificate writes a self-signed one for a name and returns the lines that use it.
func certificate(t *testing.T, name string, until time.Time) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{name}, NotAfter: until}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for file, block := range map[string]*pem.Block{"c.pem": {Type: "CERTIFICATE", Bytes: der}, "k.pem": {Type: "PRIVATE KEY", Bytes: pkcs8}} {
		if err := os.WriteFile(filepath.Join(dir, file), pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return fmt.Sprintf("[tls]\ncert = %q\nkey = %q\n", filepath.Join(dir, "c.pem"), filepath.Join(dir, "k.pem"))
}

func TestCertificatesThatClientsWillRefuseAreWarnedOf(t *testing.T) {
	domains := "domains = [\"field.net\"]\n"
	if w := parse(t, domains+certificate(t, "field.net", time.Now().Add(time.Hour))).Warnings; len(w) > 0 {
		t.Errorf("a good one: %v", w)
	}
	w := parse(t, domains+certificate(t, "other.net", time.Now().Add(-time.Hour))).Warnings
	if len(w) != 2 || !strings.Contains(w.Error(), "does not name field.net") || !strings.Contains(w.Error(), "ran out on") {
		t.Errorf("a bad one: %v", w)
	}
}

func TestDoubtfulSettingsAreWarnedOf(t *testing.T) {
	for _, c := range []struct{ name, doc, want string }{
		{"trust by address", link(`remote_address = "198.51.100.1"`), `link "one" takes any program at 198.51.100.1 for the peer`},
		{"unused link", link(`remote_address = "127.0.0.1"`) + "[[link]]\nname = \"spare\"\nremote_address = \"127.0.0.2\"", `no peer uses link "spare"`},
		{"no clients", "[clients]\nlisten = []\ndirect_tls = []", "no client can connect"},
	} {
		got := parse(t, c.doc).Warnings
		if len(got) != 1 || !strings.Contains(got.Error(), c.want) || got[0].Line == 0 {
			t.Errorf("%s: %v", c.name, got)
		}
	}
	if w := parse(t, link(`remote_address = "127.0.0.1"`)).Warnings; len(w) != 0 {
		t.Errorf("loopback: %v", w)
	}
}

func TestLinksMayShareAPortWhenTheirPeersDiffer(t *testing.T) {
	parse(t, pair)
	parse(t, strings.NewReplacer("198.51.100.1\"", "198.51.100.2\"\nsource_port = 4000", "198.51.100.2\"", "198.51.100.2\"\nsource_port = 4001").Replace(pair))
}
