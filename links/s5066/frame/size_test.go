package frame_test

import (
	"bufio"
	"encoding/json"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"longwire/links/s5066/frame"
)

const mtu = 2048

func encode(t testing.TB, e *frame.Encoder, h frame.Header, stanzas ...[]byte) []byte {
	t.Helper()
	b, n, err := e.Encode(nil, h, stanzas, mtu)
	if err != nil || n != len(stanzas) {
		t.Fatalf("encode: %d of %d taken, %v", n, len(stanzas), err)
	}
	return b
}

// What a message of 35 to 45 characters costs, with all that ordinary clients put around it. At 300 bit/s with the short interleaver
// 42 bytes are four blocks, 43 are five.
func TestSizes(t *testing.T) {
	var lone, ten, first, loneN, tenN int
	for seed := range uint64(20) {
		r := rand.New(rand.NewPCG(seed, 1))
		one, many := newEncoder(), newEncoder()
		one.Start(1)
		many.Start(1)
		var batch [][]byte
		for i, k := range r.Perm(len(bodies)) {
			m := message(r, people[r.IntN(len(people))], bodies[k])
			h := names
			h.Names = i == 0
			b := encode(t, one, h, m)
			if i == 0 {
				first = max(first, len(b))
			}
			if i >= 8 {
				lone, loneN = lone+len(b), loneN+1
			}
			if batch = append(batch, m); len(batch) == 10 {
				b := encode(t, many, names, batch...)
				if i > 10 {
					ten, tenN = ten+len(b), tenN+10
				}
				batch = nil
			}
		}
	}
	l, tn := float64(lone)/float64(loneN), float64(ten)/float64(tenN)
	t.Logf("first at most %d bytes, alone %.1f, ten in a frame %.1f each", first, l, tn)
	if first > 170 || l > 42 || tn > 38 {
		t.Errorf("more than 170, 42, 38")
	}
}

// The same on the traffic of a corpus that is not part of the program.
func TestCorpusSizes(t *testing.T) {
	dir := os.Getenv("LONGWIRE_CORPUS")
	f, err := os.Open(filepath.Join(dir, "dev-stanzas.jsonl"))
	if dir == "" || err != nil {
		t.Skipf("no corpus: LONGWIRE_CORPUS=%q should be a directory with dev-stanzas.jsonl", dir)
	}
	defer f.Close()
	type way struct {
		e frame.Encoder
		d frame.Decoder
	}
	ways := map[string]*way{}
	sum, count := map[string]int{}, map[string]int{}
	for s := bufio.NewScanner(f); s.Scan(); {
		var rec struct {
			S          int
			D, K, X, B string
		}
		if err := json.Unmarshal(s.Bytes(), &rec); err != nil {
			t.Fatal(err)
		}
		if rec.K == "sm-r" || rec.K == "sm-a" {
			continue // such a link has no XEP-0198
		}
		key := string(rune('0'+rec.S)) + rec.D
		w := ways[key]
		if w == nil {
			w = &way{}
			w.e.Start(1)
			ways[key] = w
		}
		b := encode(t, &w.e, names, []byte(rec.X))
		f := parse(t, b)
		_, got, err := w.d.Decode(&f, known(w.e.Next()-2, 0))
		if err != nil || len(got) != 1 || string(got[0]) != rec.X {
			t.Fatalf("%s comes back as %q, %v", rec.X, got, err)
		}
		kinds := []string{rec.K}
		if n := len([]rune(rec.B)); rec.K == "msg-chat" && n >= 35 && n <= 45 {
			kinds = append(kinds, "35-45")
		}
		for _, k := range kinds {
			sum[k] += len(b)
			count[k]++
		}
	}
	for k, n := range sum {
		t.Logf("%-18s %5d of %6.1f bytes", k, count[k], float64(n)/float64(count[k]))
	}
	if n := float64(sum["35-45"]) / float64(count["35-45"]); n > 42 {
		t.Errorf("a message of 35 to 45 characters takes %.1f bytes, more than 42", n)
	}
}
