package register

import (
	"errors"
	"fmt"
	"time"

	"longwire/store"
	"longwire/xmpp/jid"
	"longwire/xmpp/markup"
	"longwire/xmpp/router"
	"longwire/xmpp/stanza"
)

// Stranger answers a registration request on a stream to domain that has not logged in yet. It returns what goes into the
// result, or a *stanza.Err, or router.ErrNeedTx.
func (s *Service) Stranger(t *router.Turn, domain string, iq *stanza.Stanza) ([]byte, error) {
	if !s.Open() {
		return nil, stanza.Fail(stanza.ServiceUnavailable, "") // XEP-0077 §3.1
	}
	p := iq.Payload()
	if p == nil || p.Name != (markup.Name{Space: NS, Local: "query"}) || !iq.IsRequest() {
		return nil, stanza.Fail(stanza.BadRequest, "")
	}
	if !s.h.Local(domain) || !iq.To.IsZero() && iq.To.String() != domain {
		return nil, stanza.Fail(stanza.ItemNotFound, "")
	}
	if iq.Type == stanza.Get {
		return []byte("<query xmlns='" + NS + "'><instructions>Choose a user name and a password.</instructions>" +
			"<username/><password/></query>"), nil
	}
	if p.Child(NS, "remove") != nil {
		return nil, stanza.Fail(stanza.UnexpectedRequest, "") // XEP-0077 §3.2: nobody is logged in
	}
	return nil, s.make(t, domain, iq, p)
}

func (s *Service) make(t *router.Turn, domain string, iq *stanza.Stanza, p *markup.Element) error {
	name, password, err := fields(p)
	if err != nil {
		return stanza.Fail(stanza.NotAcceptable, "") // XEP-0077 §3.1: required information is missing
	}
	who, err := jid.New(name, domain, "")
	if err != nil {
		return stanza.Fail(stanza.JIDMalformed, "")
	}
	if s.o.Reserved != nil && s.o.Reserved(who) {
		return stanza.Fail(stanza.Conflict, "")
	}
	if !s.mayMake() {
		return &stanza.Err{Condition: stanza.ResourceConstraint, Type: "wait", Text: "too many new accounts, try later"}
	}
	creds, err := s.derive(t, iq, password)
	if err != nil {
		return err
	}
	if err := t.NeedTx(); err != nil {
		return err
	}
	if ok, err := t.Tx.AccountExists(who.String()); err != nil {
		return fmt.Errorf("register: making %s: %w", who, err)
	} else if ok {
		return &stanza.Err{Condition: stanza.Conflict, Type: "cancel"}
	}
	err = t.Tx.PutAccount(store.Account{JID: who.String(), Credentials: creds, Created: time.Now()})
	if errors.Is(err, store.ErrExists) {
		return stanza.Fail(stanza.Conflict, "")
	}
	if err != nil {
		return fmt.Errorf("register: making %s: %w", who, err)
	}
	if s.o.Made != nil {
		if err := s.o.Made(t, who); err != nil {
			return err
		}
	}
	t.After(func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.made = append(s.made, time.Now())
	})
	return nil
}

// mayMake tells whether another account may be made in this hour.
func (s *Service) mayMake() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := 0
	for i < len(s.made) && time.Since(s.made[i]) > time.Hour {
		i++
	}
	s.made = s.made[i:]
	return len(s.made) < s.o.PerHour
}
