package identity_test

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"longwire/firmware/identity"
)

var (
	today   = time.Date(2027, 3, 1, 12, 0, 0, 0, time.UTC)
	zero    = time.Unix(0, 0)
	domains = []string{"field.net", "chat.field.net"}
)

func load(tb testing.TB, dir string, names []string, now time.Time) *identity.Identity {
	tb.Helper()
	id, err := identity.Load(dir, names, now)
	if err != nil {
		tb.Fatal(err)
	}
	return id
}

// shake runs one handshake and sends a byte each way, so that TLS 1.3 tells both sides of a refusal. It goes over loopback:
// on a net.Pipe two sides that refuse each other at once wait for ever, each to be rid of its alert.
func shake(tb testing.TB, client, server *tls.Config) (c, s tls.ConnectionState, clientErr, serverErr error) {
	tb.Helper()
	a, b := loopback(tb)
	cc, sc := tls.Client(a, client), tls.Server(b, server)
	ends := make(chan error, 1)
	go func() {
		err := ping(sc)
		sc.Close()
		ends <- err
	}()
	clientErr = ping(cc)
	cc.Close()
	serverErr = <-ends
	return cc.ConnectionState(), sc.ConnectionState(), clientErr, serverErr
}

// loopback connects two sockets.
func loopback(tb testing.TB) (a, b net.Conn) {
	tb.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	defer l.Close()
	if a, err = net.Dial("tcp", l.Addr().String()); err != nil {
		tb.Fatal(err)
	}
	if b, err = l.Accept(); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { a.Close(); b.Close() })
	return a, b
}

// ping shakes hands, sends a byte and receives one.
func ping(c *tls.Conn) error {
	if err := c.Handshake(); err != nil {
		return err
	}
	_, err1 := c.Write([]byte("x"))
	n, err2 := c.Read(make([]byte, 1))
	if n == 1 {
		return nil // the far side may have closed behind it
	}
	return errors.Join(err2, err1)
}

// roots trusts what an operator would import.
func roots(tb testing.TB, dir string) *x509.CertPool {
	tb.Helper()
	pool := x509.NewCertPool()
	data, err := os.ReadFile(filepath.Join(dir, "ca.crt"))
	if err != nil || !pool.AppendCertsFromPEM(data) {
		tb.Fatal("ca.crt cannot be imported", err)
	}
	return pool
}

func at(now time.Time) func() time.Time { return func() time.Time { return now } }

func TestFirstStartMakesACertificateThatClientsVerify(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "keys")
	id := load(t, dir, domains, today)
	s := id.Current()
	pool := roots(t, dir)
	for _, name := range domains {
		for label, config := range map[string]*tls.Config{"starttls": s.StartTLS, "direct": s.Direct} {
			for _, clock := range []time.Time{zero, today, today.AddDate(4, 0, 0)} {
				client := &tls.Config{RootCAs: pool, ServerName: name, Time: at(clock)}
				if _, _, err, serverErr := shake(t, client, config); err != nil || serverErr != nil {
					t.Errorf("%s %s at %v: %v, %v", label, name, clock, err, serverErr)
				}
			}
		}
	}
	if _, _, err, _ := shake(t, &tls.Config{RootCAs: pool, ServerName: "headquarters.net", Time: at(today)}, s.StartTLS); err == nil {
		t.Error("the certificate is good for another domain")
	}
	if len(s.Warnings) != 0 {
		t.Errorf("warnings: %q", s.Warnings)
	}
}

func TestKeyFilesAreForTheNodeAlone(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "keys")
	load(t, dir, domains, today)
	for name, want := range map[string]os.FileMode{"": 0o700, "ca.pem": 0o600, "server.pem": 0o600, "ca.crt": 0o644} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil || info.Mode().Perm() != want {
			t.Errorf("%q: %v, %v, want %v", name, info.Mode().Perm(), err, want)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "*.tmp")); left != nil {
		t.Errorf("left behind: %v", left)
	}
	if data, _ := os.ReadFile(filepath.Join(dir, "ca.crt")); bytes.Contains(data, []byte("PRIVATE")) {
		t.Error("ca.crt holds a key")
	}

	if err := os.Chmod(filepath.Join(dir, "server.pem"), 0o644); err != nil {
		t.Fatal(err)
	}
	s := load(t, dir, domains, today).Current()
	if info, err := os.Stat(filepath.Join(dir, "server.pem")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("not mended: %v, %v", info.Mode().Perm(), err)
	}
	if len(s.Warnings) != 1 || !strings.Contains(s.Warnings[0], "readable by others") {
		t.Errorf("warnings: %q", s.Warnings)
	}
}

