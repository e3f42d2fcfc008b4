package c2s

import (
	"errors"
	"slices"
	"strings"

	"longwire/store"
	"longwire/xmpp/jid"
	"longwire/xmpp/local"
	"longwire/xmpp/markup"
	"longwire/xmpp/router"
	"longwire/xmpp/sasl"
	"longwire/xmpp/sm"
	"longwire/xmpp/stanza"
	"longwire/xmpp/stream"
)

// Namespaces of the negotiation.
const (
	nsTLS     = "urn:ietf:params:xml:ns:xmpp-tls"
	nsSASL    = "urn:ietf:params:xml:ns:xmpp-sasl"
	nsBind    = "urn:ietf:params:xml:ns:xmpp-bind"
	nsSession = "urn:ietf:params:xml:ns:xmpp-session"
	nsSM      = "urn:xmpp:sm:3"
)

// maxTries is how often one stream may fail to authenticate. RFC 6120 §6.4.4: between two and five.
const maxTries = 3

// maxMisfits is how often it may ask for a channel binding that does not fit, which tries no secret.
const maxMisfits = 4

// opened answers a stream header with ours and the features of the present phase. RFC 6120 §4.3.
func (c *conn) opened(h stream.Header) error {
	domains := c.srv.config().Domains
	name := h.To
	if j, err := jid.Parse(h.To); err == nil {
		name = j.String()
	}
	known := slices.Contains(domains, name)
	if known {
		if c.domain != "" && c.domain != name && !c.account.IsZero() {
			known = false
		} else {
			c.domain = name
		}
	}
	b := c.header(h).Append(nil, stream.NSClient)
	c.headed = true
	var se *stream.Error
	switch {
	case !known:
		se = &stream.Error{Condition: "host-unknown"} // RFC 6120 §4.9.3.6
	case !atLeastOne(h.Version):
		se = &stream.Error{Condition: "unsupported-version"} // RFC 6120 §4.7.5
	}
	if se != nil {
		if err := c.write(b); err != nil {
			return err
		}
		return se
	}
	return c.write(c.features(b))
}

// header is our stream header: RFC 6120 §4.7: from a domain of ours, a fresh id, the client's language.
func (c *conn) header(h stream.Header) stream.Header {
	from := c.domain
	if from == "" {
		if d := c.srv.config().Domains; len(d) > 0 {
			from = d[0]
		}
	}
	lang := h.Lang
	if lang == "" {
		lang = "en"
	}
	r := stream.Header{From: from, ID: newID(), Version: "1.0", Lang: lang}
	if j, err := jid.Parse(h.From); err == nil && c.secure {
		r.To = j.Bare().String() // RFC 6120 §4.7.2; only under TLS, as §4.7.1 wants it
	}
	return r
}

// atLeastOne tells whether a stream version is 1.0 or later. RFC 6120 §4.7.5: numbers, compared by parts.
func atLeastOne(v string) bool {
	major, _, ok := strings.Cut(v, ".")
	return ok && major != "" && strings.Trim(major, "0123456789") == "" && strings.TrimLeft(major, "0") != ""
}

func (c *conn) features(b []byte) []byte {
	cfg := c.srv.config()
	b = append(b, "<stream:features>"...)
	switch {
	case c.account.IsZero() && !c.secure && c.mode == StartTLS && cfg.RequireTLS:
		b = append(b, "<starttls xmlns='"+nsTLS+"'><required/></starttls>"...)
	case c.account.IsZero():
		if !c.secure && cfg.TLS != nil {
			b = append(b, "<starttls xmlns='"+nsTLS+"'/>"...)
		}
		b = c.mechanisms(b)
		if cfg.Stranger != nil {
			b = append(b, "<register xmlns='http://jabber.org/features/iq-register'/>"...)
		}
		b = c.limits(b, cfg.MaxEarly, int(cfg.EarlyTime.Seconds()))
	default:
		b = append(b, "<bind xmlns='"+nsBind+"'/><session xmlns='"+nsSession+"'><optional/></session>"+
			"<sm xmlns='"+nsSM+"'/><csi xmlns='"+NSCSI+"'/><ver xmlns='urn:xmpp:features:rosterver'/>"+
			"<sub xmlns='urn:xmpp:features:pre-approval'/>"...)
		b = append(b, cfg.Caps...)
		b = c.limits(b, cfg.MaxStanza, int((cfg.Idle + cfg.IdleAnswer).Seconds()))
	}
	return append(b, "</stream:features>"...)
}

