package identity

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Peer tells how a peer proves who it is on a link with mutual TLS. It needs Pins or Roots.
type Peer struct {
	// Names are the peer's domains. The first is sent as SNI; a certificate that is not pinned itself has to hold one of them.
	Names []string
	// Pins are SHA-256 sums. A pin stands for one certificate of the peer, for the public key in it (SPKI), or for an
	// authority that the peer sends along, as our nodes do.
	Pins [][32]byte
	// Roots are authorities that may vouch for the peer.
	Roots *x509.CertPool
	// Now is the clock; nil: time.Now.
	Now func() time.Time
}

// ErrPeer is wrapped by the error of a handshake with a peer that did not prove who it is.
var ErrPeer = errors.New("identity: peer is not who it should be")

// PeerConfig makes a configuration for mutual TLS with a peer, for dialling and for accepting alike. It always serves the
// newest certificate. Keep it as long as the peer's settings last: it remembers sessions, and a contact that resumes one
// costs a quarter of the bytes.
func (id *Identity) PeerConfig(p Peer) (*tls.Config, error) {
	if len(p.Pins) == 0 && p.Roots == nil {
		return nil, errors.New("identity: peer has neither a pinned certificate nor an authority; add the fingerprint that its node prints")
	}
	if len(p.Names) == 0 {
		return nil, errors.New("identity: peer has no domain")
	}
	names, err := asciiAll(p.Names)
	if err != nil {
		return nil, err
	}
	p.Names, p.Pins = names, slices.Clone(p.Pins)
	var kept sessions
	return &tls.Config{
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return &id.Current().chain, nil },
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			return &id.Current().chain, nil
		},
		ServerName:         names[0],
		ClientAuth:         tls.RequireAnyClientCert,
		InsecureSkipVerify: true, // VerifyConnection takes its place, on both sides and for resumed sessions too
		VerifyConnection:   p.verify,
		MinVersion:         tls.VersionTLS12,
		CipherSuites:       suites,
		// Choice: X25519 without ML-KEM. The hybrid adds 2.2 kB to each connection, two seconds at 9600 bit/s.
		CurvePreferences:   []tls.CurveID{tls.X25519, tls.CurveP256},
		ClientSessionCache: tls.NewLRUClientSessionCache(2), // a resumed session carries no certificates
		WrapSession:        kept.wrap,
		UnwrapSession:      kept.unwrap,
	}, nil
}

func asciiAll(domains []string) ([]string, error) {
	names := make([]string, len(domains))
	for i, d := range domains {
		a, err := ascii(d)
		if err != nil {
			return nil, fmt.Errorf("identity: domain %q of a peer: %w", d, err)
		}
		names[i] = a
	}
	return names, nil
}

// verify decides about one connection.
func (p *Peer) verify(cs tls.ConnectionState) error {
	certs := cs.PeerCertificates
	if len(certs) == 0 {
		return fmt.Errorf("%w: no certificate", ErrPeer)
	}
	leaf := certs[0]
	// Choice: a pinned certificate is good whatever the clock and the names in it say; the pin says it all.
	if p.pinned(leaf.Raw) || p.pinned(leaf.RawSubjectPublicKeyInfo) {
		return nil
	}
	if err := p.vouched(certs); err != nil {
		return fmt.Errorf("%w: certificate %s: %w", ErrPeer, Fingerprint(leaf.Raw), err)
	}
	for _, name := range p.Names {
		if leaf.VerifyHostname(name) == nil {
			return nil
		}
	}
	return fmt.Errorf("%w: certificate %s names %s, not %s", ErrPeer, Fingerprint(leaf.Raw),
		strings.Join(leaf.DNSNames, ", "), strings.Join(p.Names, ", "))
}

func (p *Peer) pinned(b []byte) bool { return slices.Contains(p.Pins, sha256.Sum256(b)) }

// vouched tells whether one of the roots, or a pinned authority that was sent along, signed the leaf.
func (p *Peer) vouched(certs []*x509.Certificate) error {
	now := time.Now
	if p.Now != nil {
		now = p.Now
	}
	o := x509.VerifyOptions{Intermediates: x509.NewCertPool(), KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}, CurrentTime: now()}
	if o.CurrentTime.Before(epoch) {
		o.CurrentTime = epoch // a clock that is surely wrong must not refuse what begins after 1970
	}
	pins := x509.NewCertPool()
	anchored := false
	for _, c := range certs[1:] {
		o.Intermediates.AddCert(c)
		if p.pinned(c.Raw) {
			pins.AddCert(c)
			anchored = true
		}
	}
	err := errors.New("is not pinned")
	for _, roots := range []*x509.CertPool{p.Roots, pins} {
		if roots == nil || roots == pins && !anchored {
			continue
		}
		o.Roots = roots
		if _, err = certs[0].Verify(o); err == nil {
			return nil
		}
	}
	return err
}

// ParsePin reads a fingerprint: 64 hex digits in either case, with or without colons.
func ParsePin(s string) (pin [32]byte, err error) {
	b, err := hex.DecodeString(strings.ReplaceAll(s, ":", ""))
	if err != nil || len(b) != len(pin) {
		return pin, fmt.Errorf("identity: %.100q is no SHA-256 fingerprint; it has 64 hex digits, with or without colons", s)
	}
	return [32]byte(b), nil
}