func TestLaterStartsUseTheSame(t *testing.T) {
	dir := t.TempDir()
	first := load(t, dir, domains, today).Current()
	// The order of domains means nothing, neither does a clock that fell back to 1970.
	for _, again := range []*identity.Server{
		load(t, dir, domains, today.AddDate(3, 0, 0)).Current(),
		load(t, dir, []string{"chat.field.net", "field.net", "field.net"}, zero).Current(),
	} {
		if first.Fingerprint() != again.Fingerprint() || first.CAFingerprint() != again.CAFingerprint() || len(again.Warnings) != 0 {
			t.Errorf("%s became %s, %q", first.Fingerprint(), again.Fingerprint(), again.Warnings)
		}
	}
	if other := load(t, t.TempDir(), domains, today).Current(); other.CA.Subject.String() == first.CA.Subject.String() {
		t.Errorf("two nodes share the name %s", other.CA.Subject)
	}
}

func TestFingerprintIsOfTheCertificate(t *testing.T) {
	s := load(t, t.TempDir(), domains, today).Current()
	got := s.Fingerprint()
	pin, err := identity.ParsePin(got)
	if err != nil || strings.Count(got, ":") != 31 || got != strings.ToUpper(got) || got == s.CAFingerprint() {
		t.Errorf("%s, %v", got, err)
	}
	if lower, err := identity.ParsePin(hex.EncodeToString(pin[:])); lower != pin || err != nil {
		t.Errorf("%x, %v", lower, err)
	}
	for _, bad := range []string{"", "AB:CD", got + ":00", "XX" + got[2:], strings.Repeat("0", 10000)} {
		if _, err := identity.ParsePin(bad); err == nil || len(err.Error()) > 300 {
			t.Errorf("%.50q: %v", bad, err)
		}
	}
}

func TestReissue(t *testing.T) {
	for _, tt := range []struct {
		name    string
		domains []string
		now     time.Time
		leaf    bool // changes
		ca      bool
	}{
		{"nothing changes", domains, today.AddDate(4, 0, 0), false, false},
		{"domain added", append(domains, "other.net"), today, true, false},
		{"domain removed", domains[:1], today, true, false},
		{"near its end", domains, today.AddDate(4, 7, 0), true, false},
		{"past its end", domains, today.AddDate(6, 0, 0), true, false},
		{"authority near its end", domains, today.AddDate(16, 0, 0), true, true},
		{"authority past its end", domains, today.AddDate(30, 0, 0), true, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			old := load(t, dir, domains, today).Current()
			pool := roots(t, dir)
			s := load(t, dir, tt.domains, tt.now).Current()
			if (s.Fingerprint() != old.Fingerprint()) != tt.leaf || (s.CAFingerprint() != old.CAFingerprint()) != tt.ca {
				t.Errorf("leaf %s then %s, authority %s then %s", old.Fingerprint(), s.Fingerprint(), old.CAFingerprint(), s.CAFingerprint())
			}
			if !bytes.Equal(s.Leaf.RawSubjectPublicKeyInfo, old.Leaf.RawSubjectPublicKeyInfo) {
				t.Error("the key changed")
			}
			// Whoever imported the first authority still trusts, while that lives.
			if tt.now.After(old.CA.NotAfter) {
				pool = roots(t, dir)
			}
			client := &tls.Config{RootCAs: pool, ServerName: tt.domains[0], Time: at(tt.now)}
			if _, _, err, _ := shake(t, client, s.StartTLS); err != nil {
				t.Error(err)
			}
			if again := load(t, dir, tt.domains, tt.now).Current(); again.Fingerprint() != s.Fingerprint() {
				t.Error("made anew at each start")
			}
		})
	}
}

