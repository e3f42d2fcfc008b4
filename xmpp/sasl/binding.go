package sasl

import (
	"crypto/sha256"
	"crypto/sha512"
	"crypto/tls"
	"crypto/x509"
)

// Channel-binding types.
const (
	TLSExporter       = "tls-exporter"         // RFC 9266
	TLSServerEndPoint = "tls-server-end-point" // RFC 5929 §4
	TLSUnique         = "tls-unique"           // RFC 5929 §3
)

// Binding ties an authentication to the channel it runs in (RFC 5056).
type Binding struct {
	Type string
	Data []byte
}

// Bindings lists the channel bindings of a TLS connection after its handshake, the strongest first; nil without TLS.
// serverCert is the DER of the certificate that the server presents: a client finds it in cs.PeerCertificates, a server
// has to know which one it served.
func Bindings(cs *tls.ConnectionState, serverCert []byte) []Binding {
	if cs == nil || !cs.HandshakeComplete {
		return nil
	}
	var list []Binding
	// RFC 9266 §2: the context is present and empty. RFC 9266 §3 asks TLS 1.2 for the extended master secret; Go fails here without it.
	exported, err := cs.ExportKeyingMaterial("EXPORTER-Channel-Binding", []byte{}, 32)
	if err == nil {
		list = append(list, Binding{TLSExporter, exported})
	}
	if h := endPoint(serverCert); h != nil {
		list = append(list, Binding{TLSServerEndPoint, h})
	}
	// RFC 5929 §3 defines tls-unique up to TLS 1.2 only; without the extended master secret it is unsafe (RFC 7627 §1).
	// Peer: libstrophe and slixmpp know nothing else on TLS 1.2.
	if err == nil && cs.Version == tls.VersionTLS12 && len(cs.TLSUnique) > 0 {
		list = append(list, Binding{TLSUnique, cs.TLSUnique})
	}
	return list
}

// endPoint: RFC 5929 §4.1: the certificate under the hash of its own signature, SHA-256 in place of MD5 and SHA-1.
// Choice: a certificate signed with Ed25519 has no such hash and the RFC leaves that case undefined; it gets no
// tls-server-end-point, since two sides that guess differently would lock the user out.
func endPoint(der []byte) []byte {
	if len(der) == 0 {
		return nil
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil
	}
	switch cert.SignatureAlgorithm {
	case x509.MD5WithRSA, x509.SHA1WithRSA, x509.DSAWithSHA1, x509.ECDSAWithSHA1,
		x509.SHA256WithRSA, x509.DSAWithSHA256, x509.ECDSAWithSHA256, x509.SHA256WithRSAPSS:
		h := sha256.Sum256(der)
		return h[:]
	case x509.SHA384WithRSA, x509.ECDSAWithSHA384, x509.SHA384WithRSAPSS:
		h := sha512.Sum384(der)
		return h[:]
	case x509.SHA512WithRSA, x509.ECDSAWithSHA512, x509.SHA512WithRSAPSS:
		h := sha512.Sum512(der)
		return h[:]
	}
	return nil
}
