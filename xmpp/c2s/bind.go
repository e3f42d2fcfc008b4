package c2s

import (
	"errors"

	"longwire/store"
	"longwire/xmpp/local"
	"longwire/xmpp/markup"
	"longwire/xmpp/stanza"
	"longwire/xmpp/stream"
)

// beforeBind handles stanzas of an authenticated client without a resource: RFC 6120 §7.1 lets it only bind.
func (c *conn) beforeBind(st *stanza.Stanza) error {
	if st.Kind == stanza.IQ && st.Type == stanza.Set && st.Has(nsBind, "bind") {
		return c.bind(st)
	}
	return &stream.Error{Condition: "not-authorized", Text: "bind a resource first"}
}

// serveSession answers clients of RFC 3921, which ask for a session behind binding; it is there already.
func serveSession(h *local.Host) {
	h.HandleIQ(nsSession, "session", "set", local.ForServer|local.ForAccount, func(q *local.Request) error {
		if !q.Own {
			return stanza.Fail(stanza.Forbidden, "")
		}
		q.Reply(nil)
		return nil
	})
}

// bind gives the stream its resource. RFC 6120 §7.
func (c *conn) bind(st *stanza.Stanza) error {
	resource, ok := wantedResource(st)
	if !ok {
		return c.refuseBind(st, stanza.BadRequest)
	}
	full, err := c.account.WithResource(resource)
	if err != nil {
		return c.refuseBind(st, stanza.BadRequest) // RFC 6120 §7.7.2.1
	}
	s := &Session{srv: c.srv, full: full, bare: c.account}
	s.idle.L = &s.mu
	s.res = local.NewResource(full, s)
	// The answer is the first thing that the client hears, whatever is sent to its new address meanwhile.
	s.sendRaw(bound(st.ID, full.String()))
	old, ok := c.srv.host.Bind(s.res, c.srv.config().StreamsPerAccount)
	if !ok {
		return c.refuseBind(st, stanza.ResourceConstraint) // RFC 6120 §7.6.2.1
	}
	if old != nil {
		// Choice of RFC 6120 §7.7.2.2: the older stream goes; on radio LANs it is most often a phantom. What it had is
		// given back before the client hears that it is bound.
		old.End("conflict", "replaced by a new connection")
	}
	s.mu.Lock()
	if s.ended { // by yet another stream of that name
		s.mu.Unlock()
		return &stream.Error{Condition: "conflict", Text: "replaced by a new connection"}
	}
	s.conn = c
	c.session = s
	c.speaker.Store(s)
	s.wakeLocked()
	s.mu.Unlock()
	// Behind Bind: an account that is removed or disabled from here on has its streams ended.
	if err := c.srv.mayStay(c.account.String()); err != nil {
		return err
	}
	c.srv.log.Debug("client bound", "jid", full, "addr", c.host)
	return nil
}

// mayStay tells whether the account, which has authenticated a while ago, still exists.
func (srv *Server) mayStay(account string) error {
	return srv.host.DB().View(func(tx *store.Tx) error {
		a, err := tx.Account(account)
		if errors.Is(err, store.ErrNotFound) || err == nil && a.Disabled {
			return &stream.Error{Condition: "not-authorized", Text: "the account is gone"}
		}
		return nil // a store that cannot be read must not end streams
	})
}

// wantedResource reads the request; without a wish the resource is made here: RFC 6120 §7.6.1.
func wantedResource(st *stanza.Stanza) (resource string, ok bool) {
	child, _ := st.Child(nsBind, "bind")
	e, err := st.Element(child)
	if err != nil || st.ID == "" {
		return "", false
	}
	if r := e.Child(nsBind, "resource"); r != nil && r.Text != "" {
		return r.Text, true
	}
	return newID()[:12], true // 72 bit
}

func (c *conn) refuseBind(st *stanza.Stanza, condition stanza.Condition) error {
	return c.write(st.ErrorReply(stanza.Fail(condition, "")).Bytes())
}

func bound(id, full string) []byte {
	res := &stanza.Stanza{Kind: stanza.IQ, Type: stanza.Result, ID: id}
	b := append([]byte(nil), "<bind xmlns='"+nsBind+"'><jid>"...)
	b = markup.AppendEscaped(b, full)
	res.SetInner(append(b, "</jid></bind>"...))
	return res.Bytes()
}