// limits tells what the client may send. XEP-0478 §3.
func (c *conn) limits(b []byte, bytes, idle int) []byte {
	return append(b, "<limits xmlns='urn:xmpp:stream-limits:0'><max-bytes>"+itoa(bytes)+"</max-bytes><idle-seconds>"+
		itoa(idle)+"</idle-seconds></limits>"...)
}

func (c *conn) mechanisms(b []byte) []byte {
	a := c.newAuth()
	b = append(b, "<mechanisms xmlns='"+nsSASL+"'>"...)
	for _, m := range a.Mechanisms() {
		b = append(b, "<mechanism>"+m+"</mechanism>"...)
	}
	b = append(b, "</mechanisms>"...)
	if len(c.bound) == 0 {
		return b
	}
	b = append(b, "<sasl-channel-binding xmlns='urn:xmpp:sasl-cb:0'>"...) // XEP-0440 §3
	for _, cb := range c.bound {
		b = append(b, "<channel-binding type='"+cb.Type+"'/>"...)
	}
	return append(b, "</sasl-channel-binding>"...)
}

func (c *conn) newAuth() *sasl.Server {
	encrypted := c.secure
	return sasl.NewServer(sasl.Config{
		Encrypted:  encrypted,
		AllowPlain: encrypted || c.mode == Trusted,
		Bindings:   c.bound,
		Secret:     c.srv.secret,
		Lookup:     func(user, hash string) (sasl.Credential, error) { return c.srv.credential(c.domain, user, hash) },
		Own: func(user, authzid string) bool {
			j, err := jid.Parse(authzid)
			u, err2 := jid.New(user, c.domain, "")
			return err == nil && err2 == nil && j == u
		},
	})
}

