package identity_test

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"longwire/firmware/identity"
)

func TestPeersProveWhoTheyAre(t *testing.T) {
	hqDir, fieldDir := t.TempDir(), t.TempDir()
	hqNames, fieldNames := []string{"headquarters.net", "chat.headquarters.net"}, domains
	hq := load(t, hqDir, hqNames, today)
	field := load(t, fieldDir, fieldNames, zero)
	other := load(t, t.TempDir(), fieldNames, today) // claims to be field.net
	sum := func(b []byte) [][32]byte { return [][32]byte{sha256.Sum256(b)} }
	leaf := func(id *identity.Identity) *x509.Certificate { return id.Current().Leaf }

	hqPeer := identity.Peer{Names: hqNames, Pins: sum(leaf(hq).Raw)}
	for _, tt := range []struct {
		name string
		peer identity.Peer // what headquarters knows of field
		from *identity.Identity
		ok   bool
	}{
		{"pinned certificate", identity.Peer{Names: fieldNames, Pins: sum(leaf(field).Raw)}, field, true},
		{"pinned key", identity.Peer{Names: fieldNames, Pins: sum(leaf(field).RawSubjectPublicKeyInfo)}, field, true},
		{"pinned authority", identity.Peer{Names: fieldNames, Pins: sum(field.Current().CA.Raw)}, field, true},
		{"one of two pins", identity.Peer{Names: fieldNames, Pins: append(sum(leaf(hq).Raw), sum(leaf(field).Raw)...)}, field, true},
		{"imported authority", identity.Peer{Names: fieldNames, Roots: roots(t, fieldDir)}, field, true},
		{"imported authority, second name", identity.Peer{Names: []string{"x.net", "chat.field.net"}, Roots: roots(t, fieldDir)}, field, true},
		{"pinned certificate, other name", identity.Peer{Names: []string{"x.net"}, Pins: sum(leaf(field).Raw)}, field, true},
		{"imported authority, kit in 1970", identity.Peer{Names: fieldNames, Roots: roots(t, fieldDir), Now: at(zero)}, field, true},
		{"pinned certificate, clock far ahead", identity.Peer{Names: fieldNames, Pins: sum(leaf(field).Raw), Now: at(today.AddDate(50, 0, 0))}, field, true},

		{"certificate of another", identity.Peer{Names: fieldNames, Pins: sum(leaf(field).Raw)}, other, false},
		{"authority of another", identity.Peer{Names: fieldNames, Pins: sum(field.Current().CA.Raw)}, other, false},
		{"imported authority of another", identity.Peer{Names: fieldNames, Roots: roots(t, hqDir)}, other, false},
		{"right authority, wrong name", identity.Peer{Names: []string{"x.net"}, Roots: roots(t, fieldDir)}, field, false},
		{"pinned authority, wrong name", identity.Peer{Names: []string{"x.net"}, Pins: sum(field.Current().CA.Raw)}, field, false},
		{"imported authority, expired", identity.Peer{Names: fieldNames, Roots: roots(t, fieldDir), Now: at(today.AddDate(50, 0, 0))}, field, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			hqConfig, err := hq.PeerConfig(tt.peer)
			if err != nil {
				t.Fatal(err)
			}
			fieldConfig, err := tt.from.PeerConfig(hqPeer)
			if err != nil {
				t.Fatal(err)
			}
			_, _, dialErr, _ := shake(t, hqConfig, fieldConfig)
			_, _, _, acceptErr := shake(t, fieldConfig, hqConfig)
			for side, err := range map[string]error{"dialling": dialErr, "accepting": acceptErr} {
				if (err == nil) != tt.ok || err != nil && !errors.Is(err, identity.ErrPeer) {
					t.Errorf("%s: %v", side, err)
				}
			}
		})
	}
}

func TestPeerWithoutACertificateIsRefused(t *testing.T) {
	id := load(t, t.TempDir(), domains, today)
	config, err := id.PeerConfig(identity.Peer{Names: []string{"headquarters.net"}, Pins: [][32]byte{{1}}})
	if err != nil {
		t.Fatal(err)
	}
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		if _, _, _, err := shake(t, &tls.Config{InsecureSkipVerify: true, MinVersion: version, MaxVersion: version}, config); err == nil {
			t.Errorf("%s: let in", tls.VersionName(version))
		}
	}
}

