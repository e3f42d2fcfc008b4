package ip_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"longwire/links"
	"longwire/links/codecs"
	"longwire/links/ip"
	"longwire/links/linktest"
)

// port is a free one of 127.0.0.1.
func port(t testing.TB) int {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return ln.Addr().(*net.TCPAddr).Port
}

// end is a node with a Manager on real sockets.
type end struct {
	*linktest.Node
	m *ip.Manager
}

func newEnd(t testing.TB, me, other string) *end {
	n := linktest.NewNode(t, me, other)
	e := &end{Node: n}
	e.m = ip.NewManager(ip.Env{DB: n.DB, In: n.Inbound(), Log: slog.New(slog.DiscardHandler)})
	return e
}

func (e *end) apply(t testing.TB, configs ...ip.Config) {
	t.Helper()
	if err := e.m.Apply(configs); err != nil {
		t.Fatal(err)
	}
}

func (e *end) status(link string) (s ip.Status) {
	for _, s := range e.m.Status() {
		if s.Link == link {
			return s
		}
	}
	return s
}

// pair are the configurations of two ends, of which the first dials.
func pair(t testing.TB) (hq, field ip.Config) {
	t.Helper()
	p := port(t)
	hq = ip.Config{Name: "to field", Peer: "field.net", RemoteAddr: "127.0.0.1", RemotePort: p, LocalAddr: "127.0.0.1", LocalPort: port(t), Dial: true,
		Compress: true, ZeroRTT: true, BackoffMin: 50 * time.Millisecond, BackoffMax: 200 * time.Millisecond}
	field = ip.Config{Name: "to hq", Peer: "headquarters.net", RemoteAddr: "127.0.0.1", RemotePort: port(t), LocalAddr: "127.0.0.1", LocalPort: p, Listen: true,
		Compress: true, ZeroRTT: true}
	return hq, field
}

func run(t testing.TB, ends ...*end) {
	for _, e := range ends {
		e.StartRunner(e.m.Run)
	}
}

func crossed(t testing.TB, from, to *end, want ...string) {
	t.Helper()
	linktest.Eventually(t, 20*time.Second, "arrival", func() bool { return len(to.Received()) >= len(want) && from.Waiting() == 0 })
	if got := to.Received(); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestManagersTalk(t *testing.T) {
	a, b := newEnd(t, "headquarters.net", "field.net"), newEnd(t, "field.net", "headquarters.net")
	ca, cb := pair(t)
	ca.AckIdle, cb.AckIdle = 200*time.Millisecond, 200*time.Millisecond
	a.apply(t, ca)
	b.apply(t, cb)
	run(t, a, b)
	a.Send("hello")
	b.Send("hello yourself")
	crossed(t, a, b, "hello")
	crossed(t, b, a, "hello yourself")
	if !a.m.Up("field.net") || a.m.Up("nobody") {
		t.Error("Up is wrong")
	}
	s := a.status("to field")
	if s.State != links.Up || s.Out.Stanzas != 1 || s.In.Stanzas != 1 || s.Out.Wire == 0 || s.Out.Wire > 300 || s.In.Wire == 0 || s.Contacts != 1 {
		t.Errorf("%+v", s)
	}
}

func TestApplyChangesOnlyWhatChanged(t *testing.T) {
	a := newEnd(t, "headquarters.net", "field.net")
	b, c := newEnd(t, "field.net", "headquarters.net"), newEnd(t, "third.net", "headquarters.net")
	ab, ba := pair(t)
	ac, ca := pair(t)
	ab.AckIdle, ba.AckIdle, ac.AckIdle, ca.AckIdle = 200*time.Millisecond, 200*time.Millisecond, 200*time.Millisecond, 200*time.Millisecond
	ac.Name, ac.Peer = "to third", "third.net"
	a.apply(t, ab, ac)
	b.apply(t, ba)
	c.apply(t, ca)
	run(t, a, b, c)
	up := func(n uint64, link string) func() bool {
		return func() bool { s := a.status(link); return s.State == links.Up && s.Contacts == n }
	}
	linktest.Eventually(t, 10*time.Second, "contacts", func() bool { return up(1, "to field")() && up(1, "to third")() })

	ac.AckEvery = 4
	a.apply(t, ac, ab)
	linktest.Eventually(t, 10*time.Second, "the changed link is up again", up(2, "to third"))
	if !up(1, "to field")() {
		t.Errorf("the other link was disturbed: %+v", a.status("to field"))
	}

	// A new configuration that cannot work changes nothing.
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	bad := ac
	bad.Listen, bad.LocalPort = true, taken.Addr().(*net.TCPAddr).Port
	if err := a.m.Apply([]ip.Config{bad}); err == nil || !strings.Contains(err.Error(), "address already in use") {
		t.Errorf("a port in use: %v", err)
	}
	if !up(1, "to field")() || !up(2, "to third")() {
		t.Error("the refused configuration had an effect")
	}

	a.apply(t, ab)
	linktest.Eventually(t, 10*time.Second, "the removed link is down", func() bool { return c.status("to hq").State == links.Listening })
	if n := len(a.m.Status()); n != 1 {
		t.Errorf("%d links are left", n)
	}
	a.Send("still here")
	crossed(t, a, b, "still here")
}

func TestConnectionOfAStrangerIsClosedWithoutAWord(t *testing.T) {
	b := newEnd(t, "field.net", "headquarters.net")
	_, c := pair(t)
	c.RemoteAddr = "127.0.0.99"
	b.apply(t, c)
	run(t, b)
	conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", c.LocalPort))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(10 * time.Second))
	if got, err := io.ReadAll(conn); len(got) > 0 || err != nil && !strings.Contains(err.Error(), "reset") {
		t.Errorf("got %q, %v", got, err)
	}
	// It is counted behind the close, which this side may see first.
	linktest.Eventually(t, 10*time.Second, "the stranger is counted", func() bool { return b.status("to hq").Refused == 1 })
	if s := b.status("to hq"); s.Status.State != links.Listening {
		t.Errorf("%+v", s)
	}
}

func TestSourcePortTellsPeersApart(t *testing.T) {
	b := newEnd(t, "field.net", "headquarters.net")
	_, c := pair(t)
	d := c
	c.SourcePort, d.SourcePort = port(t), port(t)
	d.Name, d.Peer = "to third", "third.net"
	b.apply(t, c, d)
	run(t, b)
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: d.SourcePort}}
	conn, err := dialer.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", c.LocalPort))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	linktest.Eventually(t, 10*time.Second, "contact", func() bool { return b.m.Up("third.net") })
	if b.m.Up("headquarters.net") {
		t.Error("taken for the other peer")
	}
}

