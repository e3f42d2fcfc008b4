package subnet

import (
	"context"
	"sync"
	"time"
)

// An inbox takes work for the loop. It is not bounded by itself: a client has at most some dozens of requests under way, and the modem
// gives no more than its rate.
type inbox struct {
	mu   sync.Mutex
	list []func(now time.Time)
	wake chan struct{}
}

// post never waits.
func (b *inbox) post(f func(now time.Time)) {
	b.mu.Lock()
	b.list = append(b.list, f)
	b.mu.Unlock()
	b.poke()
}

func (b *inbox) poke() {
	select {
	case b.wake <- struct{}{}:
	default:
	}
}

func (b *inbox) take() []func(time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	list := b.list
	b.list = nil
	return list
}

// loop works until ctx is done.
func (n *Node) loop(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for ctx.Err() == nil {
		next := n.work()
		if next.IsZero() {
			timer.Stop()
		} else {
			timer.Reset(n.clock.Until(next))
		}
		select {
		case <-n.inbox.wake:
		case <-timer.C:
		case <-ctx.Done():
		}
	}
}

// work does all there is to do at this moment, and tells when there will be more.
func (n *Node) work() time.Time {
	n.mu.Lock()
	defer n.mu.Unlock()
	now := n.clock.Now()
	for _, f := range n.inbox.take() {
		f(now)
		n.settle(now)
	}
	n.leave(now)
	n.cas.Tick(now)
	n.hard.Tick(now)
	n.tick(now)
	n.settle(now)
	n.overtake()
	n.transmit(now)
	n.settle(now)
	return n.deadline(now)
}

// settle acts on what the layers told, until they have nothing more to say.
func (n *Node) settle(now time.Time) {
	for {
		e, told := n.cas.Next()
		if told {
			n.told(now, e)
		}
		a, wanted := n.hard.Next()
		if wanted {
			n.act(now, a)
		}
		if !told && !wanted {
			return
		}
	}
}

// tick does what our own timers are for.
func (n *Node) tick(now time.Time) {
	n.expire(now)
	n.idleHardLink(now)
}

// deadline is when to work again if nothing else happens; zero is never.
func (n *Node) deadline(now time.Time) (t time.Time) {
	d := n.cas.Deadline()
	if now.Before(n.gather) {
		d = n.gather // whatever cas wants to send waits, and may go then
	}
	for _, x := range []time.Time{d, n.hard.Deadline(), n.nextExpiry(), n.hardLinkEnd()} {
		if !x.IsZero() && (t.IsZero() || x.Before(t)) {
			t = x
		}
	}
	return t
}
