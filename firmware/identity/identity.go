// Package identity is who the node is on TLS: its own certificate authority and certificate, made at first start, or files
// of the operator; the configurations of TLS that use them, towards clients and towards peers.
package identity

import (
	"crypto/ecdsa"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/net/idna"
)

// Files in the folder given to Load.
const (
	caFile     = "ca.pem"     // key and certificate of the authority, 0600
	serverFile = "server.pem" // key and certificate of the node, 0600
	caPublic   = "ca.crt"     // certificate of the authority, for clients to import
)

// Faults a caller may want to tell apart; the error that wraps them names the file and the remedy.
var (
	ErrDamaged  = errors.New("not usable")
	ErrExpired  = errors.New("expired")
	ErrMismatch = errors.New("key does not fit the certificate")
	ErrName     = errors.New("certificate lacks a name")
)

// Identity is the node's certificate, the newest one. All methods may be called concurrently.
type Identity struct {
	load    func(domains []string, now time.Time) (*Server, error)
	mu      sync.Mutex // one Reload at a time
	current atomic.Pointer[Server]
}

// Server is one certificate in use and what serves it. It never changes; Reload makes another one.
type Server struct {
	// Leaf is the certificate that clients see. Its Raw is what channel binding hashes: take Leaf and configuration from the
	// same Server.
	Leaf *x509.Certificate
	// CA is the node's own authority, nil with files of the operator or when its file was lost.
	CA *x509.Certificate
	// StartTLS is for connections that upgrade, Direct for those that begin with TLS.
	StartTLS, Direct *tls.Config
	// Warnings are for the log: what was healed, and what an operator should see to.
	Warnings []string

	chain tls.Certificate // towards peers: with the authority
}

// Load reads the node's own authority and certificate from dir. What is missing is made, a certificate that does not name
// exactly the domains or is near its end is made anew with the same key. now may be far from the truth, as on a kit without a clock.
func Load(dir string, domains []string, now time.Time) (*Identity, error) {
	return open(func(domains []string, now time.Time) (*Server, error) { return loadOwn(dir, domains, now) }, domains, now)
}

// LoadFiles reads certificate and key of the operator: PEM, the node's certificate first, intermediates behind it.
func LoadFiles(certFile, keyFile string, domains []string, now time.Time) (*Identity, error) {
	return open(func(domains []string, now time.Time) (*Server, error) {
		return loadFiles(certFile, keyFile, domains, now)
	}, domains, now)
}

func open(load func([]string, time.Time) (*Server, error), domains []string, now time.Time) (*Identity, error) {
	id := &Identity{load: load}
	if err := id.Reload(domains, now); err != nil {
		return nil, err
	}
	return id, nil
}

// Reload reads the files again, as Load did. Connections that exist are not touched; after an error the old certificate stays.
// A node that runs for years calls it now and then, so that its certificate is renewed in time.
func (id *Identity) Reload(domains []string, now time.Time) error {
	id.mu.Lock()
	defer id.mu.Unlock()
	if len(domains) == 0 {
		return errors.New("identity: no domain to make a certificate for")
	}
	s, err := id.load(domains, now)
	if err != nil {
		return err
	}
	if old := id.current.Load(); old != nil && same(old, s) {
		// Clients' session tickets live in the configuration; they stay good as long as the certificate does.
		s.StartTLS, s.Direct = old.StartTLS, old.Direct
	}
	id.current.Store(s)
	return nil
}

func same(a, b *Server) bool {
	return slices.EqualFunc(a.StartTLS.Certificates[0].Certificate, b.StartTLS.Certificates[0].Certificate, slices.Equal)
}

// Current is the newest certificate. Use one Server for the whole of a handshake.
func (id *Identity) Current() *Server { return id.current.Load() }

// GetCertificate is for configurations of TLS other than ours.
func (id *Identity) GetCertificate(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	return &id.Current().StartTLS.Certificates[0], nil
}

// Fingerprint is the SHA-256 of the certificate that clients see, in hex with colons.
func (s *Server) Fingerprint() string { return Fingerprint(s.Leaf.Raw) }

// CAFingerprint is that of the authority, "" if there is none.
func (s *Server) CAFingerprint() string {
	if s.CA == nil {
		return ""
	}
	return Fingerprint(s.CA.Raw)
}

// Fingerprint is the SHA-256 of a certificate's DER as people compare it: AB:CD:…
func Fingerprint(der []byte) string {
	const digits = "0123456789ABCDEF"
	sum := sha256.Sum256(der)
	b := make([]byte, 0, 3*len(sum))
	for _, c := range sum {
		b = append(b, digits[c>>4], digits[c&15], ':')
	}
	return string(b[:len(b)-1])
}

// loadOwn is Load for one moment.
func loadOwn(dir string, domains []string, now time.Time) (*Server, error) {
	names, err := normalise(domains)
	if err != nil {
		return nil, err
	}
	if now.Before(epoch) {
		now = epoch
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("identity: making the folder for keys: %w", err)
	}
	o := own{dir: dir, names: names, now: now}
	return o.load()
}

// own is the making and keeping of authority and certificate.
type own struct {
	dir      string
	names    []string
	now      time.Time
	warnings []string
}

func (o *own) warn(format string, args ...any) {
	o.warnings = append(o.warnings, fmt.Sprintf(format, args...))
}