// certificate is a self-signed one and its pin.
func certificate(t testing.TB) (tls.Certificate, [32]byte) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	x := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "node"}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, x, x, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, sha256.Sum256(der)
}

func pinned(own tls.Certificate, pin [32]byte) *tls.Config {
	return &tls.Config{
		Certificates: []tls.Certificate{own}, InsecureSkipVerify: true, MinVersion: tls.VersionTLS13,
		VerifyConnection: func(cs tls.ConnectionState) error {
			if sha256.Sum256(cs.PeerCertificates[0].Raw) != pin {
				return errors.New("another certificate than the pinned one")
			}
			return nil
		},
	}
}

// Two peers behind one address, on one port, are told apart by their certificates; a third is refused.
func TestCertificatesTellPeersApart(t *testing.T) {
	hub := newEnd(t, "field.net", "headquarters.net")
	hubCert, hubPin := certificate(t)
	toHQ, p := ip.Config{}, port(t)
	var configs []ip.Config
	var ends []*end
	for i, domain := range []string{"headquarters.net", "third.net", "stranger.net"} {
		cert, pin := certificate(t)
		c := ip.Config{Name: "to " + domain, Peer: domain, LocalAddr: "127.0.0.1", LocalPort: p, Listen: true, SourceAny: true, Compress: true, ZeroRTT: true,
			TLS: pinned(hubCert, pin), TLSName: domain}
		if i < 2 {
			configs = append(configs, c)
		}
		toHQ = c
		e := newEnd(t, domain, "field.net")
		e.apply(t, ip.Config{Name: "to field", Peer: "field.net", RemoteAddr: "127.0.0.1", RemotePort: p, Dial: true, Compress: true, ZeroRTT: true,
			TLS: pinned(cert, hubPin), BackoffMin: 100 * time.Millisecond})
		e.Send("from " + domain)
		ends = append(ends, e)
	}
	_ = toHQ
	hub.apply(t, configs...)
	run(t, append(ends, hub)...)
	linktest.Eventually(t, 20*time.Second, "arrival", func() bool { return len(hub.Received()) == 2 })
	got := hub.Received()
	slices.Sort(got)
	if !slices.Equal(got, []string{"from headquarters.net", "from third.net"}) {
		t.Errorf("got %q", got)
	}
	linktest.Eventually(t, 20*time.Second, "the stranger is refused", func() bool { return hub.status("to third.net").Refused > 0 })
	if ends[2].Waiting() != 1 {
		t.Error("the stranger's stanza got through")
	}
}

