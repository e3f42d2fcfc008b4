package sasl

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"slices"
	"strings"
	"unicode/utf8"
)

// Config tells a Server what it may offer on one stream. Only Lookup is required.
type Config struct {
	// Encrypted: the stream runs over TLS. It decides between the failures encryption-required and mechanism-too-weak.
	Encrypted bool
	// AllowPlain offers PLAIN: the stream is encrypted, or its listener is trusted with plaintext.
	AllowPlain bool
	// Bindings are the channel bindings of the stream, see Bindings. With none, no -PLUS mechanism is offered.
	Bindings []Binding
	// External is the user that a verified client certificate stands for; "" if there is none.
	External string
	// Lookup returns an account's credential for a hash, or ErrUnknownUser, or the credential with ErrDisabled. The user is a
	// localpart as the client sent it, after SASLprep; the callback normalises it further (RFC 7622) before it searches.
	Lookup func(user, hash string) (Credential, error)
	// Own tells whether a non-empty authzid names the account of that user itself, as a bare JID. Nil: it never does.
	Own func(user, authzid string) bool
	// Secret feeds the fake salts of unknown users. It must outlive restarts, lest the salt of an unknown user changes and
	// that of a known one does not.
	Secret []byte
	// Iterations is the work factor that unknown users seem to have; 0: DefaultIterations.
	Iterations int
}

// Mechanisms lists what is offered, in order of preference.
func (c *Config) Mechanisms() []string {
	m := make([]string, 0, 6)
	if c.External != "" {
		m = append(m, External)
	}
	if len(c.Bindings) > 0 {
		m = append(m, ScramSHA256Plus, ScramSHA1Plus)
	}
	m = append(m, ScramSHA256, ScramSHA1)
	if c.AllowPlain {
		m = append(m, Plain)
	}
	return m
}

// Server is the server's side of authentication on one stream. One goroutine at a time uses it. After a failure, Start
// begins anew.
type Server struct {
	config Config
	nonce  func() string

	step     step
	mech     string
	scram    exchange
	claimed  string
	username string
	authzid  string
}

type step uint8

const (
	idle step = iota
	initial
	final
	finished
)

// NewServer makes a Server.
func NewServer(c Config) *Server { return &Server{config: c, nonce: rand.Text} }

// Mechanisms lists what is offered, in order of preference.
func (s *Server) Mechanisms() []string { return s.config.Mechanisms() }

// Username is who authenticated: the localpart as sent, after SASLprep. "" before success.
func (s *Server) Username() string {
	if s.step != finished {
		return ""
	}
	return s.username
}

// Claimed is who the client says to be, proved or not, for throttles and logs; "" until a message named someone.
func (s *Server) Claimed() string { return s.claimed }

// Authzid is what the client asked to act as; it passed Config.Own. "" if it asked for nothing.
func (s *Server) Authzid() string {
	if s.step != finished {
		return ""
	}
	return s.authzid
}

// Mechanism is the one in use or last used.
func (s *Server) Mechanism() string { return s.mech }

// Start begins an exchange. first is the initial response, nil if there was none, as Decode returns it. If done, out
// belongs into <success/>, else it is a challenge. Every error is a *Failure and ends the exchange.
func (s *Server) Start(mech string, first []byte) (out []byte, done bool, err error) {
	*s = Server{config: s.config, nonce: s.nonce}
	if err := s.admit(mech); err != nil {
		return nil, false, err
	}
	s.mech, s.step = mech, initial
	if first == nil {
		// RFC 6120 §6.4.2: all our mechanisms are client-first; without an initial response the challenge is empty.
		return []byte{}, false, nil
	}
	return s.Next(first)
}

// Next takes the client's next message; see Start.
func (s *Server) Next(response []byte) (out []byte, done bool, err error) {
	at := s.step
	s.step = idle // a failure ends the exchange; success and progress set the step again
	switch {
	case len(response) > maxMessage:
		err = fail(MalformedRequest, "message too long")
	case at == initial && s.mech == Plain:
		err = s.plain(response)
	case at == initial && s.mech == External:
		err = s.external(response)
	case at == initial:
		if out, err = s.clientFirst(response); err == nil {
			s.step = final
			return out, false, nil
		}
	case at == final:
		out, err = s.clientFinal(response)
	default:
		err = fail(MalformedRequest, "no authentication under way")
	}
	if err != nil {
		return nil, false, err
	}
	s.step = finished
	return out, true, nil
}