func TestMadeIn1970(t *testing.T) {
	dir := t.TempDir()
	s := load(t, dir, domains, zero).Current()
	for _, clock := range []time.Time{zero, today, today.AddDate(3, 0, 0)} {
		client := &tls.Config{RootCAs: roots(t, dir), ServerName: "field.net", Time: at(clock)}
		if _, _, err, _ := shake(t, client, s.Direct); err != nil {
			t.Errorf("at %v: %v", clock, err)
		}
	}
	if later := load(t, dir, domains, today).Current(); later.Fingerprint() != s.Fingerprint() {
		t.Error("made anew when the clock was set")
	}
}

func TestNamesOfTheCertificate(t *testing.T) {
	s := load(t, t.TempDir(), []string{"müller.example", "192.0.2.7", "[2001:db8::1]", "field.net"}, today).Current()
	if want := []string{"field.net", "xn--mller-kva.example"}; !slices.Equal(s.Leaf.DNSNames, want) {
		t.Errorf("names %q, want %q", s.Leaf.DNSNames, want)
	}
	for _, name := range []string{"field.net", "xn--mller-kva.example", "192.0.2.7", "2001:db8::1"} {
		if err := s.Leaf.VerifyHostname(name); err != nil {
			t.Error(err)
		}
	}
	var san []byte
	for _, e := range s.Leaf.Extensions {
		if e.Id.String() == "2.5.29.17" {
			san = e.Value
		}
	}
	// id-on-xmppAddr with a UTF8String, id-on-dnsSRV with an IA5String, each in [0] as RFC 5280 §4.2.1.6 nests them.
	for _, want := range []string{
		"a017" + "06082b06010505070805" + "a00b" + "0c09" + hex.EncodeToString([]byte("field.net")),
		"a024" + "06082b06010505070807" + "a018" + "1616" + hex.EncodeToString([]byte("_xmpp-client.field.net")),
		hex.EncodeToString([]byte("_xmpp-server.xn--mller-kva.example")),
		"0c0f" + hex.EncodeToString([]byte("müller.example")),
	} {
		if !strings.Contains(hex.EncodeToString(san), want) {
			t.Errorf("%s not in %x", want, san)
		}
	}
	long := strings.Repeat("a", 60) + "." + strings.Repeat("b", 60) + ".example"
	if s := load(t, t.TempDir(), []string{long}, today).Current(); len(s.Leaf.Subject.CommonName) > 64 || len(s.CA.Subject.CommonName) > 64 || s.Leaf.VerifyHostname(long) != nil {
		t.Errorf("%s of %s", s.Leaf.Subject, s.CA.Subject)
	}
	for _, bad := range [][]string{nil, {"a b"}, {"field.net", "..."}, {"fi/eld"}} {
		if _, err := identity.Load(t.TempDir(), bad, today); err == nil {
			t.Errorf("%q: no error", bad)
		}
	}
}

func TestReloadChangesNewConnectionsOnly(t *testing.T) {
	dir := t.TempDir()
	id := load(t, dir, domains, today)
	old := id.Current()
	if err := id.Reload(domains, today); err != nil {
		t.Fatal(err)
	}
	if id.Current().StartTLS != old.StartTLS || id.Current().Direct != old.Direct {
		t.Error("tickets of clients were lost although nothing changed")
	}
	if err := id.Reload(append(domains, "new.net"), today); err != nil {
		t.Fatal(err)
	}
	client := func(name string) *tls.Config {
		return &tls.Config{RootCAs: roots(t, dir), ServerName: name, Time: at(today)}
	}
	if _, _, err, _ := shake(t, client("new.net"), id.Current().StartTLS); err != nil {
		t.Error(err)
	}
	if _, _, err, _ := shake(t, client("field.net"), old.StartTLS); err != nil {
		t.Error("a handshake that was under way:", err)
	}
	if c, err := id.GetCertificate(nil); err != nil || !c.Leaf.Equal(id.Current().Leaf) {
		t.Error("GetCertificate gives an old one", err)
	}
	before := id.Current()
	if err := id.Reload([]string{"a b"}, today); err == nil || id.Current() != before {
		t.Error("a bad reload was taken", err)
	}
}

