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
	failing time.Time // when commits began to fail; zero: the last one did not
}

// Choice: a power cut may take what was archived in the last moment, of messages that their recipients have. Beyond
// maxBacklog, messages go by a transaction of their own, and their senders wait for it.
const (
	gatherFor       = 250 * time.Millisecond
	gatherMost      = 256
	maxBacklog      = 8192
	maxBacklogBytes = 4 << 20
)

// What could not be committed is tried again for a while; then it is let go, as it may be what makes the commit fail.
const (
	retryAfter  = time.Second
	giveUpAfter = time.Minute
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

// committed notes how a commit went, and tells whether they have failed for too long.
func (b *backlog) committed(err error) (tooLong bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case err == nil:
		b.failing = time.Time{}
	case b.failing.IsZero():
		b.failing = time.Now()
	}
	return err != nil && time.Since(b.failing) >= giveUpAfter
}

// keepSoon archives a message before long.
func (s *Service) keepSoon(k local.Kept) {
	if s.later.add(k)%gatherMost == 0 {
		s.Flush()
		return
	}
	s.flushIn(gatherFor)
}

// flushIn calls Flush in a while, unless that will be called anyway.
func (s *Service) flushIn(d time.Duration) {
	if s.coming.CompareAndSwap(false, true) {
		time.AfterFunc(d, func() {
			s.coming.Store(false)
			s.Flush()
		})
	}
}

// settleMost is how much of what was logged one transaction settles.
const settleMost = 512

// Flush submits what waits to the store, and brings what was logged to its place. Call it before the store is closed.
func (s *Service) Flush() {
	settled := 0
	s.submit(func(tx *store.Tx) (err error) {
		settled, err = s.settle(tx, settleMost)
		return err
	}, func(err error) {
		if errors.Is(err, store.ErrClosed) || errors.Is(err, store.ErrReadOnly) {
			return
		}
		tooLong := s.later.committed(err)
		switch {
		case err == nil && settled == settleMost:
			s.Flush() // there may be more
		case tooLong:
			s.log.Warn("messages not archived", "messages", len(s.later.take()), "err", err)
			_ = s.later.committed(nil)
		case err != nil:
			s.flushIn(retryAfter)
		}
	})
}

// settle archives what waits, and at most so many of what was logged. What the transaction takes back waits on.
func (s *Service) settle(tx *store.Tx, most int) (settled int, err error) {
	if lot := s.later.take(); len(lot) > 0 {
		tx.OnUndo(func() {
			s.later.giveBack(lot)
			s.flushIn(retryAfter)
		})
		if err := s.putAll(tx, lot); err != nil {
			return 0, err
		}
	}
	settled, err = tx.ArchiveSettle(s.opt.Load().Accounts, most)
	if errors.Is(err, store.ErrFull) {
		return settled, nil // it stays in the log
	}
	return settled, err
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
