package truthday_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"longwire/links/modem"
	"longwire/links/sis"
	"longwire/store"
	"longwire/xmpp/delivery"
	"longwire/xmpp/jid"
	"longwire/xmpp/s2s"
	"longwire/xmpp/stanza"
)

var length = flag.Duration("day", 2*time.Hour, "how much of the day is played")

// What a day is like.
const (
	lifetime = 12 * time.Minute // messages that were not sent by then expire: less than any time for which the channel is dead
	mostOff  = 0.25             // median error of forecasts, as a part of what came, however little that was
	mostLate = 0.15             // part of what comes later than "at most"; one in ten is meant
)

// rates are the modem's over the day, in bit/s; 0: the channel is dead.
var rates = []struct {
	rate  int
	lasts time.Duration
}{
	{600, 80 * time.Minute}, {300, 100 * time.Minute}, {1200, time.Hour}, {0, 15 * time.Minute}, {600, 2 * time.Hour}, {2400, 2 * time.Hour},
	{75, 90 * time.Minute}, {0, 20 * time.Minute}, {300, 2 * time.Hour}, {1200, 2 * time.Hour}, {0, 50 * time.Minute},
}

// sent is a message of the day.
type sent struct {
	id    string
	entry uint64
	at    time.Time
	said  []word
	asks  bool // for a receipt, which the far client can give
	stray bool // it is for somebody whom the far node does not know
	asked int  // how often its state was
}

// word is a forecast of one message.
type word struct {
	at       time.Time
	forecast delivery.Forecast
	state    delivery.State
}

// day is the play.
type day struct {
	t      testing.TB
	hq     *side
	field  *side
	rng    *rand.Rand
	mu     sync.Mutex // guards sent
	sent   []*sent
	states map[delivery.State]int
	said   int
	looks  []look // what is to be looked at, once
}

// look is a moment to ask what became of a message.
type look struct {
	at time.Time
	m  *sent
}

func TestADayOnHF(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &day{t: t, rng: rand.New(rand.NewPCG(6, 5)), states: make(map[delivery.State]int)}
		d.play(*length)
		d.judge(*length)
	})
}

func (d *day) play(long time.Duration) {
	channel := modem.NewChannel(modem.ChannelConfig{Seed: 7, Fade: modem.Fade{Every: 3 * time.Minute, Length: 3 * time.Second}})
	a, b := &station{t: d.t, channel: channel, address: 0x1010001}, &station{t: d.t, channel: channel, address: 0x1010002}
	d.hq = newSide(d.t, "headquarters.net", "field.net", "alice", lifetime, foldReceipts)
	d.field = newSide(d.t, "field.net", "headquarters.net", "bob", lifetime, nil)
	a.on(rates[0].rate)
	b.on(rates[0].rate)
	ctx, stop := context.WithCancel(context.Background())
	var tasks sync.WaitGroup
	tasks.Go(func() { d.hq.run(ctx, sis.MakeAddress(1, 1, 0, 1), sis.MakeAddress(1, 1, 0, 2), a.dial) })
	tasks.Go(func() { d.field.run(ctx, sis.MakeAddress(1, 1, 0, 2), sis.MakeAddress(1, 1, 0, 1), b.dial) })
	over, end := context.WithTimeout(ctx, long)
	var parts sync.WaitGroup
	parts.Go(func() { weather(over, channel, a, b) })
	parts.Go(func() { d.talk(over) })
	parts.Go(func() { d.answer(over) })
	parts.Go(func() { d.watch(over) })
	parts.Wait()
	end()
	stop()
	tasks.Wait()
	a.off()
	b.off()
	d.hq.db.Close()
	d.field.db.Close()
}

// weather changes the rate.
func weather(ctx context.Context, channel *modem.Channel, a, b *station) {
	for i := 0; ; i++ {
		r := rates[i%len(rates)]
		channel.SetDown(r.rate == 0)
		if r.rate != 0 && i > 0 {
			a.on(r.rate)
			b.on(r.rate)
		}
		select {
		case <-ctx.Done():
			channel.SetDown(false)
			return
		case <-time.After(r.lasts):
		}
	}
}

// foldReceipts takes the request for a receipt out of every second message, as presets for HF do of all.
func foldReceipts(_ time.Time, s *stanza.Stanza) s2s.Folded {
	if s.Kind != stanza.Message || !strings.HasSuffix(s.ID, "-hop") {
		return s2s.Folded{Stanza: s}
	}
	return s2s.Folded{Stanza: s.Without(func(c stanza.Child) bool { return c.Name.Space == "urn:xmpp:receipts" && c.Name.Local == "request" })}
}

// pause waits for a random time, and tells whether the day goes on.
func (d *day) pause(ctx context.Context, mean time.Duration) bool {
	d.mu.Lock()
	wait := time.Duration(d.rng.ExpFloat64() * float64(mean))
	d.mu.Unlock()
	select {
	case <-ctx.Done():
		return false
	case <-time.After(min(wait, 5*mean)):
		return true
	}
}

const words = "the convoy left at dawn and will reach the bridge before noon if the road is dry send two sets of batteries for the radio and the long antenna we have water for three days"

