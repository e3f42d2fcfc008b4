package store

import (
	"errors"
	"fmt"
	"time"
)

// PubsubNode is one node of an account's personal eventing (XEP-0163).
type PubsubNode struct {
	Node    string
	Created time.Time
	Config  PubsubConfig
	Items   int   // kept by the store
	Bytes   int64 // of the items' payloads; kept by the store
}

// PubsubConfig is what an owner can choose for a node (XEP-0060 §16.4.4).
type PubsubConfig struct {
	Access   string   // "presence", "open", "roster", "whitelist"
	Groups   []string // who may read, with access "roster"
	SendLast string   // "never", "on_sub", "on_sub_and_presence"
	MaxItems int      // 0: as many as the service lets
	MaxBytes int      // of one payload; 0: as many as the service lets

	Transient     bool // items are told of, not kept
	Silent        bool // nobody is told
	NoPayload     bool // who is told gets the item's id only
	NotifyRetract bool
	NotifyDelete  bool
	NotifyConfig  bool
	Normal        bool // notifications are of type normal, else headline

	Title, Description, Type string
}

// PubsubItem is one item of a node.
type PubsubItem struct {
	ID        string
	Publisher string // full JID; "": the node itself
	Published time.Time
	Payload   []byte // one element that stands alone; nil: none
}

// PubsubStats is what an account's nodes hold together.
type PubsubStats struct {
	Nodes, Items int
	Bytes        int64
}

// Parts of the keys of bucketPubsub.
const (
	pubsubMeta   = "m"
	pubsubNodes  = "n"
	pubsubItems  = "i"
	pubsubIDs    = "d"
	pubsubOthers = "s"
)

// PubsubNode is the account's node of that name; ErrNotFound.
func (tx *Tx) PubsubNode(account, node string) (PubsubNode, error) {
	rec, err := load[pubsubNodeRecord](tx, bucketPubsub, append(prefix(account, pubsubNodes), node...))
	return rec.node(node), err
}

// PutPubsubNode adds the node or changes its configuration; Items and Bytes of n do not count.
func (tx *Tx) PutPubsubNode(account string, n PubsubNode) error {
	if err := checkNames(account, n.Node); err != nil {
		return err
	}
	old, err := tx.PubsubNode(account, n.Node)
	if errors.Is(err, ErrNotFound) {
		if err := tx.room(); err != nil {
			return err
		}
		err = tx.countPubsub(account, func(r *pubsubRecord) { r.Nodes++ })
	}
	if err != nil {
		return err
	}
	n.Items, n.Bytes = old.Items, old.Bytes
	return tx.putPubsubNode(account, n)
}

func (tx *Tx) putPubsubNode(account string, n PubsubNode) error {
	return tx.putRecord(bucketPubsub, append(prefix(account, pubsubNodes), n.Node...), pubsubNodeRecordOf(n))
}

// DeletePubsubNode deletes the node with its items and subscribers; ErrNotFound.
func (tx *Tx) DeletePubsubNode(account, node string) error {
	if err := tx.PurgePubsubNode(account, node); err != nil {
		return err
	}
	if err := tx.deleteAll(bucketPubsub, prefix(account, pubsubOthers, node)); err != nil {
		return err
	}
	if err := tx.delete(bucketPubsub, append(prefix(account, pubsubNodes), node...)); err != nil {
		return err
	}
	return tx.countPubsub(account, func(r *pubsubRecord) { r.Nodes-- })
}

// PurgePubsubNode deletes the node's items; ErrNotFound when there is no such node.
func (tx *Tx) PurgePubsubNode(account, node string) error {
	n, err := tx.PubsubNode(account, node)
	if err != nil {
		return err
	}
	for _, part := range []string{pubsubItems, pubsubIDs} {
		if err := tx.deleteAll(bucketPubsub, prefix(account, part, node)); err != nil {
			return err
		}
	}
	return tx.growPubsub(account, n, -n.Items, -n.Bytes)
}

// PubsubNodes calls fn for each node of the account, ordered by name.
func (tx *Tx) PubsubNodes(account string, fn func(PubsubNode) error) error {
	p := prefix(account, pubsubNodes)
	return eachRecord(tx, bucketPubsub, p, p, func(k []byte, rec pubsubNodeRecord) error {
		return fn(rec.node(string(k[len(p):])))
	})
}

// PubsubStats counts what the account's nodes hold.
func (tx *Tx) PubsubStats(account string) (PubsubStats, error) {
	r, err := tx.pubsub(account)
	return PubsubStats{r.Nodes, r.Items, r.Bytes}, err
}

// PubsubItem is one item of a node; ErrNotFound.
func (tx *Tx) PubsubItem(account, node, id string) (PubsubItem, error) {
	n := tx.get(bucketPubsub, append(prefix(account, pubsubIDs, node), id...))
	if len(n) != 8 {
		return PubsubItem{}, fmt.Errorf("store: item %.100q of %.100q of %s: %w", id, node, account, ErrNotFound)
	}
	rec, err := load[pubsubItemRecord](tx, bucketPubsub, key64(prefix(account, pubsubItems, node), tail64(n)))
	return rec.item(), err
}

// PubsubItems calls fn for the items of a node, oldest first, or newest first when backward; fn ends it with more = false.
// In an Update it must not change the node.
func (tx *Tx) PubsubItems(account, node string, backward bool, fn func(PubsubItem) (more bool, err error)) error {
	p := prefix(account, pubsubItems, node)
	visit := func(k, v []byte) error {
		rec, err := read[pubsubItemRecord](bucketPubsub, k, v)
		if errors.Is(err, ErrCorrupt) {
			tx.db.noteDamage(err) // see eachRecord
			return nil
		}
		if err != nil {
			return err
		}
		if more, err := fn(rec.item()); err != nil || more {
			return err
		}
		return errStop
	}
	if backward {
		return tx.scanBack(bucketPubsub, p, visit)
	}
	return tx.scan(bucketPubsub, p, p, visit)
}