// admit refuses mechanisms that were not offered, with the reason why.
func (s *Server) admit(mech string) error {
	if slices.Contains(s.config.Mechanisms(), mech) {
		return nil
	}
	switch {
	case mech == Plain && !s.config.Encrypted:
		return fail(EncryptionRequired, "PLAIN needs TLS") // RFC 6120 §6.5.4
	case mech == Plain:
		return fail(MechanismTooWeak, "PLAIN is switched off") // RFC 6120 §6.5.9
	}
	return fail(InvalidMechanism, "")
}

// plain: RFC 4616 §2: [authzid] NUL authcid NUL passwd.
func (s *Server) plain(message []byte) error {
	parts := strings.Split(string(message), "\x00")
	if len(parts) != 3 || parts[1] == "" || parts[2] == "" || !utf8.Valid(message) {
		return fail(MalformedRequest, "PLAIN wants authzid NUL username NUL password")
	}
	user, err := prepareUser(parts[1])
	if err != nil {
		return fail(MalformedRequest, "invalid-username-encoding")
	}
	s.claimed = user
	found, err := s.lookup(user, SHA256)
	if err == nil && !found.known {
		// An account may lack one hash. Only SHA-1 is looked for besides, and the fake is the first one.
		var other account
		if other, err = s.lookup(user, SHA1); other.known {
			found = other
		}
	}
	if err != nil {
		return err
	}
	// The password is verified for unknown users too, so that they take as long as known ones.
	if !found.Verify(parts[2]) || !found.known {
		return fail(NotAuthorized, "")
	}
	return s.accept(user, parts[0], found)
}

// external: RFC 4422 Appendix A: the message is the authzid; who it is was settled outside.
func (s *Server) external(message []byte) error {
	if !utf8.Valid(message) || bytes.IndexByte(message, 0) >= 0 {
		return fail(MalformedRequest, "authzid is not UTF-8 or holds NUL")
	}
	s.claimed = s.config.External
	_, err := s.config.Lookup(s.claimed, SHA256)
	if errors.Is(err, ErrUnknownUser) { // it may have an old hash alone
		_, err = s.config.Lookup(s.claimed, SHA1)
	}
	if errors.Is(err, ErrUnknownUser) { // a certificate alone makes no account
		return fail(NotAuthorized, "")
	}
	if err != nil && !errors.Is(err, ErrDisabled) {
		return &Failure{Condition: TemporaryAuthFailure, Err: err}
	}
	return s.accept(s.config.External, string(message), account{disabled: err != nil})
}

// accept comes after the proof. Only who proved to be the user learns of these two failures.
func (s *Server) accept(user, authzid string, a account) error {
	// Choice: RFC 6120 §6.5.2 does not say when; before the proof it would tell strangers which accounts exist.
	if a.disabled {
		return fail(AccountDisabled, "")
	}
	// RFC 6120 §6.3.8: a client acts as itself or not at all.
	if authzid != "" && (s.config.Own == nil || !s.config.Own(user, authzid)) {
		return fail(InvalidAuthzid, "")
	}
	s.username, s.authzid = user, authzid
	return nil
}

// account is what a lookup gave. If not known, the credential is a fake that nothing fits.
type account struct {
	Credential
	known, disabled bool
}

func (s *Server) lookup(user, hash string) (account, error) {
	c, err := s.config.Lookup(user, hash)
	switch {
	case errors.Is(err, ErrUnknownUser):
		return account{Credential: s.fake(user, hash)}, nil
	case err == nil, errors.Is(err, ErrDisabled):
		if c.Hash != hash {
			return account{}, &Failure{Condition: TemporaryAuthFailure, Err: errors.New("sasl: credential for " + hash + " holds " + c.Hash)}
		}
		if bad := c.check(); bad != nil {
			return account{}, &Failure{Condition: TemporaryAuthFailure, Err: bad}
		}
		return account{Credential: c, known: true, disabled: err != nil}, nil
	}
	return account{}, &Failure{Condition: TemporaryAuthFailure, Err: err}
}

// fake makes the credential of an account that does not exist, the same at each try (RFC 5802 §9 asks not to tell
// accounts from non-accounts). Each key comes from its own label, so the salt on the wire says nothing about the rest.
func (s *Server) fake(user, hash string) Credential {
	h := hashFunc(hash)
	iterations := s.config.Iterations
	if iterations == 0 {
		iterations = DefaultIterations
	}
	return Credential{
		Hash:       hash,
		Salt:       mac(sha256.New, s.config.Secret, "salt", hash, user)[:saltLen],
		Iterations: iterations,
		StoredKey:  mac(h, s.config.Secret, "stored", hash, user),
		ServerKey:  mac(h, s.config.Secret, "server", hash, user),
	}
}
