package archive

import (
	"errors"
	"sync"
	"time"

	"longwire/store"
	"longwire/xmpp/jid"
	"longwire/xmpp/local"
)

// backlog is what the quick way has delivered and the flash has not yet. It gathers for a moment, so that talk costs a few
// commits a second and not one for each message. The zero value is ready; mu guards everything.
type backlog struct {
	mu      sync.Mutex
	waiting []local.Kept
	bytes   int
}

// Choice: a power cut may take what was archived in the last moment, of messages that their recipients have. Beyond
// maxBacklog, messages go by a transaction of their own, and their senders wait for it.
const (
	gatherFor       = 250 * time.Millisecond
	gatherMost      = 256
	maxBacklog      = 8192
	maxBacklogBytes = 4 << 20
)

func (b *backlog) full() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.waiting) >= maxBacklog || b.bytes >= maxBacklogBytes
}

// add puts one in and tells how many there are.
func (b *backlog) add(k local.Kept) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.waiting = append(b.waiting, k)
	b.bytes += len(k.Stanza.Inner)
	return len(b.waiting)
}

func (b *backlog) take() []local.Kept {
	b.mu.Lock()
	defer b.mu.Unlock()
	lot := b.waiting
	b.waiting, b.bytes = nil, 0
	return lot
}

// giveBack puts a lot before what came since.
func (b *backlog) giveBack(lot []local.Kept) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.waiting = append(lot, b.waiting...)
	for _, k := range lot {
		b.bytes += len(k.Stanza.Inner)
	}
}

// keepSoon archives a message before long.
func (s *Service) keepSoon(k local.Kept) {
	switch n := s.later.add(k); {
	case n == 1:
		time.AfterFunc(gatherFor, s.Flush)
	case n%gatherMost == 0:
		s.Flush()
	}
}

// settleMost is how much of what was logged one transaction settles.
const settleMost = 512

// Flush submits what waits to the store, and brings what was logged to its place. Call it before the store is closed.
func (s *Service) Flush() {
	var lot []local.Kept
	settled := 0
	s.db.Submit(func(tx *store.Tx) (err error) {
		if lot == nil { // else the transaction is tried again
			lot = s.later.take()
		}
		if err := s.putAll(tx, lot); err != nil {
			return err
		}
		settled, err = tx.ArchiveSettle(s.opt.Load().Accounts, settleMost)
		if errors.Is(err, store.ErrFull) {
			return nil // it stays in the log
		}
		return err
	}, func(err error) {
		if err == nil {
			if settled == settleMost {
				s.Flush() // there may be more
			}
			return
		}
		if lot == nil { // the transaction never began
			lot = s.later.take()
		}
		if len(lot) > 0 && !errors.Is(err, store.ErrClosed) {
			s.log.Debug("messages not archived", "messages", len(lot), "err", err)
		}
	})
}

// settle archives what waits in a transaction that is under way.
func (s *Service) settle(tx *store.Tx) error {
	if lot := s.later.take(); len(lot) > 0 {
		tx.OnUndo(func() { s.later.giveBack(lot) })
		if err := s.putAll(tx, lot); err != nil {
			return err
		}
	}
	_, err := tx.ArchiveSettle(s.opt.Load().Accounts, maxBacklog)
	if errors.Is(err, store.ErrFull) {
		return nil
	}
	return err
}

// putAll puts a lot away, archive by archive. It leaves out accounts that were deleted meanwhile.
func (s *Service) putAll(tx *store.Tx, lot []local.Kept) error {
	var accounts []jid.JID
	of := make(map[jid.JID][]local.Kept)
	for _, k := range lot {
		if of[k.Account] == nil {
			accounts = append(accounts, k.Account)
		}
		of[k.Account] = append(of[k.Account], k)
	}
	for _, account := range accounts {
		ok, err := tx.AccountExists(account.String())
		if err == nil && ok {
			err = s.put(tx, account, of[account]...)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
