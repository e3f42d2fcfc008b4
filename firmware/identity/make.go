package identity

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/hex"
	"fmt"
	"math/big"
	"net"
	"slices"
	"strings"
	"time"
)

// epoch is the earliest time that a clock may say and be right: this program did not exist before.
var epoch = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// always is the start of every certificate we make. Kits have no clock before they have a fix or a network, and their
// neighbours neither: a certificate that began at its making would be refused by whoever still lives in 1970.
var always = time.Unix(0, 0).UTC()

const (
	year        = 365 * 24 * time.Hour
	caLife      = 20 * year
	leafLife    = 5 * year
	renewBefore = year / 2 // a kit may lie in a store for months
)

// makeCA makes a self-signed authority; with old it keeps key and name.
func makeCA(old *pair, domain string, now time.Time) (*pair, error) {
	key, err := keyOf(old)
	if err != nil {
		return nil, err
	}
	spki, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		return nil, fmt.Errorf("identity: making an authority: %w", err)
	}
	// Two kits made for one domain have two authorities; the digits keep their names apart, as RFC 5280 §4.2.1.1 has it.
	sum := sha256.Sum256(spki)
	tmpl := &x509.Certificate{
		SerialNumber:          serial(),
		Subject:               pkix.Name{CommonName: common("Longwire CA " + domain + " " + hex.EncodeToString(sum[:4]))},
		NotBefore:             always,
		NotAfter:              now.Add(caLife).UTC(),
		IsCA:                  true,
		BasicConstraintsValid: true,
		MaxPathLenZero:        true,
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign | x509.KeyUsageDigitalSignature,
	}
	if old != nil {
		tmpl.RawSubject = old.leaf.RawSubject
	}
	return sign(tmpl, tmpl, key, key)
}

// makeLeaf makes the node's certificate; with old it keeps the key.
func makeLeaf(old, ca *pair, names []string, now time.Time) (*pair, error) {
	key, err := keyOf(old)
	if err != nil {
		return nil, err
	}
	end := now.Add(leafLife)
	if end.After(ca.leaf.NotAfter) {
		end = ca.leaf.NotAfter
	}
	tmpl := &x509.Certificate{
		SerialNumber:          serial(),
		Subject:               pkix.Name{CommonName: common(names[0])},
		NotBefore:             always,
		NotAfter:              end.UTC(),
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageDigitalSignature,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}, // peers are both
		ExtraExtensions:       []pkix.Extension{{Id: oidSAN, Value: mustSAN(names)}},
	}
	return sign(tmpl, ca.leaf, key, ca.key)
}

func sign(tmpl, parent *x509.Certificate, key, signer *ecdsa.PrivateKey) (*pair, error) {
	der, err := x509.CreateCertificate(rand.Reader, tmpl, parent, key.Public(), signer)
	if err != nil {
		return nil, fmt.Errorf("identity: making a certificate: %w", err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("identity: reading the certificate just made: %w", err)
	}
	return &pair{key: key, leaf: leaf}, nil
}

func keyOf(old *pair) (*ecdsa.PrivateKey, error) {
	if old != nil {
		return old.key, nil
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("identity: making a key: %w", err)
	}
	return key, nil
}

// serial is positive, random and at most 16 octets: RFC 5280 §4.1.2.2 allows 20.
func serial() *big.Int {
	b := make([]byte, 16)
	rand.Read(b)            // crypto/rand never fails
	b[0] = b[0]&0x7f | 0x40 // positive, never zero, one length
	return new(big.Int).SetBytes(b)
}

// common bounds a common name: RFC 5280 Appendix A.1, ub-common-name is 64 characters.
func common(s string) string {
	if r := []rune(s); len(r) > 64 {
		return string(r[:64])
	}
	return s
}

// Object identifiers of a certificate's names.
var (
	oidSAN      = asn1.ObjectIdentifier{2, 5, 29, 17}
	oidXMPPAddr = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 8, 5} // RFC 6120 §13.7.1.4
	oidSRVName  = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 8, 7} // RFC 4985 §2
)

// mustSAN is the subjectAltName of the domains, the same octets for the same domains in the same order. The domains have
// passed normalise, so nothing can fail.
func mustSAN(names []string) []byte {
	var san []asn1.RawValue
	for _, name := range names {
		san = append(san, generalNames(name)...)
	}
	b, err := asn1.Marshal(san)
	if err != nil {
		panic("identity: subjectAltName: " + err.Error())
	}
	return b
}

// generalNames: RFC 6120 §13.7.1.2: an XMPP server's certificate names its domain as DNS-ID and SRV-ID, and as xmppAddr
// for old software.
func generalNames(domain string) []asn1.RawValue {
	const dNSName, iPAddress = 2, 7 // RFC 5280 §4.2.1.6
	if ip := address(domain); ip != nil {
		return []asn1.RawValue{{Class: asn1.ClassContextSpecific, Tag: iPAddress, Bytes: ip}}
	}
	a, err := ascii(domain)
	if err != nil {
		panic("identity: domain was not checked: " + err.Error())
	}
	return []asn1.RawValue{
		{Class: asn1.ClassContextSpecific, Tag: dNSName, Bytes: []byte(a)},
		otherName(oidXMPPAddr, asn1.RawValue{Tag: asn1.TagUTF8String, Bytes: []byte(domain)}),
		otherName(oidSRVName, asn1.RawValue{Tag: asn1.TagIA5String, Bytes: []byte("_xmpp-client." + a)}),
		otherName(oidSRVName, asn1.RawValue{Tag: asn1.TagIA5String, Bytes: []byte("_xmpp-server." + a)}),
	}
}

// otherName: RFC 5280 §4.2.1.6: [0] IMPLICIT SEQUENCE { type-id, value [0] EXPLICIT }.
func otherName(id asn1.ObjectIdentifier, value asn1.RawValue) asn1.RawValue {
	oid, err1 := asn1.Marshal(id)
	inner, err2 := asn1.Marshal(value)
	outer, err3 := asn1.Marshal(asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: 0, IsCompound: true, Bytes: inner})
	if err1 != nil || err2 != nil || err3 != nil {
		panic("identity: otherName of our own making")
	}
	return asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: 0, IsCompound: true, Bytes: slices.Concat(oid, outer)}
}

func sanBytes(c *x509.Certificate) []byte {
	i := slices.IndexFunc(c.Extensions, func(e pkix.Extension) bool { return e.Id.Equal(oidSAN) })
	if i < 0 {
		return nil
	}
	return bytes.Clone(c.Extensions[i].Value)
}

// address is the IP address that a domainpart holds, nil if it is a name.
func address(domain string) net.IP {
	if inner, ok := strings.CutPrefix(domain, "["); ok && strings.HasSuffix(inner, "]") {
		domain = strings.TrimSuffix(inner, "]")
	}
	ip := net.ParseIP(domain)
	if v4 := ip.To4(); v4 != nil {
		return v4
	}
	return ip
}
