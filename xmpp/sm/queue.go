// Package sm is stream management's counting and its elements (XEP-0198): an unacknowledged queue with numbers modulo
// 2^32, and the nonzas that carry them. It does no I/O and keeps no clock.
package sm

import (
	"errors"
	"fmt"
	"iter"
)

// ErrFull says that the queue holds as many items as it may.
var ErrFull = errors.New("sm: queue of unacknowledged stanzas is full")

// Queue is what one side sent and the other has not acknowledged, oldest first. The zero value is an empty queue without
// bound, at number 0. It owns no memory until the first Push, gives back what it grew to as it empties, and keeps room for
// eight items at most when it is empty. A Queue is not safe for concurrent use.
type Queue[T any] struct {
	Max int // most items; 0: no bound

	ring []T
	head int
	n    int
	sent uint32 // XEP-0198 §4: outbound count, modulo 2^32
}

// minRing is the first allocation and what an emptied queue may keep.
const minRing = 8

// Start sets the number of the stanza sent last, for a stream that is taken up again from the store. The queue must be empty.
func (q *Queue[T]) Start(sent uint32) {
	if q.n != 0 {
		panic("sm: Start on a queue that is in use")
	}
	q.sent = sent
}

// Push adds what is about to be sent and returns its number. The first of a stream has number 1.
func (q *Queue[T]) Push(item T) (uint32, error) {
	if q.Max > 0 && q.n >= q.Max {
		return 0, ErrFull
	}
	if q.n == len(q.ring) {
		q.resize(max(minRing, 2*q.n))
	}
	q.ring[(q.head+q.n)%len(q.ring)] = item
	q.n++
	q.sent++ // XEP-0198 §4: after 2^32-1 comes 0
	return q.sent, nil
}

// Sent is the number of the last item pushed: the send-count.
func (q *Queue[T]) Sent() uint32 { return q.sent }

// Acked is the number of the last item acknowledged.
func (q *Queue[T]) Acked() uint32 { return q.sent - uint32(q.n) }

// Len is how many items are unacknowledged.
func (q *Queue[T]) Len() int { return q.n }

// Check tells whether h acknowledges only what was sent; the error is a *TooHighError.
func (q *Queue[T]) Check(h uint32) error {
	// XEP-0198 §4: h - lastAcked modulo 2^32 is how many are acknowledged anew. A smaller h than last time wraps to
	// a huge number, so going back is refused by the same test.
	if h-q.Acked() > uint32(q.n) {
		return &TooHighError{H: h, Sent: q.sent}
	}
	return nil
}

// Ack removes what h covers and returns it, oldest first; nil if that is nothing. A wrong h removes nothing, see Check.
func (q *Queue[T]) Ack(h uint32) ([]T, error) {
	if err := q.Check(h); err != nil {
		return nil, err
	}
	count := int(h - q.Acked())
	if count == 0 {
		return nil, nil
	}
	acked := make([]T, 0, count)
	q.AckFunc(h, func(item T) { acked = append(acked, item) })
	return acked, nil
}

// AckFunc is Ack without the slice: it calls fn for each item that h covers, oldest first, after it left the queue.
func (q *Queue[T]) AckFunc(h uint32, fn func(T)) error {
	if err := q.Check(h); err != nil {
		return err
	}
	var zero T
	for count := h - q.Acked(); count > 0; count-- {
		item := q.ring[q.head]
		q.ring[q.head] = zero // let go of the stanza at once
		q.head = (q.head + 1) % len(q.ring)
		q.n--
		fn(item)
	}
	q.shrink()
	return nil
}

// Unacked yields number and item of all that is unacknowledged, oldest first. The queue must not change meanwhile.
func (q *Queue[T]) Unacked() iter.Seq2[uint32, T] {
	return func(yield func(uint32, T) bool) {
		first := q.Acked() + 1
		for i := range q.n {
			if !yield(first+uint32(i), q.ring[(q.head+i)%len(q.ring)]) {
				return
			}
		}
	}
}

// Oldest returns the item that waits longest.
func (q *Queue[T]) Oldest() (item T, ok bool) {
	if q.n == 0 {
		return item, false
	}
	return q.ring[q.head], true
}

// shrink gives memory back: all of it when the queue is empty and had grown, half when three quarters lie idle.
func (q *Queue[T]) shrink() {
	switch {
	case q.n == 0 && len(q.ring) > minRing:
		q.ring, q.head = nil, 0
	case len(q.ring) > minRing && q.n <= len(q.ring)/4:
		q.resize(max(minRing, len(q.ring)/2))
	}
}

func (q *Queue[T]) resize(size int) {
	ring := make([]T, size)
	for i := range q.n {
		ring[i] = q.ring[(q.head+i)%len(q.ring)]
	}
	q.ring, q.head = ring, 0
}

// Release drops the memory of an empty queue, for a stream that is known to be idle.
func (q *Queue[T]) Release() {
	if q.n == 0 {
		q.ring, q.head = nil, 0
	}
}

// TooHighError is an acknowledgement of more than was sent. Its stream error is undefined-condition with App inside.
type TooHighError struct{ H, Sent uint32 }

func (e *TooHighError) Error() string {
	return fmt.Sprintf("sm: peer acknowledged up to %d, but only %d were sent", e.H, e.Sent)
}

// App is the application-specific element of the stream error (XEP-0198 §4, example 10).
func (e *TooHighError) App() []byte {
	return fmt.Appendf(nil, "<handled-count-too-high xmlns='%s' h='%d' send-count='%d'/>", NS, e.H, e.Sent)
}
