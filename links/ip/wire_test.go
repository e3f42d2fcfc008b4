package ip_test

import (
	"bytes"
	"context"
	"fmt"
	"math/rand"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"longwire/links"
	"longwire/links/ip"
	"longwire/links/linktest"
	"longwire/store"
)

// tapped keeps what is written to a connection, each Write for itself, as TCP would send it when the path is idle.
type tapped struct {
	net.Conn
	mu       *sync.Mutex
	payloads *[][]byte
}

func (c tapped) Write(p []byte) (int, error) {
	c.mu.Lock()
	*c.payloads = append(*c.payloads, bytes.Clone(p))
	c.mu.Unlock()
	return c.Conn.Write(p)
}

// opener is an end that opens and keeps what it sends.
type opener struct {
	*pipes
	mu       sync.Mutex
	payloads [][]byte
}

func (o *opener) Open(ctx context.Context) (links.Session, error) {
	x, y := net.Pipe()
	select {
	case o.other.accepted <- y:
		return ip.NewSession(tapped{x, &o.mu, &o.payloads}, o.o), nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// sent are the payloads so far.
func (o *opener) sent() [][]byte {
	o.mu.Lock()
	defer o.mu.Unlock()
	return append([][]byte(nil), o.payloads...)
}

// phrases are bodies of 40 characters.
var phrases = strings.Split(strings.TrimSpace(`
the convoy left at six and is on its way
we have fuel for two more days at camp 4
please send the new map of the east road
weather is fine here, light wind from SW
generator two failed again in the night.
can you confirm the time of the meeting?
the doctor needs more blood of type zero
radio check on channel four at noon, ok?
all quiet here since yesterday evening..
boat arrives tomorrow around nine o clock
bring batteries and the spare antenna pls
road is blocked by a fallen tree at km 12
two trucks are back, one is still missing
i will call you right after the briefing
who has the keys of the storage building
Water level is rising slowly at bridge 3
Helicopter landed safely with the medics
need an answer before we move out tonight
The printer works again, thanks for help
send the report to the commander first..
How many blankets do you still have left?
Kitchen is closed until Monday, sorry all
patrol reports smoke two miles north of B
We lost the signal near the old quarry 7
ok, understood. will be there in an hour
Ferry runs only at high tide until Friday
ask Maria whether the tents have arrived
My phone is nearly flat, back in an hour
Three people with minor injuries, no rush
Grid 4521 8837, approach from the west...
engine makes a strange noise above 40 kmh
that is not what the old timetable says!
Good morning, anything new over there yet
fresh bread and coffee when you get back
Airfield opens 0630, two flights expected
the school roof was damaged by the storm
nobody answers at the customs office now
Spare tyre is under the bench, left side.
Did the medicine for Mrs Olsen turn up ok?
Let me know if the pump needs more diesel
`), "\n")

// chat is a folded message with a short random id.
func chat(rnd *rand.Rand, body string) store.Entry {
	id := fmt.Sprintf("%06x", rnd.Intn(1<<24))
	from, to := "alice@headquarters.net/desk", "bob@field.net"
	return store.Entry{Kind: store.KindChat, From: from, To: to, StanzaID: id, Queued: time.Now(), Stanza: fmt.Appendf(nil,
		"<message from='%s' to='%s' type='chat' id='%s'><body>%s</body></message>", from, to, id, body)}
}

// The sizes of show 4: at most 170 bytes for the first payload, 45 for a message of 40 characters that goes alone, 35 for each of ten in a burst.
func TestSizesOnTheWire(t *testing.T) {
	first, alone, burst, sum, count := 0, 0, 0, 0, 0
	for seed := range int64(10) {
		synctest.Test(t, func(t *testing.T) {
			p, q := newPipes(ip.Options{Compress: true, Dense: true})
			o := &opener{pipes: p}
			a, b := linktest.NewNode(t, "headquarters.net", "field.net"), linktest.NewNode(t, "field.net", "headquarters.net")
			rnd := rand.New(rand.NewSource(seed))
			words := rnd.Perm(len(phrases))
			a.Put(chat(rnd, phrases[words[0]]))
			a.Start(links.Config{ZeroRTT: true, Dial: true}, o)
			b.Start(links.Config{ZeroRTT: true}, q)
			next := func(bodies []int) int {
				before := len(o.sent())
				var entries []store.Entry
				for _, k := range bodies {
					entries = append(entries, chat(rnd, phrases[k]))
				}
				a.Put(entries...)
				time.Sleep(20 * time.Second)
				total := 0
				for _, p := range o.sent()[before:] {
					total += len(p)
				}
				return total
			}
			time.Sleep(20 * time.Second)
			if n := len(o.sent()); n != 1 {
				t.Fatalf("the first stanza took %d payloads", n)
			}
			first = max(first, len(o.sent()[0]))
			for i, k := range words[1:20] {
				n := next([]int{k})
				if i >= 5 {
					alone, sum, count = max(alone, n), sum+n, count+1
				}
			}
			burst = max(burst, next(words[20:30]), next(words[30:40]))
		})
	}
	t.Logf("first at most %d bytes, alone %.1f and at most %d, burst of ten at most %.1f each", first, float64(sum)/float64(count), alone, float64(burst)/10)
	if first > 170 || alone > 45 || burst > 350 {
		t.Error("more than 170, 45, 350")
	}
}
