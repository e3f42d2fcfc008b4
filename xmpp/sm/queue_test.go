package sm_test

import (
	"errors"
	"math/rand/v2"
	"slices"
	"testing"
	"unsafe"

	"longwire/xmpp/sm"
)

// filled is a queue whose next number is start+1, with n items that are their own numbers.
func filled(tb testing.TB, start uint32, n int) *sm.Queue[uint32] {
	tb.Helper()
	var q sm.Queue[uint32]
	q.Start(start)
	for i := range n {
		want := start + uint32(i) + 1
		if got, err := q.Push(want); got != want || err != nil {
			tb.Fatalf("push %d: number %d, %v, want %d", i, got, err, want)
		}
	}
	return &q
}

const top = 1<<32 - 1

func TestAck(t *testing.T) {
	for _, tt := range []struct {
		name  string
		start uint32
		n     int
		h     uint32
		want  []uint32
		left  int
		fails bool
	}{
		{"nothing sent, nothing handled", 0, 0, 0, nil, 0, false},
		{"nothing sent, one handled", 0, 0, 1, nil, 0, true},
		{"nothing new", 0, 3, 0, nil, 3, false},
		{"one", 0, 3, 1, []uint32{1}, 2, false},
		{"all", 0, 3, 3, []uint32{1, 2, 3}, 0, false},
		{"more than sent", 0, 3, 4, nil, 3, true},
		{"back behind the last", 10, 3, 9, nil, 3, true},
		{"from afar", 10, 3, 1 << 31, nil, 3, true},
		{"across the wrap", top - 1, 3, 1, []uint32{top, 0, 1}, 0, false},
		{"up to the wrap", top - 1, 3, top, []uint32{top}, 2, false},
		{"to zero", top - 1, 3, 0, []uint32{top, 0}, 1, false},
		{"too far behind the wrap", top - 1, 3, 2, nil, 3, true},
		{"just before the wrap, too low", top - 1, 3, top - 2, nil, 3, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			q := filled(t, tt.start, tt.n)
			got, err := q.Ack(tt.h)
			if !slices.Equal(got, tt.want) || (err != nil) != tt.fails || q.Len() != tt.left {
				t.Errorf("got %v, %v, %d left; want %v, %d left", got, err, q.Len(), tt.want, tt.left)
			}
			if tt.fails {
				high, ok := errors.AsType[*sm.TooHighError](err)
				if !ok || high.H != tt.h || high.Sent != tt.start+uint32(tt.n) {
					t.Errorf("got %#v", err)
				}
			}
			if q.Sent() != tt.start+uint32(tt.n) || q.Acked() != q.Sent()-uint32(tt.left) {
				t.Errorf("sent %d, acked %d", q.Sent(), q.Acked())
			}
		})
	}
}

func TestTooHighIsTheElementOfTheStreamError(t *testing.T) {
	_, err := filled(t, 0, 8).Ack(10)
	high, ok := errors.AsType[*sm.TooHighError](err)
	if !ok {
		t.Fatal(err)
	}
	want := "<handled-count-too-high xmlns='urn:xmpp:sm:3' h='10' send-count='8'/>"
	if got := string(high.App()); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestUnackedAfterTheWrap(t *testing.T) {
	q := filled(t, top-2, 5)
	if _, err := q.Ack(top - 1); err != nil {
		t.Fatal(err)
	}
	var numbers []uint32
	for number, item := range q.Unacked() {
		if number != item {
			t.Errorf("number %d holds item %d", number, item)
		}
		numbers = append(numbers, number)
	}
	if want := []uint32{top, 0, 1, 2}; !slices.Equal(numbers, want) {
		t.Errorf("got %v, want %v", numbers, want)
	}
	for number := range q.Unacked() {
		if number != top {
			t.Errorf("first is %d", number)
		}
		break
	}
	if item, ok := q.Oldest(); !ok || item != top {
		t.Errorf("oldest is %d, %v", item, ok)
	}
}

func TestBound(t *testing.T) {
	q := filled(t, 0, 0)
	q.Max = 2
	for i := range 2 {
		if _, err := q.Push(uint32(i)); err != nil {
			t.Fatal(err)
		}
	}
	if n, err := q.Push(2); !errors.Is(err, sm.ErrFull) || n != 0 || q.Sent() != 2 {
		t.Errorf("third of two: number %d, %v, sent %d", n, err, q.Sent())
	}
	if _, err := q.Ack(1); err != nil {
		t.Fatal(err)
	}
	if n, err := q.Push(2); n != 3 || err != nil {
		t.Errorf("after room was made: %d, %v", n, err)
	}
}

// TestRandomWalk compares the ring with a plain slice, from shortly before the wrap.
func TestRandomWalk(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	start := uint32(top - 2000)
	q := filled(t, start, 0)
	var model []uint32
	sent := start
	for i := range 20000 {
		switch burst := r.IntN(3); burst {
		case 0, 1:
			for range r.IntN(40) * burst {
				sent++
				if n, err := q.Push(sent); n != sent || err != nil {
					t.Fatal(i, n, err)
				}
				model = append(model, sent)
			}
		default:
			k := r.IntN(len(model) + 1)
			got, err := q.Ack(sent - uint32(len(model)-k))
			if err != nil || !slices.Equal(got, model[:k]) {
				t.Fatalf("step %d: got %v, %v, want %v", i, got, err, model[:k])
			}
			model = model[k:]
		}
		j := 0
		for number, item := range q.Unacked() {
			if item != model[j] || number != item {
				t.Fatalf("step %d: number %d is %d, want %d", i, number, item, model[j])
			}
			j++
		}
		if j != len(model) || q.Len() != len(model) || q.Sent() != sent {
			t.Fatalf("step %d: %d of %d items, sent %d", i, q.Len(), len(model), q.Sent())
		}
	}
}

func TestPushFromWithinAnAck(t *testing.T) {
	q := filled(t, 0, 8)
	var acked []uint32
	err := q.AckFunc(8, func(n uint32) {
		acked = append(acked, n)
		for i := range 4 {
			if _, err := q.Push(100*n + uint32(i)); err != nil {
				t.Error(err)
			}
		}
	})
	if err != nil || !slices.Equal(acked, []uint32{1, 2, 3, 4, 5, 6, 7, 8}) || q.Len() != 32 {
		t.Fatalf("acked %v, %v, %d left", acked, err, q.Len())
	}
	if first, _ := q.Oldest(); first != 100 {
		t.Errorf("first of the rest is %d", first)
	}
}

func TestStartOnAQueueInUsePanics(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	filled(t, 0, 1).Start(5)
}

// An idle client costs the struct and nothing behind it.
func TestIdleQueueOwnsNoMemory(t *testing.T) {
	if size := unsafe.Sizeof(sm.Queue[*int]{}); size > 64 {
		t.Errorf("an empty queue is %d bytes", size)
	}
	allocs := testing.AllocsPerRun(100, func() {
		var q sm.Queue[*int]
		if _, err := q.Ack(0); err != nil {
			t.Fatal(err)
		}
		for range q.Unacked() {
			t.Fatal("not empty")
		}
		q.Release()
	})
	if allocs != 0 {
		t.Errorf("%v allocations", allocs)
	}
}

func BenchmarkPushAck(b *testing.B) {
	var q sm.Queue[*int]
	b.ReportAllocs()
	for b.Loop() {
		for range 8 {
			if _, err := q.Push(nil); err != nil {
				b.Fatal(err)
			}
		}
		if err := q.AckFunc(q.Sent(), func(*int) {}); err != nil {
			b.Fatal(err)
		}
	}
}
