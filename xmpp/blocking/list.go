package blocking

import (
	"fmt"
	"sync"

	"longwire/store"
	"longwire/xmpp/jid"
	"longwire/xmpp/router"
)

// A list is whom one account blocks.
type list map[jid.JID]struct{}

// has matches an address in the order of XEP-0191 §2: the very address (user@domain/resource, or domain/resource), the
// bare JID, the domain.
func (l list) has(j jid.JID) bool {
	if len(l) == 0 {
		return false
	}
	if _, ok := l[j]; ok {
		return true
	}
	if _, ok := l[j.Bare()]; ok {
		return true
	}
	_, ok := l[j.DomainJID()]
	return ok
}

// Blocked tells whether account has blocked other. Nobody is blocked by their own account. It reads the store only for
// accounts that were not asked about lately.
func (s *Service) Blocked(t *router.Turn, account, other jid.JID) (bool, error) {
	account = account.Bare()
	if other.IsZero() || other.Bare() == account {
		return false, nil
	}
	l, err := s.read(t, account)
	return l.has(other), err
}

// read returns the account's list, which must not be changed.
func (s *Service) read(t *router.Turn, account jid.JID) (list, error) {
	l, stamp, ok := s.cache.get(account)
	if ok {
		return l, nil
	}
	return s.readStore(t, account, stamp)
}

func (s *Service) readStore(t *router.Turn, account jid.JID, stamp uint64) (l list, err error) {
	err = s.host.Read(t, func(tx *store.Tx) (err error) {
		l, err = load(tx, account)
		return err
	})
	if err != nil {
		return nil, err
	}
	if t.Tx == nil {
		s.cache.put(account, l, stamp)
	} else {
		// What a transaction sees is true once it is committed.
		t.After(func() { s.cache.put(account, l, stamp) })
	}
	return l, nil
}

// listed is the value behind a blocked address; only the name matters.
var listed = []byte{1}

func load(tx *store.Tx, account jid.JID) (list, error) {
	l := make(list)
	err := tx.Blobs(account.String(), store.BlobBlock, func(name string, _ []byte) error {
		if j, err := jid.Parse(name); err == nil {
			l[j] = struct{}{}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("blocking: reading the list of %s: %w", account, err)
	}
	return l, nil
}

func keep(tx *store.Tx, account jid.JID, before, after list) error {
	put := func(j jid.JID, v []byte) error {
		if err := tx.PutBlob(account.String(), store.BlobBlock, j.String(), v); err != nil {
			return fmt.Errorf("blocking: changing the list of %s: %w", account, err)
		}
		return nil
	}
	for j := range after {
		if _, ok := before[j]; !ok {
			if err := put(j, listed); err != nil {
				return err
			}
		}
	}
	for j := range before {
		if _, ok := after[j]; !ok {
			if err := put(j, nil); err != nil {
				return err
			}
		}
	}
	return nil
}

// maxWeight bounds the cache: one for each account in it, and one for each address they block.
const maxWeight = 50_000

// cache remembers lists, empty ones too. The zero value is ready; mu guards everything.
//
// A list is put in with the stamp of the moment before it was read, and not at all when any list has been forgotten
// since: so a reader that was overtaken by a change leaves nothing stale behind.
type cache struct {
	mu     sync.RWMutex
	lists  map[jid.JID]list
	weight int
	stamp  uint64
}

func (c *cache) get(account jid.JID) (l list, stamp uint64, ok bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	l, ok = c.lists[account]
	return l, c.stamp, ok
}

func (c *cache) put(account jid.JID, l list, stamp uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.lists[account]; ok || stamp != c.stamp {
		return
	}
	if c.lists == nil {
		c.lists = make(map[jid.JID]list)
	}
	for old := range c.lists { // whichever the map names first goes: who is asked for again comes back with one read
		if c.weight+1+len(l) <= maxWeight {
			break
		}
		c.drop(old)
	}
	c.lists[account] = l
	c.weight += 1 + len(l)
}

func (c *cache) forget(account jid.JID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stamp++
	if _, ok := c.lists[account]; ok {
		c.drop(account)
	}
}

func (c *cache) drop(account jid.JID) {
	c.weight -= 1 + len(c.lists[account])
	delete(c.lists, account)
}
