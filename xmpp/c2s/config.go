// Package c2s serves clients: RFC 6120 streams over TCP and TLS, SASL, resource binding, and XEP-0198 streams that
// outlive their connections.
package c2s

import (
	"crypto/tls"
	"time"

	"longwire/xmpp/router"
	"longwire/xmpp/stanza"
)

// Mode tells how a listener's connections begin.
type Mode uint8

// The kinds of listeners.
const (
	StartTLS  Mode = iota // TCP 5222, RFC 6120 §5
	DirectTLS             // TCP 5223, XEP-0368
	Trusted               // plaintext with authentication, for loopback
)

// Config is what operators set. Zero numbers mean the defaults named behind them.
type Config struct {
	Domains    []string
	TLS        *tls.Config // for STARTTLS; nil: not offered
	DirectTLS  *tls.Config // for direct TLS
	Leaf       []byte      // DER of the certificate that both show, for tls-server-end-point
	RequireTLS bool

	MaxStanza         int           // bytes, after authentication; 262 144
	MaxEarly          int           // bytes, before authentication; 10 000 (RFC 6120 §13.12)
	StreamsPerAddress int           // 2 000
	StreamsPerAccount int           // resources of one account; 50
	OutboxStanzas     int           // waiting for one client; 1 000
	OutboxBytes       int           // 4 MiB
	ResumeMax         time.Duration // how long a lost stream may be resumed; 600 s
	Idle              time.Duration // silence after which the client is asked; 300 s
	IdleAnswer        time.Duration // how long it may take to answer; 60 s
	EarlyTime         time.Duration // from connect to bind; 60 s
	FailuresPerMinute int           // failed logins of one address before it must wait; of one account, five times as many; 20

	Caps []byte // XEP-0115 §6.3: the server's own <c/>
	// Stranger answers XEP-0077 requests of clients that have not logged in, with the children of the result; nil: nobody may make an
	// account.
	Stranger func(t *router.Turn, domain string, iq *stanza.Stanza) ([]byte, error)
}

func or[T int | time.Duration](v, d T) T {
	if v == 0 {
		return d
	}
	return v
}

// withDefaults fills in what is zero.
func (c Config) withDefaults() *Config {
	c.MaxStanza = or(c.MaxStanza, 262144)
	c.MaxEarly = or(c.MaxEarly, 10000)
	c.StreamsPerAddress = or(c.StreamsPerAddress, 2000)
	c.StreamsPerAccount = or(c.StreamsPerAccount, 50)
	c.OutboxStanzas = or(c.OutboxStanzas, 1000)
	c.OutboxBytes = or(c.OutboxBytes, 4<<20)
	c.ResumeMax = or(c.ResumeMax, 600*time.Second)
	c.Idle = or(c.Idle, 300*time.Second)
	c.IdleAnswer = or(c.IdleAnswer, 60*time.Second)
	c.EarlyTime = or(c.EarlyTime, 60*time.Second)
	c.FailuresPerMinute = or(c.FailuresPerMinute, 20)
	return &c
}