func (d *day) text() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	all := strings.Fields(words)
	n := 4 + d.rng.IntN(30)
	var b strings.Builder
	for range n {
		fmt.Fprintf(&b, "%s %d ", all[d.rng.IntN(len(all))], d.rng.IntN(100))
	}
	return b.String()
}

// talk has alice say things to bob, in bursts; some she takes back.
func (d *day) talk(ctx context.Context) {
	for i := 0; d.pause(ctx, 50*time.Second); i++ {
		burst := 1
		if i%6 == 0 {
			burst = 4
		}
		for j := range burst {
			id := fmt.Sprintf("m%d-%d", i, j)
			asks := (i+j)%12 == 0 // most are not asked for over HF
			if (i+j)%3 == 1 {
				id += "-hop"
			}
			to, stray := d.field.client.full, (i+j)%24 == 23
			if stray {
				to = jid.MustParse("stranger@field.net")
			}
			st := &stanza.Stanza{Kind: stanza.Message, From: d.hq.client.full, To: to, Type: stanza.Chat, ID: id}
			inner := "<body>" + d.text() + "</body>"
			if asks || strings.HasSuffix(id, "-hop") {
				inner += "<request xmlns='urn:xmpp:receipts'/>"
			}
			st.SetInner([]byte(inner))
			if err := d.hq.say(st); err != nil {
				d.t.Error(err)
				return
			}
			d.accepted(id, asks, stray)
		}
	}
}

// accepted finds the entry of a message that was just said.
func (d *day) accepted(id string, asks, stray bool) {
	all, err := d.hq.truth.OfAccount(d.hq.client.full.Bare(), 20)
	if err != nil {
		d.t.Error(err)
		return
	}
	i := slices.IndexFunc(all, func(m delivery.Message) bool { return m.StanzaID == id })
	if i < 0 {
		d.t.Errorf("%s is not among the account's newest", id)
		return
	}
	m := &sent{id: id, entry: all[i].Entry, at: time.Now(), asks: asks, stray: stray}
	m.said = append(m.said, word{time.Now(), all[i].Forecast, all[i].State})
	d.mu.Lock()
	d.sent = append(d.sent, m)
	n := len(d.sent)
	// Once soon, and once when it may have ended.
	d.looks = append(d.looks, look{m.at.Add(time.Duration(d.rng.ExpFloat64() * float64(15*time.Second))), m})
	if n%4 == 0 {
		d.looks = append(d.looks, look{m.at.Add(time.Duration(d.rng.Float64() * float64(2*lifetime))), m})
	}
	d.mu.Unlock()
	d.ask(m)
	if n%40 == 0 {
		if _, err := d.hq.truth.Cancel(jid.MustParse("eve@headquarters.net"), d.hq.peer, m.entry); !errors.Is(err, store.ErrNotFound) {
			d.t.Errorf("a stranger took %s back: %v", id, err)
		}
		if _, err := d.hq.truth.Cancel(d.hq.client.full, d.hq.peer, m.entry); err != nil {
			d.t.Error(err)
		}
	}
}

// answer has bob talk too: the channel is one for both.
func (d *day) answer(ctx context.Context) {
	for i := 0; d.pause(ctx, 4*time.Minute); i++ {
		st := &stanza.Stanza{Kind: stanza.Message, From: d.field.client.full, To: d.hq.client.full, Type: stanza.Chat, ID: fmt.Sprint("b", i)}
		st.SetInner([]byte("<body>" + d.text() + "</body>"))
		if err := d.field.say(st); err != nil {
			d.t.Error(err)
			return
		}
	}
}

// watch asks for states all day, mostly of what is under way, and holds each against what has become of it.
func (d *day) watch(ctx context.Context) {
	for d.pause(ctx, 7*time.Second) {
		d.mu.Lock()
		if len(d.sent) == 0 {
			d.mu.Unlock()
			continue
		}
		back := int(d.rng.ExpFloat64() * 8)
		asked := []*sent{d.sent[max(0, len(d.sent)-1-back)]}
		d.looks = slices.DeleteFunc(d.looks, func(l look) bool {
			due := !time.Now().Before(l.at)
			if due {
				asked = append(asked, l.m)
			}
			return due
		})
		d.mu.Unlock()
		for _, m := range asked {
			d.ask(m)
		}
	}
}

func (d *day) ask(m *sent) {
	before := d.see(m)
	got, err := d.hq.truth.State(d.hq.peer, m.entry)
	if err != nil {
		d.t.Errorf("%s: %v", m.id, err)
		return
	}
	after := d.see(m)
	d.mu.Lock()
	d.said++
	m.asked++
	d.states[got.State]++
	d.mu.Unlock()
	if wrong := untrue(got, m, before, after); wrong != "" {
		d.t.Errorf("%v after it was accepted %s is said to be %q (%s), but %s", time.Since(m.at).Round(time.Second), m.id, got.State, got.Why, wrong)
	}
	if !got.State.Left() {
		d.mu.Lock()
		m.said = append(m.said, word{time.Now(), got.Forecast, got.State})
		d.mu.Unlock()
	}
}