// PutPubsubItem makes the item the newest of its node, in place of one with its id; ErrNotFound when there is no such node.
func (tx *Tx) PutPubsubItem(account, node string, it PubsubItem) error {
	if err := checkNames(account, node, it.ID); err != nil {
		return err
	}
	if err := tx.room(); err != nil {
		return err
	}
	if err := tx.DeletePubsubItem(account, node, it.ID); err != nil && !errors.Is(err, ErrNotFound) {
		return err
	}
	n, err := tx.PubsubNode(account, node)
	if err != nil {
		return err
	}
	var number uint64
	err = tx.countPubsub(account, func(r *pubsubRecord) {
		r.Last++
		number = r.Last
	})
	if err != nil {
		return err
	}
	rec := pubsubItemRecord{v1, it.ID, it.Publisher, nanos(it.Published), it.Payload}
	if err := tx.putRecord(bucketPubsub, key64(prefix(account, pubsubItems, node), number), rec); err != nil {
		return err
	}
	if err := tx.put(bucketPubsub, append(prefix(account, pubsubIDs, node), it.ID...), be64(number)); err != nil {
		return err
	}
	return tx.growPubsub(account, n, 1, int64(len(it.Payload)))
}

// DeletePubsubItem deletes one item; ErrNotFound.
func (tx *Tx) DeletePubsubItem(account, node, id string) error {
	it, err := tx.PubsubItem(account, node, id)
	if err != nil {
		return err
	}
	n, err := tx.PubsubNode(account, node)
	if err != nil {
		return err
	}
	key := append(prefix(account, pubsubIDs, node), id...)
	number := tail64(tx.get(bucketPubsub, key))
	if err := tx.delete(bucketPubsub, key64(prefix(account, pubsubItems, node), number)); err != nil {
		return err
	}
	if err := tx.delete(bucketPubsub, key); err != nil {
		return err
	}
	return tx.growPubsub(account, n, -1, -int64(len(it.Payload)))
}

// PutPubsubSubscriber notes that jid, bare or full, has subscribed to the node.
func (tx *Tx) PutPubsubSubscriber(account, node, jid string, since time.Time) error {
	if err := checkNames(account, node, jid); err != nil {
		return err
	}
	if err := tx.room(); err != nil {
		return err
	}
	key := append(prefix(account, pubsubOthers, node), jid...)
	return tx.putRecord(bucketPubsub, key, pubsubSubRecord{v1, nanos(since)})
}

// DeletePubsubSubscriber forgets a subscriber; ErrNotFound.
func (tx *Tx) DeletePubsubSubscriber(account, node, jid string) error {
	key := append(prefix(account, pubsubOthers, node), jid...)
	if tx.get(bucketPubsub, key) == nil {
		return fmt.Errorf("store: subscriber %.100q of %.100q of %s: %w", jid, node, account, ErrNotFound)
	}
	return tx.delete(bucketPubsub, key)
}

// PubsubSubscribers lists who has subscribed to the node, ordered by JID.
func (tx *Tx) PubsubSubscribers(account, node string) (jids []string, err error) {
	p := prefix(account, pubsubOthers, node)
	err = tx.scan(bucketPubsub, p, p, func(k, _ []byte) error {
		jids = append(jids, string(k[len(p):]))
		return nil
	})
	return jids, err
}

func (tx *Tx) pubsub(account string) (pubsubRecord, error) {
	return loadOrNew(tx, bucketPubsub, prefix(account, pubsubMeta), pubsubRecord{head: v1})
}

// countPubsub changes the account's counters.
func (tx *Tx) countPubsub(account string, change func(*pubsubRecord)) error {
	r, err := tx.pubsub(account)
	if errors.Is(err, ErrCorrupt) {
		r, err = pubsubRecord{head: v1, Last: 1 << 40}, nil // the counters are bounds only, and numbers need to rise only
	}
	if err != nil {
		return err
	}
	change(&r)
	return tx.putRecord(bucketPubsub, prefix(account, pubsubMeta), r)
}

// growPubsub adds to the counters of a node and of its account.
func (tx *Tx) growPubsub(account string, n PubsubNode, items int, bytes int64) error {
	n.Items += items
	n.Bytes += bytes
	if err := tx.putPubsubNode(account, n); err != nil {
		return err
	}
	return tx.countPubsub(account, func(r *pubsubRecord) {
		r.Items += items
		r.Bytes += bytes
	})
}

// scanBack is scan from the last key with the prefix to the first.
func (tx *Tx) scanBack(b bucketID, prefix []byte, fn func(k, v []byte) error) error {
	bucket := tx.bucket(b)
	if bucket == nil {
		return nil
	}
	tx.inside = true
	c := bucket.Cursor()
	var v []byte
	k, _ := c.Seek(append(prefix[:len(prefix):len(prefix)], 0xff))
	if k == nil {
		k, v = c.Last()
	} else {
		k, v = c.Prev()
	}
	for k != nil && len(k) >= len(prefix) && string(k[:len(prefix)]) == string(prefix) {
		tx.inside = false
		if err := fn(k, v); err != nil {
			if err == errStop {
				return nil
			}
			return err
		}
		tx.inside = true
		k, v = c.Prev()
	}
	tx.inside = false
	return nil
}
