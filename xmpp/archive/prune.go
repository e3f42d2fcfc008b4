package archive

import (
	"context"
	"errors"
	"fmt"
	"time"

	"longwire/store"
	"longwire/xmpp/jid"
)

// How Run works: a look at all archives now and then, and small steps with pauses where something has to go, so that
// messages never wait long for it.
const (
	pruneEvery = time.Hour
	pruneFirst = time.Minute // after the start, when the node has other things to do
	pruneStep  = 64
	pruneRest  = 100 * time.Millisecond
)

// Run removes what is older than the limits allow, or too much since they were changed, from the archives of accounts and
// rooms, and what is left of deleted ones. It returns when ctx ends. Where nothing has to go it writes nothing.
func (s *Service) Run(ctx context.Context) error {
	next := time.NewTimer(pruneFirst)
	defer next.Stop()
	s.Flush() // what was logged before the node was last stopped
	for {
		select {
		case <-ctx.Done():
			s.Flush()
			return nil
		case <-s.changed:
		case <-next.C:
		}
		if err := s.Prune(ctx); err != nil && !errors.Is(err, store.ErrClosed) {
			s.log.Debug("archives not pruned", "err", err)
		}
		next.Reset(pruneEvery)
	}
}

// Prune is one round of Run.
func (s *Service) Prune(ctx context.Context) error {
	var names []string
	err := s.db.View(func(tx *store.Tx) error {
		return tx.Archives(func(name string) error { names = append(names, name); return nil })
	})
	if err != nil {
		return fmt.Errorf("archive: looking for archives: %w", err)
	}
	for _, name := range names {
		if err := s.steps(ctx, func(tx *store.Tx) (int, error) { return s.pruneOne(tx, name) }); err != nil {
			return err
		}
	}
	return s.steps(ctx, func(tx *store.Tx) (int, error) { return tx.ArchiveSweep(pruneStep) })
}

// steps runs step until it finds nothing more to do.
func (s *Service) steps(ctx context.Context, step func(*store.Tx) (int, error)) error {
	for {
		if err := ctx.Err(); err != nil {
			return nil
		}
		n := 0
		err := s.db.Update(func(tx *store.Tx) (err error) {
			n, err = step(tx)
			return err
		})
		if err != nil {
			return fmt.Errorf("archive: pruning: %w", err)
		}
		if n < pruneStep {
			return nil
		}
		select {
		case <-ctx.Done():
		case <-time.After(pruneRest):
		}
	}
}

func (s *Service) pruneOne(tx *store.Tx, name string) (int, error) {
	lim, orphan, err := s.limits(tx, name)
	if err != nil {
		return 0, err
	}
	if orphan {
		return 0, tx.DeleteArchive(name)
	}
	return tx.ArchivePrune(name, lim, time.Now(), pruneStep)
}

// limits are those of an account's archive or a room's. One of an account that is gone is an orphan: a program that knew no
// archives has deleted it. What is not on an account's domain is a room's.
func (s *Service) limits(tx *store.Tx, name string) (lim store.ArchiveLimits, orphan bool, err error) {
	o := s.opt.Load()
	account, err := tx.AccountExists(name)
	if err != nil || account {
		return o.Accounts, false, err
	}
	if j, err := jid.Parse(name); err == nil && s.host.Local(j.Domain()) {
		return o.Accounts, true, nil
	}
	return o.Rooms, false, nil
}