func TestCheckFindsAllFaults(t *testing.T) {
	ok := ip.Config{Name: "a", Peer: "p", RemoteAddr: "192.0.2.1", Dial: true, Listen: true}
	for _, tt := range []struct {
		name  string
		links []ip.Config
		want  []string
	}{
		{"none", []ip.Config{ok}, nil},
		{"names", []ip.Config{ok, {Name: "a", Peer: "q", RemoteAddr: "192.0.2.2", Dial: true}}, []string{"two of that name"}},
		{"same address", []ip.Config{ok, {Name: "b", Peer: "q", RemoteAddr: "192.0.2.1", Listen: true}}, []string{`could be for link "a" as well`}},
		{"same address, other port", []ip.Config{ok, {Name: "b", Peer: "q", RemoteAddr: "192.0.2.1", Listen: true, LocalPort: 1}}, nil},
		{"idle", []ip.Config{{Name: "b", Peer: "q"}}, []string{"neither dials nor listens"}},
		{"nowhere", []ip.Config{{Name: "b", Peer: "q", Dial: true, Listen: true}}, []string{"no address to dial", "no address that connections must come from"}},
		{"anyone", []ip.Config{{Name: "b", Peer: "q", Listen: true, SourceAny: true}}, []string{"anyone could connect"}},
		{"management", []ip.Config{{Name: "b", Peer: "q", RemoteAddr: "x", Dial: true, StreamManagement: "maybe"}}, []string{`no stream management "maybe"`}},
		{"zero RTT", []ip.Config{{Name: "b", Peer: "q", RemoteAddr: "x", Dial: true, StreamManagement: "off", ZeroRTT: true}}, []string{"needs pipelined"}},
		{"ports", []ip.Config{{Name: "b", Peer: "q", RemoteAddr: "x", Dial: true, RemotePort: 70000, SourcePort: -1}}, []string{"no port 70000", "no port -1"}},
	} {
		err := ip.Check(tt.links)
		if (err == nil) != (tt.want == nil) {
			t.Errorf("%s: %v", tt.name, err)
		}
		for _, w := range tt.want {
			if err != nil && !strings.Contains(err.Error(), w) {
				t.Errorf("%s: %v, want %q", tt.name, err, w)
			}
		}
	}
}

// The whole suite over real sockets and a path that is cut.
func TestRealSocketsConform(t *testing.T) {
	if testing.Short() {
		t.Skip("real time")
	}
	for name, methods := range map[string][]codecs.Method{"zlib": nil, "codec": set(mix())} {
		t.Run(name, func(t *testing.T) { realSockets(t, methods) })
	}
}

func realSockets(t *testing.T, methods []codecs.Method) {
	a, b := newEnd(t, "headquarters.net", "field.net"), newEnd(t, "field.net", "headquarters.net")
	ca, cb := pair(t)
	ca.AckIdle, cb.AckIdle = time.Second, time.Second
	ca.Methods, cb.Methods = methods, methods
	relay, err := linktest.NewRelay("127.0.0.1:0", fmt.Sprintf("127.0.0.1:%d", cb.LocalPort), linktest.Path{Rate: 200_000, Delay: 20 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	defer relay.Close()
	ca.RemotePort = relay.Addr().Port
	a.apply(t, ca)
	b.apply(t, cb)
	run(t, a, b)
	ctx, stop := context.WithCancel(context.Background())
	flapping := make(chan struct{})
	go func() {
		defer close(flapping)
		relay.Flap(ctx, 150*time.Millisecond, 50*time.Millisecond, 7, nil)
	}()
	var toB, toA []string
	for i := range 150 {
		toB, toA = append(toB, fmt.Sprint("a", i)), append(toA, fmt.Sprint("b", i))
		a.Send(toB[i])
		b.Send(toA[i])
		time.Sleep(10 * time.Millisecond)
	}
	stop()
	<-flapping
	crossed(t, a, b, toB...)
	crossed(t, b, a, toA...)
	if relay.Connections() < 3 {
		t.Errorf("only %d connections", relay.Connections())
	}
}

// The people of both sides see that their codecs differ, and what to do; when one side is mended, that all is well.
func TestCodecsThatDifferAreShown(t *testing.T) {
	a, b := newEnd(t, "headquarters.net", "field.net"), newEnd(t, "field.net", "headquarters.net")
	ca, cb := pair(t)
	ca.AckIdle, cb.AckIdle = 200*time.Millisecond, 200*time.Millisecond
	ca.Methods, cb.Methods = set(provisioned, shipped), set(otherwise, shipped)
	a.apply(t, ca)
	b.apply(t, cb)
	run(t, a, b)
	a.Send("one")
	b.Send("one")
	crossed(t, a, b, "one")
	crossed(t, b, a, "one")
	for _, s := range []ip.Status{a.status("to field"), b.status("to hq")} {
		if c := s.Codec; !strings.HasPrefix(c.Out, inShip) || !strings.HasPrefix(c.In, inShip) || !strings.Contains(c.Fault, "must be the same on both sides") || c.Since.IsZero() {
			t.Errorf("%s: %+v", s.Link, c)
		}
	}
	cb.Methods = ca.Methods
	b.apply(t, cb)
	b.Send("two")
	a.Send("two")
	crossed(t, a, b, "one", "two")
	crossed(t, b, a, "one", "two")
	for _, s := range []ip.Status{a.status("to field"), b.status("to hq")} {
		if c := s.Codec; !strings.HasPrefix(c.Out, inProv) || !strings.HasPrefix(c.In, inProv) || c.Fault != "" || !c.Since.IsZero() {
			t.Errorf("mended, %s: %+v", s.Link, c)
		}
	}
}
