package identity

import "crypto/tls"

// ALPN is the protocol name of direct TLS for clients (XEP-0368 §2).
const ALPN = "xmpp-client"

// suites are what TLS 1.2 may use: forward secrecy and authenticated encryption only (RFC 9325 §4.2). TLS 1.3 has its own.
var suites = []uint16{
	tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
	tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
	tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
}

// newServer makes the configurations for clients. Each certificate has its own, with its own session ticket keys: a session
// of an old certificate cannot be resumed under a new one, where tls-server-end-point would not match.
func newServer(cert tls.Certificate) *Server {
	config := func(protocols ...string) *tls.Config {
		return &tls.Config{
			Certificates: []tls.Certificate{cert},
			MinVersion:   tls.VersionTLS12, // RFC 7590 §3.1, RFC 9325 §3.1.1
			CipherSuites: suites,
			NextProtos:   protocols,
		}
	}
	// A client that sends no ALPN is served all the same; one that asks for another protocol alone is refused by crypto/tls.
	return &Server{Leaf: cert.Leaf, StartTLS: config(), Direct: config(ALPN)}
}
