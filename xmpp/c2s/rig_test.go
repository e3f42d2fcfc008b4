package c2s_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"longwire/store"
	"longwire/xmpp/archive"
	"longwire/xmpp/blocking"
	"longwire/xmpp/c2s"
	"longwire/xmpp/jid"
	"longwire/xmpp/local"
	"longwire/xmpp/presence"
	"longwire/xmpp/roster"
	"longwire/xmpp/router"
	"longwire/xmpp/sasl"
	"longwire/xmpp/vitals"
)

// rig is a server with a real store, the accounts alice and bob at field.net, and listeners of each kind on loopback.
type rig struct {
	tb                testing.TB
	path              string
	db                *store.DB
	host              *local.Host
	srv               *c2s.Server
	plain, start, tls string // addresses
	cert              tls.Certificate
	stop              func()
	blown             *atomic.Bool // nothing gets out of the node any more
	bubble            bool         // in a bubble of fake time: connections are pipes
	archives          bool         // accounts have archives
	archive           *archive.Service
	cfg               c2s.Config
}

func newRig(tb testing.TB, change ...func(*c2s.Config)) *rig {
	tb.Helper()
	return setUp(&rig{tb: tb, path: filepath.Join(tb.TempDir(), "node.db"), cert: selfSigned(tb)}, change...)
}

// newArchiveRig is newRig with archives for its accounts.
func newArchiveRig(tb testing.TB, change ...func(*c2s.Config)) *rig {
	tb.Helper()
	return setUp(&rig{tb: tb, path: filepath.Join(tb.TempDir(), "node.db"), cert: selfSigned(tb), archives: true}, change...)
}

// inBubble runs f with a rig whose time is fake and whose connections hold nothing: what is not read blocks its writer.
func inBubble(t *testing.T, f func(t *testing.T, r *rig), change ...func(*c2s.Config)) {
	t.Helper()
	path, cert := filepath.Join(t.TempDir(), "node.db"), selfSigned(t)
	synctest.Test(t, func(t *testing.T) {
		f(t, setUp(&rig{tb: t, path: path, cert: cert, bubble: true}, change...))
	})
}

func setUp(r *rig, change ...func(*c2s.Config)) *rig {
	tb := r.tb
	tb.Helper()
	tlsConf := &tls.Config{Certificates: []tls.Certificate{r.cert}, MinVersion: tls.VersionTLS12}
	r.cfg = c2s.Config{
		Domains: []string{"field.net"}, TLS: tlsConf, DirectTLS: tlsConf, RequireTLS: true,
		Leaf: r.cert.Certificate[0],
	}
	for _, f := range change {
		f(&r.cfg)
	}
	r.up()
	tb.Cleanup(func() { r.stop() })
	return r
}

// up starts the server on the store; after stop it may be called again.
func (r *rig) up() {
	tb := r.tb
	tb.Helper()
	r.blown = new(atomic.Bool)
	db, err := store.Open(r.path, store.Options{})
	if err != nil {
		tb.Fatal(err)
	}
	for _, user := range []string{"alice", "bob", "carol", "dave", "erin"} {
		if err := db.Update(func(tx *store.Tx) error {
			if ok, err := tx.AccountExists(user + "@field.net"); ok || err != nil {
				return err
			}
			a := store.Account{JID: user + "@field.net"}
			for _, h := range sasl.Hashes() {
				c, err := sasl.NewCredential(h, "secret", []byte("salt"+user), 4096)
				if err != nil {
					return err
				}
				a.Credentials = append(a.Credentials, store.Credential(c))
			}
			return tx.PutAccount(a)
		}); err != nil {
			tb.Fatal(err)
		}
	}
	log := slog.New(slog.NewTextHandler(testWriter{tb}, &slog.HandlerOptions{Level: slog.LevelDebug}))
	rt := new(router.Router)
	h := local.New(db, rt)
	ros := roster.New(h)
	pres := presence.New(h, ros)
	blk := blocking.New(h, pres.OnBlocking)
	h.Use(pres, blk)
	h.ServeCarbons()
	vitals.New(h, "test")
	if r.archives {
		r.archive = archive.New(h, archive.Options{Accounts: store.ArchiveLimits{Entries: 10000, Bytes: 8 << 20}})
		h.UseArchiver(r.archive)
	}
	if err := h.SetDomains([]string{"field.net"}); err != nil {
		tb.Fatal(err)
	}
	srv, err := c2s.New(h, rt, pres, log, r.cfg)
	if err != nil {
		tb.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	listen := func(m c2s.Mode) string {
		var ln net.Listener = newPipes(tb)
		if !r.bubble {
			var err error
			if ln, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
				tb.Fatal(err)
			}
		}
		go srv.Serve(ctx, fused{ln, r.blown}, m)
		return ln.Addr().String()
	}
	r.db, r.host, r.srv = db, h, srv
	r.plain, r.start, r.tls = listen(c2s.Trusted), listen(c2s.StartTLS), listen(c2s.DirectTLS)
	r.stop = func() {
		cancel()
		ctx, done := context.WithTimeout(context.Background(), 5*time.Second)
		defer done()
		srv.Shutdown(ctx)
		db.Close()
	}
}

// crash ends the server as kill -9 would, as far as a test in one process can: from some moment on the world hears nothing of
// it, and a little later it stores nothing any more.
func (r *rig) crash() {
	r.tb.Helper()
	r.blown.Store(true)
	r.db.Close()
	r.stop()
	r.up()
}

// pipes are the listeners in bubbles, by address.
var pipes sync.Map

