package custody

import (
	"errors"
	"fmt"
	"time"

	"longwire/store"
)

// MaxInFlight bounds the stanzas between Inbound and their commit.
const MaxInFlight = 256

// ErrStale means that the numbering changed under a stanza that was under way; it is not taken.
var ErrStale = errors.New("custody: stanza of an earlier numbering")

// Mark is what Inbound commits with stanza n of the stream called id. The numbers must come without a gap: when one could not be committed,
// neither can those behind it, so that the peer sends them all again.
func (b *Book) Mark(tx *store.Tx, id string, n uint32) error {
	c, err := tx.Custody(b.key)
	if err != nil {
		return err
	}
	if c.InID != id || c.Mark+1 != n {
		return ErrStale
	}
	Advance(&c, n)
	c.Changed = time.Now()
	return tx.PutCustody(b.key, c)
}

// Marked is told of the commit.
func (b *Book) Marked(n uint32, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err == nil {
		b.c.Mark = n
	} else {
		b.broken = true
	}
	select {
	case b.space <- struct{}{}:
	default:
	}
	if b.inFlight--; b.inFlight == 0 && b.idle != nil {
		close(b.idle)
		b.idle = nil
	}
}

// Drain waits until no stanza is between Inbound and its commit.
func (b *Book) Drain() {
	b.mu.Lock()
	if b.inFlight == 0 {
		b.mu.Unlock()
		return
	}
	if b.idle == nil {
		b.idle = make(chan struct{})
	}
	idle := b.idle
	b.mu.Unlock()
	<-idle
}

// Settle stops taking stanzas from all contacts, waits for those under way, and then believes the flash only. A contact is listened to again when its peer has
// announced its stream there.
func (b *Book) Settle() error {
	b.mu.Lock()
	b.epoch++
	b.mu.Unlock()
	b.Drain()
	var c store.Custody
	err := b.db.View(func(tx *store.Tx) (err error) {
		c, err = tx.Custody(b.key)
		return err
	})
	if err != nil {
		return fmt.Errorf("custody: reading the record of %s: %w", b.key, err)
	}
	b.mu.Lock()
	b.c.InID, b.c.Mark, b.taken, b.broken = c.InID, c.Mark, c.Mark, false
	b.mu.Unlock()
	return nil
}

// Mend settles after a stanza could not be committed.
func (b *Book) Mend() error {
	b.mu.Lock()
	broken := b.broken
	b.mu.Unlock()
	if !broken {
		return nil
	}
	return b.Settle()
}

// Taken is the last number that was handed in, by whichever link.
func (b *Book) Taken() uint32 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.taken
}

// Doubt notes that the peer does not know the mark that it was told last, as it sends again what that covers.
func (b *Book) Doubt() {
	b.mu.Lock()
	b.told = b.c.Mark - 1
	b.mu.Unlock()
}

// Epoch is what contacts that are announced now may be listened to in.
func (b *Book) Epoch() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.epoch
}

// Place is where the next stanza of the peer stands.
type Place uint8

const (
	Known Place = iota // taken before
	Next               // the one that is due
	Gap                // one before it is missing
	Stale              // of a stream that was begun anew elsewhere
)

// Admit tells where stanza n stands that came on a contact of that epoch. The next one counts as handed in, as part of the stream id. It waits while too many
// are under way, until quit is closed.
func (b *Book) Admit(epoch int, n uint32, quit <-chan struct{}) (at Place, id string) {
	for {
		b.mu.Lock()
		switch {
		case b.epoch != epoch || b.broken:
			at = Stale
		case int32(n-b.taken) <= 0:
			at = Known
		case n != b.taken+1:
			at = Gap
		case b.inFlight >= MaxInFlight:
			b.mu.Unlock()
			select {
			case <-b.space:
				continue
			case <-quit:
				return Stale, ""
			}
		default:
			at = Next
			b.taken = n
			b.inFlight++
		}
		id = b.c.InID
		b.mu.Unlock()
		return at, id
	}
}
