package archive

import (
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"longwire/store"
	"longwire/xmpp/jid"
	"longwire/xmpp/local"
	"longwire/xmpp/router"
	"longwire/xmpp/stanza"
)

// Host is what the service asks of the local domains' Sink.
type Host interface {
	HandleIQ(space, local, types string, scope local.Scope, f local.IQHandler)
	Feature(scope local.Scope, features ...string)
	Read(t *router.Turn, f func(*store.Tx) error) error
	Local(domain string) bool
	DB() *store.DB
}

// Options of the service; the zero value bounds nothing.
type Options struct {
	Accounts store.ArchiveLimits // of each account's archive
	Rooms    store.ArchiveLimits // of each room's, for Run; rooms put their entries themselves
	Off      bool                // nothing is added to accounts' archives; what is there stays
	Log      *slog.Logger        // nil: slog.Default
}

// Service keeps the conversations of accounts, answers for their archives, and keeps all archives within their limits
// (Run). It is the Host's Archiver.
type Service struct {
	host    Host
	db      *store.DB
	log     *slog.Logger
	opt     atomic.Pointer[Options]
	changed chan struct{} // the options are new: Run looks at once
	prefs   cache
	later   backlog
	submit  func(op func(*store.Tx) error, done func(error)) // the store's

	coming atomic.Bool // a Flush will be called
}

var _ local.Archiver = (*Service)(nil)

// New makes the service and registers it with the host, which is to be told by UseArchiver.
func New(h Host, o Options) *Service {
	s := &Service{host: h, db: h.DB(), submit: h.DB().Submit, log: o.Log, changed: make(chan struct{}, 1)}
	if s.log == nil {
		s.log = slog.Default()
	}
	s.SetOptions(o)
	h.HandleIQ(NS, "query", "get set", local.ForAccount, s.ask)
	h.HandleIQ(NS, "metadata", "get", local.ForAccount, s.ask)
	h.HandleIQ(NS, "prefs", "get", local.ForAccount, s.getPrefs)
	h.HandleIQ(NS, "prefs", "set", local.ForAccount, s.setPrefs)
	// XEP-0313, Determining support: on the address that has the archive.
	h.Feature(local.ForAccount, NS, NSExtended, NSGroupchat, NSStanzaID)
	// Peer: profanity (to 0.13 at least) looks for it on the server only.
	h.Feature(local.ForServer, NS)
	return s
}

// SetOptions changes the limits.
func (s *Service) SetOptions(o Options) {
	s.opt.Store(&o)
	select {
	case s.changed <- struct{}{}:
	default:
	}
}

// own refuses whoever is not a client of the account.
func (s *Service) own(q *local.Request) error {
	switch {
	case q.Own && q.Resource != nil:
		return nil
	case !s.host.Local(q.Stanza.From.Domain()):
		// An archive is read on this side of the link.
		return stanza.Fail(stanza.ServiceUnavailable, "")
	}
	return stanza.Fail(stanza.Forbidden, "") // XEP-0313, Data privacy
}

// ask answers for the account's archive. It needs a transaction so as to come behind what is being kept just now, and
// takes along what waits to be: an id that the client has is in the archive then.
func (s *Service) ask(q *local.Request) error {
	if err := s.own(q); err != nil {
		return err
	}
	if err := q.Turn.NeedTx(); err != nil {
		return err
	}
	if _, err := s.settle(q.Turn.Tx, maxBacklog); err != nil {
		return err
	}
	src := Source{Name: q.Account}
	results, inner, err := src.Answer(q.Turn.Tx, q.Stanza)
	if err != nil {
		return err
	}
	q.Turn.After(func() {
		for _, r := range results {
			q.Resource.Send(r)
		}
	})
	q.Reply(inner)
	return nil
}

// StanzaID is the element for a number that Number gave.
func (s *Service) StanzaID(account jid.JID, number uint64) []byte { return StanzaID(account, number) }

// Stripped takes out what others pose as the account's ids.
func (s *Service) Stripped(account jid.JID, st *stanza.Stanza) *stanza.Stanza {
	if !st.Has(NSStanzaID, "stanza-id") {
		return st
	}
	return WithoutStanzaID(st, account)
}

// Number decides whether a message is kept, and under which number.
func (s *Service) Number(t *router.Turn, account, other jid.JID, st *stanza.Stanza) (uint64, error) {
	if s.opt.Load().Off || !Worth(account, st) {
		return 0, nil
	}
	if t.Tx == nil && s.later.full() {
		return 0, router.ErrNeedTx // the flash is behind: this one waits its turn
	}
	wanted, err := s.wants(t, account, other)
	if err != nil || !wanted {
		return 0, err
	}
	if id, ok := twin(t, account, st); ok {
		return id, nil
	}
	return s.db.ArchiveID(), nil
}

// Keep puts a message into the archive of its account: with a transaction it is safe in the log once that is committed.
func (s *Service) Keep(tx *store.Tx, k local.Kept) error {
	if tx == nil {
		s.keepSoon(k)
		return nil
	}
	e := entry(k)
	if e.Key != ([16]byte{}) {
		return s.put(tx, k.Account, k) // where its twin will be looked for
	}
	err := tx.ArchiveLog(k.Account.String(), e)
	if errors.Is(err, store.ErrFull) {
		s.log.Debug("message not archived", "account", k.Account, "err", err)
		return nil
	}
	s.flushIn(gatherFor)
	return err
}

// put does without what the flash has no room for: the message itself goes its way. So it does with a twin that is there.
func (s *Service) put(tx *store.Tx, account jid.JID, ks ...local.Kept) error {
	var few [1]store.ArchiveEntry
	all := few[:0]
	for _, k := range ks {
		all = append(all, entry(k))
	}
	_, err := tx.ArchivePutAll(account.String(), all, s.opt.Load().Accounts)
	if errors.Is(err, store.ErrFull) || errors.Is(err, store.ErrCorrupt) || errors.Is(err, store.ErrNewer) {
		s.log.Debug("messages not archived", "account", account, "messages", len(ks), "err", err)
		return nil
	}
	return err
}

func entry(k local.Kept) store.ArchiveEntry {
	e := store.ArchiveEntry{ID: k.Number, With: k.Other.String(), StanzaID: k.Stanza.ID, Stanza: k.Stanza.Bytes(), Key: twinKey(k.Account, k.Stanza)}
	if now := time.Now(); time.Unix(0, int64(k.Number)).Sub(now) > maxLead {
		e.Stamp = now // the clock was set back, and the ids go on above those before
	}
	return e
}

// maxLead is how far ahead of the clock an id's time may be to count as the message's time.
const maxLead = time.Second