type pipeListener struct {
	name   string
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func newPipes(tb testing.TB) *pipeListener {
	l := &pipeListener{conns: make(chan net.Conn), closed: make(chan struct{})}
	l.name = fmt.Sprintf("%s %p", tb.Name(), l)
	pipes.Store(l.name, l)
	tb.Cleanup(func() { pipes.Delete(l.name) })
	return l
}

func (l *pipeListener) dial() net.Conn {
	near, far := net.Pipe()
	select {
	case l.conns <- far:
	case <-l.closed:
		far.Close()
	}
	return near
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error   { l.once.Do(func() { close(l.closed) }); return nil }
func (l *pipeListener) Addr() net.Addr { return &net.UnixAddr{Name: l.name} }

// fused is a listener whose connections can be silenced.
type fused struct {
	net.Listener
	blown *atomic.Bool
}

func (l fused) Accept() (net.Conn, error) {
	nc, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	if _, ok := nc.(syscall.Conn); !ok {
		return fusedPipe{fusedConn{nc, l.blown}}, nil
	}
	return fusedConn{nc, l.blown}, nil
}

// fusedPipe is no socket.
type fusedPipe struct{ net.Conn }

type fusedConn struct {
	net.Conn
	blown *atomic.Bool
}

// SyscallConn is the socket's, so that the server can wait for it as for any other.
func (c fusedConn) SyscallConn() (syscall.RawConn, error) { return c.Conn.(syscall.Conn).SyscallConn() }

func (c fusedConn) Write(b []byte) (int, error) {
	if c.blown.Load() {
		return 0, net.ErrClosed
	}
	return c.Conn.Write(b)
}

// eventually waits for what happens behind the last word on the wire.
func (r *rig) eventually(what func() bool) {
	r.tb.Helper()
	for deadline := time.Now().Add(10 * time.Second); !what(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			r.tb.Fatal("it never happened")
		}
	}
}

type testWriter struct{ tb testing.TB }

func (w testWriter) Write(b []byte) (int, error) { return len(b), nil }

func selfSigned(tb testing.TB) tls.Certificate {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	t := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "field.net"}, DNSNames: []string{"field.net"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, t, t, key.Public(), key)
	if err != nil {
		tb.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// client speaks raw XML: what a test sends and expects is what stands on the wire.
type client struct {
	tb  testing.TB
	nc  net.Conn
	buf []byte

	patience time.Duration
}

const header = "<?xml version='1.0'?><stream:stream to='field.net' version='1.0' xml:lang='en' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>"

func dial(tb testing.TB, addr string) *client {
	tb.Helper()
	var nc net.Conn
	if p, ok := pipes.Load(addr); ok {
		nc = p.(*pipeListener).dial()
	} else {
		var err error
		if nc, err = net.Dial("tcp", addr); err != nil {
			tb.Fatal(err)
		}
	}
	c := &client{tb: tb, nc: nc, patience: 10 * time.Second}
	tb.Cleanup(func() { nc.Close() })
	return c
}

func (c *client) send(s string) {
	c.tb.Helper()
	if _, err := io.WriteString(c.nc, s); err != nil {
		c.tb.Fatalf("sending %.60q: %v", s, err)
	}
}

// until reads up to and including the first occurrence of want and returns it.
func (c *client) until(want string) string {
	c.tb.Helper()
	c.nc.SetReadDeadline(time.Now().Add(c.patience))
	for {
		if i := strings.Index(string(c.buf), want); i >= 0 {
			got := string(c.buf[:i+len(want)])
			c.buf = c.buf[i+len(want):]
			return got
		}
		b := make([]byte, 4096)
		n, err := c.nc.Read(b)
		c.buf = append(c.buf, b[:n]...)
		if err != nil && !strings.Contains(string(c.buf), want) {
			c.tb.Fatalf("waiting for %q: %v; got %q", want, err, c.buf)
		}
	}
}

// never asserts that nothing with that text comes before a ping is answered.
func (c *client) never(text string) {
	c.tb.Helper()
	c.send("<iq type='get' id='never'><ping xmlns='urn:xmpp:ping'/></iq>")
	if got := c.until("id='never'/>"); strings.Contains(got, text) {
		c.tb.Fatalf("got %q, which must not hold %q", got, text)
	}
}

// closed asserts that the server ends the stream and the connection, and returns what came before.
func (c *client) closed() string {
	c.tb.Helper()
	got := c.until("</stream:stream>")
	c.nc.SetReadDeadline(time.Now().Add(c.patience))
	if n, err := c.nc.Read(make([]byte, 1)); n != 0 || err == nil {
		c.tb.Fatalf("connection open behind the end of the stream")
	}
	return got
}

// login authenticates by PLAIN on a trusted listener and binds the resource.
func (r *rig) login(user, resource string) *client {
	r.tb.Helper()
	c := r.authenticated(user)
	c.send("<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>" + resource + "</resource></bind></iq>")
	c.until("<jid>" + user + "@field.net/" + resource + "</jid></bind></iq>")
	return c
}

func (r *rig) authenticated(user string) *client {
	r.tb.Helper()
	c := dial(r.tb, r.plain)
	c.send(header)
	c.until("</stream:features>")
	c.send("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>" + sasl.Encode([]byte("\x00"+user+"\x00secret")) + "</auth>")
	c.until("<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'></success>")
	c.send(header)
	c.until("</stream:features>")
	return c
}

// online logs in and sends initial presence.
func (r *rig) online(user, resource string) *client {
	r.tb.Helper()
	c := r.login(user, resource)
	c.send("<presence/>")
	c.until("<presence from='" + user + "@field.net/" + resource + "'")
	c.until(">")
	return c
}

func jidOf(tb testing.TB, s string) jid.JID {
	tb.Helper()
	j, err := jid.Parse(s)
	if err != nil {
		tb.Fatal(err)
	}
	return j
}

func itoa(n int) string { return strconv.Itoa(n) }