func TestTicketsOfAnOldCertificateAreNotResumed(t *testing.T) {
	dir := t.TempDir()
	id := load(t, dir, domains, today)
	client := &tls.Config{RootCAs: roots(t, dir), ServerName: "field.net", Time: at(today), ClientSessionCache: tls.NewLRUClientSessionCache(1)}
	for i, want := range []bool{false, true} {
		if c, _, err, _ := shake(t, client, id.Current().StartTLS); err != nil || c.DidResume != want {
			t.Fatalf("connection %d: %v, resumed %v", i, err, c.DidResume)
		}
	}
	if err := id.Reload(domains[:1], today); err != nil {
		t.Fatal(err)
	}
	c, _, err, _ := shake(t, client, id.Current().StartTLS)
	if err != nil || c.DidResume || !c.PeerCertificates[0].Equal(id.Current().Leaf) {
		t.Errorf("%v, resumed %v", err, c.DidResume)
	}
}

func TestProtocolsAndSuites(t *testing.T) {
	dir := t.TempDir()
	s := load(t, dir, domains, today).Current()
	base := func() *tls.Config {
		return &tls.Config{RootCAs: roots(t, dir), ServerName: "field.net", Time: at(today)}
	}
	for _, tt := range []struct {
		name   string
		server *tls.Config
		change func(*tls.Config)
		alpn   string
		ok     bool
	}{
		{"TLS 1.3", s.Direct, func(c *tls.Config) { c.MinVersion = tls.VersionTLS13 }, "", true},
		{"TLS 1.2", s.Direct, func(c *tls.Config) { c.MaxVersion = tls.VersionTLS12 }, "", true},
		{"TLS 1.1", s.Direct, func(c *tls.Config) { c.MinVersion, c.MaxVersion = tls.VersionTLS10, tls.VersionTLS11 }, "", false},
		{"CBC", s.Direct, func(c *tls.Config) {
			c.MaxVersion, c.CipherSuites = tls.VersionTLS12, []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA}
		}, "", false},
		{"ALPN on direct TLS", s.Direct, func(c *tls.Config) { c.NextProtos = []string{identity.ALPN} }, "xmpp-client", true},
		{"foreign ALPN on direct TLS", s.Direct, func(c *tls.Config) { c.NextProtos = []string{"h2"} }, "", false},
		{"ALPN on STARTTLS", s.StartTLS, func(c *tls.Config) { c.NextProtos = []string{"h2"} }, "", true},
	} {
		config := base()
		tt.change(config)
		c, _, err, _ := shake(t, config, tt.server)
		if (err == nil) != tt.ok || c.NegotiatedProtocol != tt.alpn {
			t.Errorf("%s: %v, protocol %q", tt.name, err, c.NegotiatedProtocol)
		}
	}
	c, _, _, _ := shake(t, base(), s.StartTLS)
	if len(c.PeerCertificates) != 1 {
		t.Errorf("clients get %d certificates", len(c.PeerCertificates))
	}
}

// spoil changes a file of the node's.
func spoil(tb testing.TB, dir, name string, how func([]byte) []byte) {
	tb.Helper()
	path := filepath.Join(dir, name)
	data, err := os.ReadFile(path)
	if err != nil {
		tb.Fatal(err)
	}
	if data = how(data); data == nil {
		err = os.Remove(path)
	} else {
		err = os.WriteFile(path, data, 0o600)
	}
	if err != nil {
		tb.Fatal(err)
	}
}

