package muc

import (
	"errors"
	"log/slog"

	"longwire/store"
	"longwire/xmpp/jid"
	"longwire/xmpp/router"
)

// submit runs f as a Turn of its own; failed, unless it is nil, when that comes to nothing. It may be called from After.
func (s *Service) submit(what string, f func(*router.Turn) error, failed func()) {
	t := new(router.Turn)
	s.host.DB().Submit(func(tx *store.Tx) error {
		t.Reset(tx)
		return f(t)
	}, func(err error) {
		switch {
		case err == nil:
			t.Done()
			return
		case errors.Is(err, store.ErrClosed), errors.Is(err, store.ErrReadOnly):
			return // nothing is tried again; and this may be the caller's goroutine, with its locks
		}
		slog.Warn("muc: "+what, "err", err)
		if failed != nil {
			failed()
		}
	})
}

// run runs f as a Turn of its own and waits for it.
func (s *Service) run(f func(*router.Turn) error) error {
	t, done := new(router.Turn), make(chan error, 1)
	s.host.DB().Submit(func(tx *store.Tx) error {
		t.Reset(tx)
		return f(t)
	}, func(err error) {
		if err == nil {
			t.Done()
		}
		done <- err
	})
	return <-done
}

// count keeps how many rooms a user's clients are in; ops only.
func (s *Service) count(t *router.Turn, bare jid.JID, n int) {
	s.add(bare, n)
	t.Tx.OnUndo(func() { s.add(bare, -n) })
}

func (s *Service) add(bare jid.JID, n int) {
	if s.in[bare] += n; s.in[bare] == 0 {
		delete(s.in, bare)
	}
}
