package truthday_test

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"longwire/xmpp/delivery"
)

// sight is what has become of a message, as both ends see it.
type sight struct {
	waits     bool // an entry of the queue
	numbered  bool // that a link has taken
	confirmed bool // the link has told that the peer confirmed it
	taken     bool // the peer's node has committed it
	got       bool // the far client has it
	receipt   string
	fault     string // the sender was told that it did not get through
}

func (d *day) see(m *sent) (s sight) {
	_, s.receipt, s.fault = d.hq.client.knows(m.id)
	s.confirmed = d.hq.isConfirmed(m.entry)
	entries, err := d.hq.db.Queue(d.hq.peer).List()
	if err != nil {
		d.t.Error(err)
	}
	for _, e := range entries {
		if e.ID == m.entry {
			s.waits, s.numbered = true, e.Session != ""
		}
	}
	_, s.taken = d.field.tookAt(m.id)
	s.got, _, _ = d.field.client.knows(m.id)
	return s
}

// untrue tells what is wrong with what is said of a message, "" if nothing is. before and after are what there was to see just before and after it was said:
// what is said to have happened must have by after, and what was known before must not be left out.
func untrue(said delivery.Message, m *sent, before, after sight) string {
	if before.fault != "" && !said.State.Left() {
		return "its sender was told that it did not get through"
	}
	known := delivery.Queued // what the sender's node knew at the least
	switch {
	case before.receipt == "client":
		known = delivery.Delivered
	case before.confirmed || before.receipt == "hop":
		known = delivery.AtPeer
	}
	switch said.State {
	case delivery.Queued:
		if !before.waits && !after.waits || before.numbered && after.numbered {
			return "it does not wait"
		}
		if after.taken {
			return "the peer has it"
		}
	case delivery.WithLink, delivery.OnAir:
		if !before.numbered && !after.numbered {
			return "no link has it"
		}
	case delivery.AtRadio:
		if !before.numbered && !after.numbered {
			return "no link has it"
		}
	case delivery.AtPeer:
		if !after.taken {
			return "the peer does not have it"
		}
		if before.fault != "" {
			return "its sender was told that it was refused"
		}
		if known == delivery.Delivered {
			return "its client has said that it has it"
		}
		return ""
	case delivery.Delivered:
		if !after.got || after.receipt != "client" && after.fault == "" && !m.asks {
			return "its client has not said that it has it"
		}
		return ""
	case delivery.Expired, delivery.Cancelled:
		switch {
		case after.taken && !strings.Contains(said.Why, "may have"):
			return "the peer has it"
		case after.fault == "" && time.Since(said.Changed) > time.Second:
			return "its sender was not told"
		}
		return ""
	case delivery.Refused:
		switch {
		case !m.stray:
			return "nobody refused it"
		case after.fault == "":
			return "its sender was not told"
		}
		return ""
	default:
		return "nothing of that kind has happened"
	}
	if known != delivery.Queued {
		return fmt.Sprintf("it is known to be %s", known)
	}
	return ""
}

// judge tells how good the day was. A message is there when that is known here: nobody on this side can see more.
func (d *day) judge(long time.Duration) {
	t := d.t
	var first, over, all, late []float64
	unknown, silent, asked := 0, 0, 0
	for _, m := range d.sent {
		if m.asked > 0 {
			asked++
		}
		took, ok := d.field.tookAt(m.id)
		knew, known := d.hq.knewAt(m.entry)
		if !ok || !known {
			continue
		}
		for i, w := range m.said {
			left := knew.Sub(w.at)
			if left <= 0 {
				continue // it was there already
			}
			if !w.forecast.Known {
				unknown++
				continue
			}
			all = append(all, part((w.forecast.About-left).Abs(), left))
			if i == 0 {
				first = append(first, part((w.forecast.About-left).Abs(), left))
				late = append(late, float64(b2i(left > w.forecast.Most)))
				if there := took.Sub(w.at); there > 0 {
					over = append(over, part((w.forecast.About-there).Abs(), there))
				}
			}
		}
		_, receipt, _ := d.hq.client.knows(m.id)
		if strings.HasSuffix(m.id, "-hop") && receipt == "" && time.Since(took) > time.Hour || receipt == "hop" && !strings.HasSuffix(m.id, "-hop") {
			silent++
			t.Logf("%s has the receipt %q", m.id, receipt)
		}
	}
	t.Logf("%v: %d messages, of which %d were asked after; %d states said, each checked: %v", long, len(d.sent), asked, d.said, d.states)
	t.Logf("forecasts at acceptance: %d, median error %.1f %% of the time until it was known here (%.1f %% of that until it was there), later than 'at most' %.1f %%; at any time: %d, %.1f %%; not known %d",
		len(first), 100*median(first), 100*median(over), 100*mean(late), len(all), 100*median(all), unknown)
	if median(first) > mostOff || mean(late) > mostLate {
		t.Errorf("the median error of forecasts is to be at most %.0f %%, and %.0f %% may come later than was said", 100*mostOff, 100*mostLate)
	}
	if silent > 0 {
		t.Errorf("%d messages have the wrong receipt or none", silent)
	}
	if asked < len(d.sent) {
		t.Errorf("%d messages were never asked after", len(d.sent)-asked)
	}
	if unknown > len(all)/4 {
		t.Errorf("%d forecasts of %d were not known", unknown, unknown+len(all))
	}
}

// part is what is left of an error, as a part of what came.
func part(off, of time.Duration) float64 { return max(0, off.Seconds()) / of.Seconds() }

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

func median(v []float64) float64 {
	if len(v) == 0 {
		return 0
	}
	return slices.Sorted(slices.Values(v))[len(v)/2]
}

func mean(v []float64) (m float64) {
	for _, x := range v {
		m += x / float64(len(v))
	}
	return m
}