// credential looks an account's key up.
func (srv *Server) credential(domain, user, hash string) (sasl.Credential, error) {
	j, err := jid.New(user, domain, "")
	if err != nil || user == "" {
		return sasl.Credential{}, sasl.ErrUnknownUser
	}
	var a store.Account
	err = srv.host.DB().View(func(tx *store.Tx) (err error) {
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
	if !c.account.IsZero() || c.domain == "" {
		return &stream.Error{Condition: "policy-violation", Text: "already authenticated"}
	}
	if !c.secure && c.mode == StartTLS && c.srv.config().RequireTLS {
		return c.saslFailed(&sasl.Failure{Condition: sasl.EncryptionRequired})
	}
	if e.Name.Local == "abort" {
		c.auth = nil
		return c.saslFailed(&sasl.Failure{Condition: sasl.Aborted})
	}
	data, err := sasl.Decode(e.Text)
	if err != nil {
		return c.saslFailed(err)
	}
	var out []byte
	var done bool
	switch {
	case e.Name.Local == "auth":
		if wait := c.srv.throttle.wait(c.host); wait {
			return c.saslFailed(&sasl.Failure{Condition: sasl.TemporaryAuthFailure, Text: "too many failed logins; wait a minute"})
		}
		c.auth = c.newAuth()
		out, done, err = c.auth.Start(e.Attr("mechanism"), data)
	case c.auth == nil:
		err = &sasl.Failure{Condition: sasl.MalformedRequest, Text: "no authentication is under way"}
	default:
		out, done, err = c.auth.Next(data)
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
	j, err := jid.New(c.auth.Username(), c.domain, "")
	if err != nil {
		return c.saslFailed(&sasl.Failure{Condition: sasl.NotAuthorized})
	}
	c.account, c.auth = j, nil
	body := ""
	if len(out) > 0 {
		body = sasl.Encode(out)
	}
	if err := c.write([]byte("<success xmlns='" + nsSASL + "'>" + body + "</success>")); err != nil {
		return err
	}
	c.r.Restart(nil) // RFC 6120 §6.4.6: a new stream on the same connection
	c.r.SetMaxBytes(c.srv.config().MaxStanza)
	c.headed = false
	return nil
}

// saslFailed answers a failed attempt, and ends the stream after the third.
func (c *conn) saslFailed(err error) error {
	var f *sasl.Failure
	if !errors.As(err, &f) {
		f = &sasl.Failure{Condition: sasl.TemporaryAuthFailure}
	}
	who := ""
	if c.auth != nil {
		who = c.auth.Claimed()
	}
	c.auth = nil
	// Peer: slixmpp up to 1.8.4 knows tls-unique alone, which TLS 1.3 does not have, and tries it with each mechanism
	// before it comes to one that fits. That is no guessing, and has a bound of its own.
	if f.Misfit && c.misfits < maxMisfits {
		c.misfits++
	} else {
		c.tries++
	}
	if f.Condition == sasl.NotAuthorized && !f.Misfit {
		c.srv.throttle.failed(c.host)
		c.srv.log.Info("login failed", "addr", c.host, "user", who)
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
	if c.tries >= maxTries {
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
	t, inner := new(router.Turn), []byte(nil)
	err := c.srv.host.DB().Update(func(tx *store.Tx) (err error) {
		t.Reset(tx)
		inner, err = cfg.Stranger(t, c.domain, st)
		return err
	})
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

// beforeBind handles stanzas of an authenticated client without a resource: RFC 6120 §7.1 lets it only bind.
func (c *conn) beforeBind(st *stanza.Stanza) error {
	if st.Kind == stanza.IQ && st.Type == stanza.Set && st.Has(nsBind, "bind") {
		return c.bind(st)
	}
	return &stream.Error{Condition: "not-authorized", Text: "bind a resource first"}
}

// bind gives the stream its resource. RFC 6120 §7.
func (c *conn) bind(st *stanza.Stanza) error {
	refuse := func(e *stanza.Err) error {
		if st.ID == "" {
			e = stanza.Fail(stanza.BadRequest, "an iq needs an id")
		}
		return c.write(st.ErrorReply(e).Bytes())
	}
	child, _ := st.Child(nsBind, "bind")
	e, err := st.Element(child)
	if err != nil || st.ID == "" {
		return refuse(stanza.Fail(stanza.BadRequest, ""))
	}
	resource := newID()[:12] // RFC 6120 §7.6.2.1: made here; 72 bit
	if r := e.Child(nsBind, "resource"); r != nil && r.Text != "" {
		resource = r.Text
	}
	full, err := c.account.WithResource(resource)
	if err != nil {
		return refuse(stanza.Fail(stanza.BadRequest, "")) // RFC 6120 §7.7.2.1
	}
	s := &Session{srv: c.srv, full: full, bare: c.account, conn: c}
	s.idle.L = &s.mu
	s.res = local.NewResource(full, s)
	old, ok := c.srv.host.Bind(s.res, c.srv.config().StreamsPerAccount)
	if !ok {
		return refuse(stanza.Fail(stanza.ResourceConstraint, "")) // RFC 6120 §7.6.2.1
	}
	if old != nil {
		// Choice of RFC 6120 §7.7.2.2: the older stream goes; on radio LANs it is most often a phantom.
		old.End("conflict", "replaced by a new connection")
	}
	c.session = s
	res := &stanza.Stanza{Kind: stanza.IQ, Type: stanza.Result, ID: st.ID}
	b := append([]byte(nil), "<bind xmlns='"+nsBind+"'><jid>"...)
	b = markup.AppendEscaped(b, full.String())
	res.SetInner(append(b, "</jid></bind>"...))
	s.sendRaw(res.Bytes(), fresh)
	c.srv.log.Debug("client bound", "jid", full, "addr", c.host)
	return nil
}

// manage handles the elements of stream management.
func (c *conn) manage(e *markup.Element) error {
	s := c.session
	if s == nil && e.Name.Local != "resume" {
		c.reply(failed(stanza.UnexpectedRequest)) // XEP-0198 §3: not before binding
		return nil
	}
	switch e.Name.Local {
	case "enable":
		s.enable(e)
	case "r":
		s.request()
	case "a":
		return s.acked(e)
	case "resume":
		return c.resume(e)
	default:
		return &stream.Error{Condition: "unsupported-stanza-type"}
	}
	return nil
}

// resume gives a lost stream this connection. XEP-0198 §5.
func (c *conn) resume(e *markup.Element) error {
	if c.session != nil {
		c.reply(failed(stanza.UnexpectedRequest))
		return nil
	}
	req, err := sm.ParseResume(e)
	if err != nil {
		c.reply(failed(stanza.BadRequest))
		return nil
	}
	if s := c.srv.managed(req.PrevID); s != nil && s.bare == c.account {
		err := s.attach(c, req.H)
		if !errors.Is(err, errEnded) {
			return err
		}
	}
	c.resumeStored(req)
	return nil
}
