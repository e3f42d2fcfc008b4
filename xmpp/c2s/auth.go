package c2s

import (
	"errors"

	"longwire/store"
	"longwire/xmpp/jid"
	"longwire/xmpp/markup"
	"longwire/xmpp/router"
	"longwire/xmpp/sasl"
	"longwire/xmpp/stanza"
	"longwire/xmpp/stream"
)

// maxTries is how often one stream may fail to authenticate. RFC 6120 §6.4.4: between two and five.
const maxTries = 3

// maxMisfits is how often it may ask for a channel binding that does not fit, which tries no secret.
const maxMisfits = 4

func (c *conn) newAuth() *sasl.Server {
	return sasl.NewServer(sasl.Config{
		Encrypted:  c.secure,
		AllowPlain: c.secure || c.mode == Trusted,
		Bindings:   c.login.bound,
		Secret:     c.srv.secret,
		Lookup:     c.lookup,
		Own: func(user, authzid string) bool {
			j, err := jid.Parse(authzid)
			u, err2 := jid.New(user, c.domain, "")
			return err == nil && err2 == nil && j == u
		},
	})
}

var errThrottled = errors.New("c2s: too many failed logins of the account")

// lookup finds the credential of a user, unless there were too many failures for that name: then nobody is asked.
func (c *conn) lookup(user, hash string) (sasl.Credential, error) {
	j, err := jid.New(user, c.domain, "")
	if err != nil || user == "" {
		return sasl.Credential{}, sasl.ErrUnknownUser
	}
	c.login.claimed = j.String()
	if c.srv.throttle.mustWait(c.login.claimed, c.host) {
		return sasl.Credential{}, errThrottled
	}
	return c.srv.credential(j, hash)
}

// credential looks an account's key up.
func (srv *Server) credential(j jid.JID, hash string) (sasl.Credential, error) {
	var a store.Account
	err := srv.host.DB().View(func(tx *store.Tx) (err error) {
		a, err = tx.Account(j.String())
		return err
	})
	if errors.Is(err, store.ErrNotFound) {
		return sasl.Credential{}, sasl.ErrUnknownUser
	}
	if err != nil {
		return sasl.Credential{}, err
	}
	for _, cr := range a.Credentials {
		if cr.Hash != hash {
			continue
		}
		if a.Disabled {
			return sasl.Credential(cr), sasl.ErrDisabled
		}
		return sasl.Credential(cr), nil
	}
	return sasl.Credential{}, sasl.ErrUnknownUser
}

// sasl runs one step of authentication. RFC 6120 §6.4.
func (c *conn) sasl(e *markup.Element) error {
	if !c.account.IsZero() {
		return &stream.Error{Condition: "policy-violation", Text: "already authenticated"}
	}
	if !c.secure && c.mode == StartTLS && c.srv.config().RequireTLS {
		return c.saslFailed(&sasl.Failure{Condition: sasl.EncryptionRequired})
	}
	if e.Name.Local == "abort" {
		return c.saslFailed(&sasl.Failure{Condition: sasl.Aborted})
	}
	data, err := sasl.Decode(e.Text)
	if err != nil {
		return c.saslFailed(err)
	}
	var out []byte
	var done bool
	switch l := c.login; {
	case e.Name.Local == "auth":
		l.claimed = ""
		if c.srv.throttle.addressMustWait(c.host) {
			return c.saslFailed(errThrottled)
		}
		l.auth = c.newAuth()
		out, done, err = l.auth.Start(e.Attr("mechanism"), data)
	case l.auth == nil:
		err = &sasl.Failure{Condition: sasl.MalformedRequest, Text: "no authentication is under way"}
	default:
		out, done, err = l.auth.Next(data)
	}
	if err != nil {
		return c.saslFailed(err)
	}
	if !done {
		return c.write([]byte("<challenge xmlns='" + nsSASL + "'>" + sasl.Encode(out) + "</challenge>"))
	}
	return c.authenticated(out)
}

func (c *conn) authenticated(out []byte) error {
	j, err := jid.New(c.login.auth.Username(), c.domain, "")
	if err != nil {
		return c.saslFailed(&sasl.Failure{Condition: sasl.NotAuthorized})
	}
	c.srv.throttle.succeeded(j.String(), c.host)
	c.account, c.login = j, nil
	body := ""
	if len(out) > 0 {
		body = sasl.Encode(out)
	}
	if err := c.begin([]byte("<success xmlns='" + nsSASL + "'>" + body + "</success>")); err != nil {
		return err
	}
	c.r.Restart(nil) // RFC 6120 §6.4.6: a new stream on the same connection
	c.r.SetMaxBytes(c.srv.config().MaxStanza)
	return nil
}

// saslFailed answers a failed attempt, and ends the stream after the third.
func (c *conn) saslFailed(err error) error {
	l, f := c.login, new(sasl.Failure)
	switch {
	case errors.Is(err, errThrottled):
		// RFC 6120 §6.5.11: the client may try again later, with the same password.
		f = &sasl.Failure{Condition: sasl.TemporaryAuthFailure, Text: "too many failed logins; wait a minute"}
	case !errors.As(err, &f):
		f = &sasl.Failure{Condition: sasl.TemporaryAuthFailure}
	}
	l.auth = nil
	// Peer: slixmpp up to 1.8.4 knows tls-unique alone, which TLS 1.3 does not have, and tries it with each mechanism
	// before it comes to one that fits. That is no guessing, and has a bound of its own.
	if f.Misfit && l.misfits < maxMisfits {
		l.misfits++
	} else {
		l.tries++
	}
	if f.Condition == sasl.NotAuthorized && !f.Misfit {
		c.srv.throttle.failed(l.claimed, c.host)
		c.srv.log.Info("login failed", "addr", c.host, "account", l.claimed)
	}
	b := []byte("<failure xmlns='" + nsSASL + "'><" + f.Condition + "/>")
	if f.Text != "" {
		b = append(b, "<text xml:lang='en'>"...)
		b = markup.AppendEscaped(b, f.Text)
		b = append(b, "</text>"...)
	}
	if err := c.write(append(b, "</failure>"...)); err != nil {
		return err
	}
	if l.tries >= maxTries {
		return &stream.Error{Condition: "policy-violation", Text: "too many failed attempts"}
	}
	return nil
}

// stranger handles a registration before login. XEP-0077 §3.1.
func (c *conn) stranger(st *stanza.Stanza) error {
	cfg := c.srv.config()
	if cfg.Stranger == nil || !st.IsRequest() || !st.Has("jabber:iq:register", "query") || !c.secure && c.mode == StartTLS {
		return &stream.Error{Condition: "not-authorized"} // RFC 6120 §4.9.3.12
	}
	t := new(router.Turn)
	inner, err := cfg.Stranger(t, c.domain, st) // keys are derived here, and not while others wait for the store
	if errors.Is(err, router.ErrNeedTx) {
		err = c.srv.host.DB().Update(func(tx *store.Tx) (err error) {
			t.Reset(tx)
			inner, err = cfg.Stranger(t, c.domain, st)
			return err
		})
	}
	var refusal *stanza.Err
	switch {
	case err == nil:
		t.Done()
		return c.write(st.Result(inner).Bytes())
	case errors.As(err, &refusal):
	default:
		c.srv.log.Warn("registration failed", "addr", c.host, "err", err)
		refusal = stanza.Fail(stanza.InternalServerError, "")
	}
	return c.write(st.ErrorReply(refusal).Bytes())
}
