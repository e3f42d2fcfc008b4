package deflate_test

import (
	"fmt"
	"io"
	"math/rand"
	"testing"

	"longwire/links/deflate"
)

// bodies are messages of 40 characters, as people write them.
var bodies = []string{
	"the convoy left at six and is on its way", "we have fuel for two more days at camp 4", "please send the new map of the east road",
	"weather is fine here, light wind from SW", "generator two failed again in the night.", "can you confirm the time of the meeting?",
	"the doctor needs more blood of type zero", "radio check on channel four at noon, ok?", "all quiet here since yesterday evening..",
	"boat arrives tomorrow around nine o clock", "bring batteries and the spare antenna pls", "road is blocked by a fallen tree at km 12",
	"two trucks are back, one is still missing", "i will call you right after the briefing", "who has the keys of the storage building",
	"Water level is rising slowly at bridge 3", "Helicopter landed safely with the medics", "need an answer before we move out tonight",
	"The printer works again, thanks for help", "send Jim's report to the commander first", "How many blankets do you still have left?",
	"Kitchen is closed until Monday, sorry all", "patrol reports smoke two miles north of B", "We lost the signal near the old quarry 7",
	"ok, understood. will be there in an hour", "Ferry runs only at high tide until Friday", "ask Maria whether the tents have arrived",
	"My phone is nearly flat, back in an hour", "Three people with minor injuries, no rush", "Grid 4521 8837, approach from the west...",
	"engine makes a strange noise above 40 kmh", "that is not what the old timetable says!", "Good morning, anything new over there yet",
	"fresh bread and coffee when you get back", "Airfield opens 0630, two flights expected", "the school roof was damaged by the storm",
	"nobody answers at the customs office now", "Spare tyre is under the bench, left side.", "Did the medicine for Mrs Olsen turn up ok?",
	"Let me know if the pump needs more diesel",
}

func message(r *rand.Rand, body string) string {
	return fmt.Sprintf("<message from='alice@headquarters.net/desk' to='bob@field.net' type='chat' id='%06x'><body>%s</body></message>",
		r.Intn(1<<24), body)
}

const enable = "<enable xmlns='urn:xmpp:sm:3' id='k3f9qz' resume='true'/>"

// sizes sends messages of about 40 characters in an order made from seed, burst in each flush, and returns bytes for each flush.
func sizes(mode deflate.Mode, seed int64, burst int) (out []int) {
	var f flushed
	w := deflate.NewWriter(&f, mode)
	r := rand.New(rand.NewSource(seed))
	io.WriteString(w, enable)
	for i, k := range r.Perm(len(bodies)) {
		io.WriteString(w, message(r, bodies[k]))
		if i%burst == burst-1 {
			w.Flush()
			out = append(out, len(f[len(f)-1]))
		}
	}
	return out
}

// The figures that the show 4 asks for, of the compressor alone; links/ip has them on the wire.
func TestDenseSizes(t *testing.T) {
	first, steady, burst, sum, n := 0, 0, 0, 0, 0
	for seed := range int64(50) {
		s := sizes(deflate.Dense, seed, 1)
		first = max(first, s[0])
		for _, v := range s[5:] {
			steady, sum, n = max(steady, v), sum+v, n+1
		}
		for _, v := range sizes(deflate.Dense, seed, 10)[2:] {
			burst = max(burst, v)
		}
	}
	t.Logf("first at most %d, steady %.1f and at most %d, ten in a flush at most %d", first, float64(sum)/float64(n), steady, burst)
	if first > 170 || steady > 45 || burst > 350 {
		t.Errorf("more than 170, 45, 350")
	}
}

func BenchmarkWriter(b *testing.B) {
	for _, m := range []struct {
		name string
		mode deflate.Mode
	}{{"sync", deflate.Sync}, {"dense", deflate.Dense}} {
		b.Run(m.name, func(b *testing.B) {
			b.ReportAllocs()
			w := deflate.NewWriter(io.Discard, m.mode)
			r := rand.New(rand.NewSource(1))
			texts := make([][]byte, 500)
			for i := range texts {
				texts[i] = []byte(message(r, bodies[r.Intn(len(bodies))]))
			}
			for i := 0; b.Loop(); i++ {
				w.Write(texts[i%len(texts)])
				w.Flush()
			}
		})
	}
}

func BenchmarkNewWriter(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		w := deflate.NewWriter(io.Discard, deflate.Dense)
		io.WriteString(w, bodies[0])
		w.Flush()
	}
}

func BenchmarkReader(b *testing.B) {
	b.ReportAllocs()
	var f flushed
	w := deflate.NewWriter(&f, deflate.Dense)
	r := rand.New(rand.NewSource(1))
	total := 0
	for range 2000 {
		m := message(r, bodies[r.Intn(len(bodies))])
		total += len(m)
		io.WriteString(w, m)
		w.Flush()
	}
	var all []byte
	for _, p := range f {
		all = append(all, p...)
	}
	b.SetBytes(int64(total))
	z := deflate.NewReader(nil)
	buf := make([]byte, 4096)
	for b.Loop() {
		z.Reset(&drip{data: all, step: 4096})
		for {
			if _, err := z.Read(buf); err != nil {
				break
			}
		}
	}
}
