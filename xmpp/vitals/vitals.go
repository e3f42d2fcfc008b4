// Package vitals answers the small questions about the node and its accounts: is someone there (XEP-0199), what are you
// (XEP-0092), what time is it (XEP-0202), and since when (XEP-0012).
package vitals

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	"longwire/store"
	"longwire/xmpp/jid"
	"longwire/xmpp/local"
	"longwire/xmpp/markup"
	"longwire/xmpp/router"
	"longwire/xmpp/stanza"
)

// Namespaces of the questions.
const (
	NSPing    = "urn:xmpp:ping"
	NSVersion = "jabber:iq:version"
	NSTime    = "urn:xmpp:time"
	NSLast    = "jabber:iq:last"
)

// Host is what the service asks of the local domains' Sink.
type Host interface {
	HandleIQ(space, local, types string, scope local.Scope, f local.IQHandler)
	Feature(scope local.Scope, features ...string)
	Read(t *router.Turn, f func(*store.Tx) error) error
	Resources(bare jid.JID) []*local.Resource
	Trusted(t *router.Turn, account, other jid.JID) (bool, error)
}

// Service answers them.
type Service struct {
	host    Host
	version []byte // the whole answer
	born    time.Time
}

// New makes the service and registers it with the host. version is the build's; the uptime counts from here.
func New(h Host, version string) *Service {
	b := append([]byte(nil), "<query xmlns='"+NSVersion+"'><name>Longwire</name><version>"...)
	b = markup.AppendEscaped(b, version)
	s := &Service{host: h, version: append(b, "</version></query>"...), born: time.Now()}

	h.HandleIQ(NSPing, "ping", "get", local.ForServer|local.ForAccount, s.ping)
	h.HandleIQ(NSVersion, "query", "get", local.ForServer, s.tellVersion)
	h.HandleIQ(NSTime, "time", "get", local.ForServer, s.tellTime)
	h.HandleIQ(NSLast, "query", "get", local.ForServer, s.uptime)
	h.HandleIQ(NSLast, "query", "get", local.ForAccount, s.lastSeen)
	h.Feature(local.ForServer, NSPing, NSVersion, NSTime, NSLast)
	h.Feature(local.ForAccount, NSPing)
	return s
}

// ping answers the server's clients and peers, and an account's own clients (XEP-0199 §4.1, §4.3).
func (s *Service) ping(q *local.Request) error {
	if !q.Account.IsZero() && !q.Own {
		return stanza.Fail(stanza.ServiceUnavailable, "")
	}
	q.Reply(nil)
	return nil
}

// tellVersion keeps the operating system to itself, as XEP-0092 §3 allows.
func (s *Service) tellVersion(q *local.Request) error {
	q.Reply(s.version)
	return nil
}

// tellTime gives no zone but UTC: where a kit stands is nobody's business.
func (s *Service) tellTime(q *local.Request) error {
	b := append([]byte(nil), "<time xmlns='"+NSTime+"'><tzo>+00:00</tzo><utc>"...)
	b = time.Now().UTC().AppendFormat(b, "2006-01-02T15:04:05Z") // XEP-0202 §3, XEP-0082 §3.2
	q.Reply(append(b, "</utc></time>"...))
	return nil
}

func (s *Service) uptime(q *local.Request) error {
	q.Reply(last(time.Since(s.born), ""))
	return nil
}

// lastSeen tells those who may see the account's presence when its last session ended. XEP-0012 §3.
func (s *Service) lastSeen(q *local.Request) error {
	if !q.Own {
		ok, err := s.host.Trusted(q.Turn, q.Account, q.Stanza.From)
		if err != nil {
			return err
		}
		if !ok {
			return stanza.Fail(stanza.Forbidden, "")
		}
	}
	for _, r := range s.host.Resources(q.Account) {
		if r.Available() {
			q.Reply(last(0, "")) // XEP-0012 §3: an available resource makes it 0, without text
			return nil
		}
	}
	var a store.Account
	err := s.host.Read(q.Turn, func(tx *store.Tx) (err error) {
		a, err = tx.Account(q.Account.String())
		return err
	})
	if errors.Is(err, store.ErrNotFound) {
		return stanza.Fail(stanza.ServiceUnavailable, "")
	}
	if err != nil {
		return fmt.Errorf("vitals: reading the account %s: %w", q.Account, err)
	}
	since := a.LastSeen
	if since.IsZero() {
		since = a.Created // Choice: who never logged in is away since the account was made
	}
	q.Reply(last(time.Since(since), a.LastStatus))
	return nil
}

func last(d time.Duration, status string) []byte {
	b := append([]byte(nil), "<query xmlns='"+NSLast+"' seconds='"...)
	b = strconv.AppendInt(b, max(0, int64(d/time.Second)), 10) // a clock that was set back must not make it negative
	if status == "" {
		return append(b, "'/>"...)
	}
	b = append(b, "'>"...)
	b = markup.AppendEscaped(b, status)
	return append(b, "</query>"...)
}