func TestDamagedFiles(t *testing.T) {
	remove := func([]byte) []byte { return nil }
	empty := func([]byte) []byte { return []byte{} }
	half := func(b []byte) []byte { return b[:len(b)/2] }
	flip := func(b []byte) []byte {
		i := bytes.Index(b, []byte("PRIVATE KEY-----")) + 60
		b[i] ^= 1
		return b
	}
	otherKey := func(b []byte) []byte {
		other, err := os.ReadFile(filepath.Join(func() string { d := t.TempDir(); load(t, d, domains, today); return d }(), "server.pem"))
		if err != nil {
			t.Fatal(err)
		}
		cert, _ := pem.Decode(b)
		_, rest := pem.Decode(other)
		return append(pem.EncodeToMemory(cert), rest...)
	}
	for _, tt := range []struct {
		name    string
		file    string
		how     func([]byte) []byte
		domains []string
		ok      bool   // a node that serves
		same    bool   // with the same certificate
		says    string // in the error or the warning
	}{
		{"certificate empty", "server.pem", empty, domains, true, false, "server.pem: not usable: no certificate in PEM found; a new one was made"},
		{"certificate cut", "server.pem", half, domains, true, false, "server.pem: not usable"},
		{"certificate with a flipped bit", "server.pem", flip, domains, true, false, "server.pem"},
		{"certificate with another key", "server.pem", otherKey, domains, true, false, "key does not fit the certificate"},
		{"certificate lost", "server.pem", remove, domains, true, false, ""},
		{"public copy lost", "ca.crt", remove, domains, true, true, ""},
		{"public copy damaged", "ca.crt", half, domains, true, true, ""},
		{"authority damaged", "ca.pem", half, domains, true, true, "is used as long as it fits"},
		{"authority taken away", "ca.pem", remove, domains, true, true, "is used as long as it fits"},
		{"authority damaged, domains changed", "ca.pem", empty, domains[:1], false, false, "restore it from a backup, or remove both ca.pem and server.pem"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			old := load(t, dir, domains, today).Current()
			pool := roots(t, dir)
			spoil(t, dir, tt.file, tt.how)
			id, err := identity.Load(dir, tt.domains, today)
			if (err == nil) != tt.ok {
				t.Fatal(err)
			}
			if !tt.ok {
				if !strings.Contains(err.Error(), tt.says) || !strings.Contains(err.Error(), tt.file) {
					t.Errorf("error %q", err)
				}
				return
			}
			s := id.Current()
			if (s.Fingerprint() == old.Fingerprint()) != tt.same {
				t.Errorf("%s, was %s", s.Fingerprint(), old.Fingerprint())
			}
			if all := strings.Join(s.Warnings, "; "); (tt.says == "") != (all == "") || !strings.Contains(all, tt.says) {
				t.Errorf("warnings %q", all)
			}
			if _, _, err, _ := shake(t, &tls.Config{RootCAs: pool, ServerName: "field.net", Time: at(today)}, s.StartTLS); err != nil {
				t.Error(err)
			}
		})
	}

	t.Run("both damaged", func(t *testing.T) {
		dir := t.TempDir()
		load(t, dir, domains, today)
		spoil(t, dir, "ca.pem", half)
		spoil(t, dir, "server.pem", half)
		before, _ := os.ReadFile(filepath.Join(dir, "ca.pem"))
		if _, err := identity.Load(dir, domains, today); !errors.Is(err, identity.ErrDamaged) || !strings.Contains(err.Error(), "remove both") {
			t.Errorf("got %v", err)
		}
		if after, _ := os.ReadFile(filepath.Join(dir, "ca.pem")); !bytes.Equal(before, after) {
			t.Error("the damaged authority was overwritten")
		}
	})
}

func TestLeftoverOfACrashIsReplaced(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "server.pem.tmp"), []byte("half"), 0o644); err != nil {
		t.Fatal(err)
	}
	load(t, dir, domains, today)
	if _, err := os.Stat(filepath.Join(dir, "server.pem.tmp")); !errors.Is(err, os.ErrNotExist) {
		t.Error("still there", err)
	}
	if info, err := os.Stat(filepath.Join(dir, "server.pem")); err != nil || info.Mode().Perm() != 0o600 {
		t.Error("it lent its permissions", err)
	}
}

func TestFolderThatCannotBeWritten(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := identity.Load(filepath.Join(file, "keys"), domains, today); err == nil || !strings.Contains(err.Error(), file) {
		t.Errorf("got %v", err)
	}

	// A folder in the way of the temporary file stops writing for every user, root too.
	dir := t.TempDir()
	block := func(name string) {
		if err := os.MkdirAll(filepath.Join(dir, name+".tmp", "x"), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	block("ca.pem")
	if _, err := identity.Load(dir, domains, today); err == nil || !strings.Contains(err.Error(), "ca.pem") {
		t.Errorf("first start: %v", err)
	}
	os.RemoveAll(filepath.Join(dir, "ca.pem.tmp"))
	load(t, dir, domains, today)
	block("server.pem")
	s := load(t, dir, domains[:1], today).Current()
	if len(s.Warnings) != 1 || !strings.Contains(s.Warnings[0], "not kept") || !slices.Equal(s.Leaf.DNSNames, domains[:1]) {
		t.Errorf("later start: %q, %q", s.Warnings, s.Leaf.DNSNames)
	}
}