func (o *own) load() (*Server, error) {
	server, serverErr := readPair(o.path(serverFile), &o.warnings)
	ca, caErr := readPair(o.path(caFile), &o.warnings)
	noServer, noCA := errors.Is(serverErr, os.ErrNotExist), errors.Is(caErr, os.ErrNotExist)
	if caErr != nil && !(noCA && noServer) {
		// Never a new authority in place of an old one: whoever pinned or imported that one would be locked out.
		return o.withoutCA(server, serverErr, caErr)
	}
	if serverErr != nil && !noServer {
		o.warn("%v; a new one was made", serverErr)
	}
	var err error
	if ca, err = o.authority(ca); err != nil {
		return nil, err
	}
	if why := o.stale(server, ca); why != "" {
		if server, err = o.issue(server, ca); err != nil {
			return nil, err
		}
	}
	return o.server(server, ca), nil
}

func (o *own) path(name string) string { return filepath.Join(o.dir, name) }

// withoutCA goes on with a certificate that is still good when its authority was lost or taken away.
func (o *own) withoutCA(server *pair, serverErr, caErr error) (*Server, error) {
	const remedy = "restore it from a backup, or remove both %s and %s to begin with a new authority, whose fingerprint clients and peers have to learn"
	if serverErr == nil {
		if why := o.stale(server, nil); why != "" {
			return nil, fmt.Errorf("identity: the certificate in %s %s, and to make another one: %w; "+remedy,
				o.path(serverFile), why, caErr, caFile, serverFile)
		}
		o.warn("%v; the certificate in %s is used as long as it fits", caErr, serverFile)
		return o.server(server, nil), nil
	}
	return nil, fmt.Errorf("identity: %w; "+remedy, caErr, caFile, serverFile)
}

// authority makes the authority, or renews its certificate with the same key, which whoever trusts the old one trusts too.
func (o *own) authority(ca *pair) (*pair, error) {
	if ca == nil || ca.leaf.NotAfter.Before(o.now.Add(leafLife)) {
		made, err := makeCA(ca, o.names[0], o.now)
		if err != nil {
			return nil, err
		}
		if err := made.write(o.path(caFile), "authority of this node: keep it secret, keep a copy"); err != nil {
			if ca == nil {
				return nil, err
			}
			o.warn("%v; the renewed authority is used but not kept", err)
		}
		ca = made
	}
	if err := writePublic(o.path(caPublic), ca.leaf.Raw); err != nil {
		o.warn("%v", err)
	}
	return ca, nil
}

// stale tells why a certificate has to be made anew; "" if it is good.
func (o *own) stale(server, ca *pair) string {
	switch {
	case server == nil:
		return "is missing"
	case !slices.Equal(sanBytes(server.leaf), mustSAN(o.names)):
		return "does not name exactly the configured domains"
	case o.now.After(server.leaf.NotAfter.Add(-renewBefore)):
		return "ends on " + server.leaf.NotAfter.Format(time.DateOnly)
	case ca != nil && server.leaf.CheckSignatureFrom(ca.leaf) != nil:
		return "was not signed by " + caFile
	}
	return ""
}

// issue makes the node's certificate; the key stays if there is one.
func (o *own) issue(old, ca *pair) (*pair, error) {
	server, err := makeLeaf(old, ca, o.names, o.now)
	if err != nil {
		return nil, err
	}
	if err := server.write(o.path(serverFile), "certificate of this node and its key: keep it secret"); err != nil {
		if old == nil {
			return nil, err
		}
		o.warn("%v; the new certificate is used but not kept", err)
	}
	return server, nil
}

// server puts a certificate to use.
func (o *own) server(leaf, ca *pair) *Server {
	// Choice: clients get the leaf alone. Who imported ca.crt has the authority already (RFC 8446 §4.4.2 lets it be left
	// out), who did not compares the leaf's fingerprint; the rest would be half a kilobyte per handshake for nobody.
	s := newServer(tls.Certificate{Certificate: [][]byte{leaf.leaf.Raw}, PrivateKey: leaf.key, Leaf: leaf.leaf})
	s.Warnings = o.warnings
	s.chain = s.StartTLS.Certificates[0]
	if ca != nil {
		// Choice: peers get the authority too, so that one can pin it and not notice when the leaf is renewed.
		s.CA = ca.leaf
		s.chain.Certificate = [][]byte{leaf.leaf.Raw, ca.leaf.Raw}
	}
	return s
}

// normalise checks the domains and puts them in one order, once each.
func normalise(domains []string) ([]string, error) {
	names := slices.Clone(domains)
	slices.Sort(names)
	names = slices.Compact(names)
	for _, name := range names {
		if _, err := ascii(name); err != nil {
			return nil, fmt.Errorf("identity: domain %q cannot stand in a certificate: %w", name, err)
		}
	}
	return names, nil
}

// ascii is a domain as certificates and SNI spell it: A-labels (RFC 5280 §7.2); addresses stay as they are.
func ascii(domain string) (string, error) {
	if ip := address(domain); ip != nil {
		return ip.String(), nil
	}
	return labels.ToASCII(domain)
}

var labels = idna.New(idna.MapForLookup(), idna.BidiRule(), idna.StrictDomainName(true), idna.VerifyDNSLength(true))

// pair is a key and its certificate.
type pair struct {
	key  *ecdsa.PrivateKey
	leaf *x509.Certificate
}
