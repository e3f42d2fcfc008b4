package proxy

import (
	"container/list"
	"sync"
	"time"

	"longwire/xmpp/stanza"
)

// Limits of what is kept of answers that crossed. In memory only: after a restart the first who asks asks the peer.
const (
	maxKept  = 500
	keptSize = 2 << 20 // bytes of all
	oneKept  = 128 << 10
	fresh    = time.Hour           // younger: the peer is not asked again
	keptAge  = 30 * 24 * time.Hour // older: worth nothing, even where the peer cannot be asked
)

// kept are results that came from peers, the latest used first. What one user was told is not for others: answers hang on who
// asks. The zero value is empty; mu guards it.
type kept struct {
	mu    sync.Mutex
	byKey map[string]*list.Element // of order; its Value is a *answer
	order list.List
	size  int
}

type answer struct {
	key   string
	inner []byte
	at    time.Time
}

// keepable tells whether an answer is worth something later.
func keepable(space string) bool {
	switch space {
	case nsInfo, nsItems, nsVersion, nsVCard, "urn:ietf:params:xml:ns:vcard-4.0", nsPubsub:
		return true
	}
	return false
}

func (k *kept) put(key string, inner []byte, now time.Time) {
	if len(inner)+len(key) > oneKept {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.dropLocked(key)
	if k.byKey == nil {
		k.byKey = make(map[string]*list.Element)
	}
	k.byKey[key] = k.order.PushFront(&answer{key, inner, now})
	k.size += len(key) + len(inner)
	for k.order.Len() > maxKept || k.size > keptSize {
		k.dropLocked(k.order.Back().Value.(*answer).key)
	}
}

func (k *kept) dropLocked(key string) {
	el := k.byKey[key]
	if el == nil {
		return
	}
	a := el.Value.(*answer)
	k.size -= len(a.key) + len(a.inner)
	k.order.Remove(el)
	delete(k.byKey, key)
}

// get finds an answer; with usable, only one that is fresh.
func (k *kept) get(key string, now time.Time, usable bool) *answer {
	k.mu.Lock()
	defer k.mu.Unlock()
	el := k.byKey[key]
	if el == nil {
		return nil
	}
	a := el.Value.(*answer)
	age := now.Sub(a.at)
	if age < 0 || age > keptAge { // a clock that was set back tells nothing of age
		k.dropLocked(key)
		return nil
	}
	if usable && age > fresh {
		return nil
	}
	k.order.MoveToFront(el)
	return a
}

// keyOf names a question; one that is repeated by the same user with another id has the same.
func keyOf(from string, st *stanza.Stanza) string {
	return from + "\x00" + st.To.String() + "\x00" + string(st.Raw(st.Children[0]))
}