func TestPeerThatNothingIsKnownOf(t *testing.T) {
	id := load(t, t.TempDir(), domains, today)
	for _, p := range []identity.Peer{{}, {Names: domains}, {Pins: [][32]byte{{1}}}, {Names: []string{"a b"}, Pins: [][32]byte{{1}}}} {
		if _, err := id.PeerConfig(p); err == nil {
			t.Errorf("%+v passed", p)
		}
	}
}

// A pinned authority outlives renewal: the peer need not be told.
func TestPinnedAuthoritySurvivesRenewal(t *testing.T) {
	dir := t.TempDir()
	hq, field := load(t, t.TempDir(), []string{"headquarters.net"}, today), load(t, dir, domains, today)
	hqConfig, err1 := hq.PeerConfig(identity.Peer{Names: domains, Pins: [][32]byte{sha256.Sum256(field.Current().CA.Raw)}, Now: at(today)})
	fieldConfig, err2 := field.PeerConfig(identity.Peer{Names: []string{"headquarters.net"}, Pins: [][32]byte{sha256.Sum256(hq.Current().Leaf.Raw)}})
	if err1 != nil || err2 != nil {
		t.Fatal(err1, err2)
	}
	before := field.Current().Fingerprint()
	for _, now := range []time.Time{today, today.AddDate(5, 0, 0)} {
		if err := field.Reload(domains, now); err != nil {
			t.Fatal(err)
		}
		if _, _, err, _ := shake(t, hqConfig, fieldConfig); err != nil {
			t.Error(err)
		}
	}
	if field.Current().Fingerprint() == before {
		t.Error("nothing was renewed")
	}
}

// counted counts what crosses the link.
type counted struct {
	net.Conn
	n *atomic.Int64
}

func (c counted) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.n.Add(int64(n))
	return n, err
}

func (c counted) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	c.n.Add(int64(n))
	return n, err
}

func TestContactsResumeSessionsInFewBytes(t *testing.T) {
	hq, field := load(t, t.TempDir(), []string{"headquarters.net", "chat.headquarters.net"}, today), load(t, t.TempDir(), domains, today)
	hqConfig, err1 := hq.PeerConfig(identity.Peer{Names: domains, Pins: [][32]byte{sha256.Sum256(field.Current().Leaf.Raw)}})
	fieldConfig, err2 := field.PeerConfig(identity.Peer{Names: []string{"headquarters.net"}, Pins: [][32]byte{sha256.Sum256(hq.Current().Leaf.Raw)}})
	if err1 != nil || err2 != nil {
		t.Fatal(err1, err2)
	}
	for i := range 12 {
		resumed, n := contact(t, hqConfig, fieldConfig)
		if most := map[bool]int64{false: 3700, true: 900}[i > 0]; resumed != (i > 0) || n > most {
			t.Errorf("contact %d: resumed %v, %d bytes", i, resumed, n)
		}
		if i < 2 {
			t.Logf("contact %d: %d bytes both ways", i, n)
		}
	}
	// A new configuration, as after a restart, has forgotten all sessions; both sides carry on.
	if fieldConfig, err1 = field.PeerConfig(identity.Peer{Names: []string{"headquarters.net"}, Pins: [][32]byte{sha256.Sum256(hq.Current().Leaf.Raw)}}); err1 != nil {
		t.Fatal(err1)
	}
	if resumed, _ := contact(t, hqConfig, fieldConfig); resumed {
		t.Error("resumed what nobody remembers")
	}
	if resumed, _ := contact(t, hqConfig, fieldConfig); !resumed {
		t.Error("not resumed after a restart")
	}
}

// contact is one connection with a byte each way; it counts all bytes of it.
func contact(tb testing.TB, client, server *tls.Config) (resumed bool, bytes int64) {
	tb.Helper()
	var n atomic.Int64
	a, b := loopback(tb)
	cc, sc := tls.Client(counted{a, &n}, client), tls.Server(b, server)
	ends := make(chan error, 1)
	go func() { ends <- ping(sc) }()
	if err := errors.Join(ping(cc), <-ends); err != nil {
		tb.Fatal(err)
	}
	return cc.ConnectionState().DidResume, n.Load()
}
