package archive

import (
	"sync"
	"time"

	"longwire/xmpp/jid"
)

// Bounds of the cache: so many accounts, for so long; then an account is read anew, lest one that was deleted and made again
// has what the old one wished.
const (
	maxCached = 10_000
	cachedFor = time.Minute
)

// cache remembers preferences, mostly that there are none. The zero value is ready; mu guards everything.
//
// What is put in carries the stamp of the moment before it was read, and is left out when anything was forgotten since.
type cache struct {
	mu    sync.RWMutex
	known map[jid.JID]cached
	stamp uint64
}

type cached struct {
	prefs *prefs
	until time.Time
}

func (c *cache) get(account jid.JID) (p *prefs, stamp uint64, ok bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	e, ok := c.known[account]
	return e.prefs, c.stamp, ok && time.Now().Before(e.until)
}

func (c *cache) put(account jid.JID, p *prefs, stamp uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if stamp != c.stamp {
		return
	}
	if c.known == nil || len(c.known) >= maxCached {
		c.known = make(map[jid.JID]cached)
	}
	c.known[account] = cached{p, time.Now().Add(cachedFor)}
}

func (c *cache) forget(account jid.JID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stamp++
	delete(c.known, account)
}
