package custody

import (
	"fmt"
	"slices"
	"time"

	"longwire/store"
)

// Express is the key of the record of a second numbering beside the one called key, for what does not wait for the stanzas of that.
func Express(key string) string { return key + "/express" }

// was is the key of the record of the numbering before the one of the record called key; links/s5066 keeps it.
func was(key string) string { return key + "/s5066/was" }

// A Ref names a stanza by the number that it had in the express numbering, when another link sends it as that one cannot: the peer may have
// taken it by that, or may still get it.
type Ref struct {
	Name string // of the numbering
	Seq  uint32
}

// beyond is how far behind the mark single numbers are remembered.
const beyond = 64

// taken tells whether a number of the stream of a record was taken.
func taken(c store.Custody, n uint32) bool {
	d := int32(n - c.Mark)
	return d <= 0 || d <= beyond && c.Beyond>>(d-1)&1 == 1
}

// Advance moves the mark of a record on to n, and over what was taken before its turn.
func Advance(c *store.Custody, n uint32) {
	if d := int32(n - c.Mark); d > 0 {
		c.Mark, c.Beyond = n, c.Beyond>>min(d, beyond)
	}
	for c.Beyond&1 == 1 {
		c.Mark++
		c.Beyond >>= 1
	}
}

// Knows tells whether the peer's stanza that ref names was taken under that name.
func (b *Book) Knows(ref Ref) (yes bool, err error) {
	err = b.db.View(func(tx *store.Tx) (err error) {
		yes, _, err = b.takenIn(tx, ref)
		return err
	})
	return yes, err
}

func (b *Book) takenIn(tx *store.Tx, ref Ref) (yes bool, c store.Custody, err error) {
	key := Express(b.key)
	if c, err = tx.Custody(key); err != nil {
		return false, c, fmt.Errorf("custody: reading the record of %s: %w", key, err)
	}
	if c.InID == ref.Name {
		return taken(c, ref.Seq), c, nil
	}
	old, err := tx.Custody(was(key))
	if err != nil {
		return false, c, fmt.Errorf("custody: reading the record of %s: %w", key, err)
	}
	return old.InID == ref.Name && taken(old, ref.Seq), c, nil
}

// MarkOnce is Mark for a stanza that had a number of the express numbering before: that is taken, too, or the stanza is not, with ErrStale. It then comes again, and
// Knows tells.
func (b *Book) MarkOnce(tx *store.Tx, id string, n uint32, ref Ref) error {
	yes, c, err := b.takenIn(tx, ref)
	if err != nil {
		return err
	}
	if yes {
		return ErrStale
	}
	key := Express(b.key)
	switch old, err := tx.Custody(was(key)); {
	case err != nil:
		return err
	case c.InID == ref.Name:
		err = note(tx, key, c, ref.Seq)
		if err != nil {
			return err
		}
	case old.InID == ref.Name:
		if err := note(tx, was(key), old, ref.Seq); err != nil {
			return err
		}
	default:
		// Nothing of that numbering has come yet. It follows the one that is known, as its owner begins no other while what was taken over is not confirmed.
		if c.InID != "" {
			if err := tx.PutCustody(was(key), store.Custody{InID: c.InID, Mark: c.Mark, Beyond: c.Beyond}); err != nil {
				return err
			}
		}
		c.InID, c.Mark, c.Beyond = ref.Name, 0, 0
		if err := note(tx, key, c, ref.Seq); err != nil {
			return err
		}
	}
	return b.Mark(tx, id, n)
}

// note keeps that number n of a record was taken.
func note(tx *store.Tx, key string, c store.Custody, n uint32) error {
	if d := n - c.Mark; d >= 1 && d <= beyond {
		c.Beyond |= 1 << (d - 1)
	}
	Advance(&c, c.Mark)
	c.Changed = time.Now()
	return tx.PutCustody(key, c)
}

// HandOver leaves what the peer has not confirmed of our express numbering to other links, which tell it the numbers that it had, and begins a new one. Under
// Turn.
func (d *Desk) HandOver() error {
	b, err := d.Book(Express(d.peer))
	if err != nil {
		return err
	}
	if c := b.State(); c.Sent == c.Acked {
		return nil
	}
	var handed []uint64
	err = b.Update(func(tx *store.Tx, c *store.Custody) (err error) {
		if c.OutID == "" {
			return nil
		}
		if handed, err = d.queue.TakeOver(tx, c.OutID); err != nil {
			return err
		}
		c.OutID, c.Sent, c.Acked, c.Confirmed = newName(), 0, 0, false
		return nil
	})
	if err != nil {
		return err
	}
	d.handed = append(d.handed, handed...)
	b.Restarted()
	return nil
}

// Handed tells whether something that the express lane has left to other links is not confirmed yet. So long it must not be used: the peer is to know at most
// one numbering that was left. Under Turn.
func (d *Desk) Handed() (bool, error) {
	if !d.listed && d.queue.Stats().Entries > 0 {
		all, err := d.queue.List()
		if err != nil {
			return true, fmt.Errorf("custody: reading the queue of %s: %w", d.peer, err)
		}
		for _, e := range all {
			if e.Was != "" {
				d.handed = append(d.handed, e.ID)
			}
		}
	}
	d.listed = true
	if len(d.handed) == 0 {
		return false, nil
	}
	err := d.db.View(func(tx *store.Tx) error {
		d.handed = d.queue.There(tx, d.handed)
		return nil
	})
	return len(d.handed) > 0, err
}

// Behind leaves out of entries what has to wait until something of its sender and recipient is confirmed on the express lane, for links that cannot say
// so to the peer.
func (d *Desk) Behind(entries []store.Entry) ([]store.Entry, error) {
	b, err := d.Book(Express(d.peer))
	if err != nil {
		return nil, err
	}
	c := b.State()
	if c.Sent == c.Acked || len(entries) == 0 {
		return entries, nil
	}
	sent, err := d.queue.Unconfirmed(c.OutID)
	if err != nil {
		return nil, fmt.Errorf("custody: reading what %s has not confirmed: %w", d.peer, err)
	}
	waits := map[[2]string]bool{}
	for _, e := range sent {
		waits[[2]string{e.From, e.To}] = true
	}
	return slices.DeleteFunc(entries, func(e store.Entry) bool { return waits[[2]string{e.From, e.To}] }), nil
}
