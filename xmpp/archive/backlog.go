package archive

import (
	"errors"
	"sync"

	"longwire/store"
	"longwire/xmpp/jid"
	"longwire/xmpp/local"
)

// backlog is what the quick way has delivered and the flash has not yet. While one commit is under way the next lot gathers.
// The zero value is ready; mu guards everything.
type backlog struct {
	mu      sync.Mutex
	waiting []local.Kept
	bytes   int
}

// Beyond this, messages go by a transaction of their own, and their senders wait for it.
const (
	maxBacklog      = 2048
	maxBacklogBytes = 2 << 20
)

func (b *backlog) full() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.waiting) >= maxBacklog || b.bytes >= maxBacklogBytes
}

func (b *backlog) add(s *Service, k local.Kept) {
	b.mu.Lock()
	b.waiting = append(b.waiting, k)
	b.bytes += len(k.Stanza.Inner)
	first := len(b.waiting) == 1
	b.mu.Unlock()
	if !first {
		return // those before it have a transaction coming
	}
	var lot []local.Kept
	s.db.Submit(func(tx *store.Tx) error {
		if lot == nil { // else the transaction is tried again
			lot = b.take()
		}
		return s.putAll(tx, lot)
	}, func(err error) {
		if err == nil {
			return
		}
		if lot == nil { // the transaction never began
			lot = b.take()
		}
		if !errors.Is(err, store.ErrClosed) {
			s.log.Debug("messages not archived", "messages", len(lot), "err", err)
		}
	})
}

func (b *backlog) take() []local.Kept {
	b.mu.Lock()
	defer b.mu.Unlock()
	lot := b.waiting
	b.waiting, b.bytes = nil, 0
	return lot
}

// putAll leaves out accounts that were deleted meanwhile.
func (s *Service) putAll(tx *store.Tx, lot []local.Kept) error {
	gone := make(map[jid.JID]bool)
	for _, k := range lot {
		out, known := gone[k.Account]
		if !known {
			ok, err := tx.AccountExists(k.Account.String())
			if err != nil {
				return err
			}
			out = !ok
			gone[k.Account] = out
		}
		if out {
			continue
		}
		if err := s.put(tx, k); err != nil {
			return err
		}
	}
	return nil
}
