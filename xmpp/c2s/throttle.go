package c2s

import (
	"hash/maphash"
	"math"
	"sync"
	"time"
)

// The account's bound is so many times the address's: one stranger is stopped by his address long before the account is
// closed to others.
const accountFactor = 5

// buckets is how many counters each throttle has. Several names share one now and then, which costs them a minute at
// worst; in return nothing a stranger does makes it grow, or forget.
const buckets = 4096

// maxKnown bounds the addresses from which accounts have logged in.
const maxKnown = 10000

// throttle counts failed logins of a minute, by address and by account.
//
// Choice: RFC 6120 §6.4.4 and §13.8 leave it to the server. Counting by address alone lets many addresses guess one password together;
// counting by account lets a stranger lock its user out. As NIST SP 800-63B §5.2.2 suggests, addresses from which the
// account has logged in before are exempt from the account's count, and it lasts a minute, not until someone helps.
type throttle struct {
	mu       sync.Mutex
	seed     maphash.Seed
	max      int
	minute   int64
	address  [buckets]uint16
	accounts [buckets]uint16
	known    map[[2]string]struct{} // account, address
}

func (t *throttle) setMax(n int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.max = n
	if t.known == nil {
		t.known = make(map[[2]string]struct{})
		t.seed = maphash.MakeSeed()
	}
}

func (t *throttle) turnLocked() {
	if now := time.Now().Unix() / 60; now != t.minute {
		t.minute = now
		clear(t.address[:])
		clear(t.accounts[:])
	}
}

func (t *throttle) bucket(name string) uint64 { return maphash.String(t.seed, name) % buckets }

// failed counts a failure. account is "" when the attempt did not come so far as to name one.
func (t *throttle) failed(account, addr string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.turnLocked()
	raise(&t.address[t.bucket(addr)])
	if account != "" {
		raise(&t.accounts[t.bucket(account)])
	}
}

func raise(n *uint16) {
	if *n < math.MaxUint16 {
		*n++
	}
}

// succeeded notes that the account is at home at that address.
func (t *throttle) succeeded(account, addr string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	k := [2]string{account, addr}
	if _, ok := t.known[k]; ok {
		return
	}
	for old := range t.known {
		if len(t.known) < maxKnown {
			break
		}
		delete(t.known, old) // any
	}
	t.known[k] = struct{}{}
}

// addressMustWait tells whether the address has failed so often in this minute that it must wait for the next.
func (t *throttle) addressMustWait(addr string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.turnLocked()
	return int(t.address[t.bucket(addr)]) >= t.max
}

// mustWait tells the same of an account, for a client at that address.
func (t *throttle) mustWait(account, addr string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.turnLocked()
	if _, ok := t.known[[2]string{account, addr}]; ok {
		return false
	}
	return int(t.accounts[t.bucket(account)]) >= accountFactor*t.max
}
