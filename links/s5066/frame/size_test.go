package frame

import (
	"bufio"
	"encoding/json"
	"os"
	"testing"
	"time"
)

type record struct {
	S int
	D string
	K string
	X string
	B string
}

func corpus(t testing.TB) []record {
	path := os.Getenv("LONGWIRE_CORPUS")
	f, err := os.Open(path + "/dev-stanzas.jsonl")
	if err != nil {
		t.Skipf("no corpus: set LONGWIRE_CORPUS to a directory with dev-stanzas.jsonl: %v", err)
	}
	defer f.Close()
	var rs []record
	sc := bufio.NewScanner(f)
	sc.Buffer(nil, 1<<20)
	for sc.Scan() {
		var r record
		if err := json.Unmarshal(sc.Bytes(), &r); err != nil {
			t.Fatal(err)
		}
		rs = append(rs, r)
	}
	return rs
}

func TestCorpus(t *testing.T) {
	type dir struct {
		e Encoder
		d Decoder
	}
	dirs := map[string]*dir{}
	sum, n := map[string]int{}, map[string]int{}
	var encT, decT time.Duration
	total := 0
	for _, r := range corpus(t) {
		if r.K == "sm-r" || r.K == "sm-a" {
			continue
		}
		key := string(rune('0'+r.S)) + r.D
		d := dirs[key]
		if d == nil {
			d = &dir{}
			d.e.Start(1)
			dirs[key] = d
		}
		h := Header{Out: "abcdef", In: "ghijkl"}
		t0 := time.Now()
		b, k, err := d.e.Encode(nil, h, [][]byte{[]byte(r.X)}, 2048)
		encT += time.Since(t0)
		if err != nil || k != 1 {
			t.Fatal(err, k)
		}
		total++
		if os.Getenv("DEC") != "" {
			f, err := Parse(b)
			if err != nil {
				t.Fatal(err)
			}
			t0 = time.Now()
			_, s, err := d.d.Decode(&f, Known{Out: "abcdef", In: "ghijkl", Taken: d.e.Next() - 2})
			decT += time.Since(t0)
			if err != nil || len(s) != 1 || string(s[0]) != r.X {
				t.Fatal(err, len(s))
			}
		}
		kind := r.K
		if kind == "msg-chat" && len(r.B) >= 35 && len(r.B) <= 45 {
			sum["40"] += len(b)
			n["40"]++
		}
		sum[kind] += len(b)
		n[kind]++
	}
	for k := range sum {
		t.Logf("%-18s %5d %6.1f", k, n[k], float64(sum[k])/float64(n[k]))
	}
	t.Logf("enc %v dec %v each", encT/time.Duration(total), decT/time.Duration(total))
}
