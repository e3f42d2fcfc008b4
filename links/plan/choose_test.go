package plan_test

import (
	"fmt"
	"testing"
	"time"

	"longwire/links/plan"
)

// desk is a chooser in a time of its own.
type desk struct {
	t   *testing.T
	c   *plan.Chooser
	now time.Time
	in  plan.Now
}

const (
	sat = "SatCom"
	hf  = "HF"
)

func peer(rules ...plan.Rule) plan.Peer {
	return plan.Peer{Links: []plan.Link{{Name: sat}, {Name: hf, Least: 10 * time.Minute}}, Rules: rules,
		Failover: plan.Failover{After: time.Minute, BackAfter: 2 * time.Minute, BackMax: 8 * time.Minute}}
}

func newDesk(t *testing.T, p plan.Peer) *desk {
	now := time.Now()
	return &desk{t: t, c: plan.NewChooser(p, now), now: now}
}

func (d *desk) report(link string, s plan.Condition) {
	d.c.Report(link, d.now, s, "", time.Time{}, 0)
}

// waits makes messages of these classes wait from now on.
func (d *desk) waits(classes ...plan.Class) {
	d.in.Waiting = nil
	for _, c := range classes {
		d.in.Waiting = append(d.in.Waiting, plan.Waiting{Cell: plan.Cell{Class: c, Kind: plan.KindMessage}, Since: d.now})
	}
}

// after lets time pass, and returns what is chosen then; it looks whenever it was told to.
func (d *desk) after(pass time.Duration) plan.Choice {
	end := d.now.Add(pass)
	for {
		d.in.Time = d.now
		c := d.c.Choose(d.in)
		if c.Look.IsZero() || !c.Look.Before(end) {
			if d.now == end {
				return c
			}
			d.now = end
			continue
		}
		if !c.Look.After(d.now) {
			d.t.Fatalf("look at %v, and it is %v", c.Look, d.now)
		}
		d.now = c.Look
	}
}

func (d *desk) carries(pass time.Duration, want string) plan.Choice {
	d.t.Helper()
	c := d.after(pass)
	got := ""
	if c.Carrier >= 0 {
		got = c.Links[c.Carrier].Link
	}
	if got != want {
		d.t.Errorf("%q carries, want %q: %+v", got, want, c.Links)
	}
	return c
}

func TestTheSilentOneIsLeftAndComesBackAfterAHoldDownThatGrows(t *testing.T) {
	d := newDesk(t, peer())
	d.report(sat, plan.Up)
	d.report(hf, plan.Up)
	d.carries(time.Hour, sat) // nothing waits: nothing is wrong
	d.waits(plan.Routine)
	for _, hold := range []time.Duration{2, 4, 8, 8} {
		d.carries(time.Minute-time.Second, sat)
		d.carries(time.Second, hf)
		d.c.Confirmed(hf, d.now)
		d.carries(hold*time.Minute-time.Second, hf)
		d.carries(time.Second, sat)
	}
	d.c.Confirmed(sat, d.now)
	d.carries(time.Minute-time.Second, sat)
}

// What the peer took may be known late, by way of another link: that says nothing of the time since.
func TestOldNewsDoNotKeepALink(t *testing.T) {
	d := newDesk(t, peer())
	d.report(sat, plan.Up)
	d.report(hf, plan.Up)
	d.waits(plan.Routine)
	heard := d.now.Add(30 * time.Second)
	d.carries(time.Minute-time.Second, sat)
	d.c.Confirmed(sat, heard)
	d.c.Confirmed(sat, heard.Add(-time.Second)) // and older news do not take that back
	d.carries(30*time.Second, sat)
	d.carries(time.Second, hf)
}

func TestADeadLinkIsLeftAtOnceWhenSomethingComes(t *testing.T) {
	d := newDesk(t, peer())
	d.report(hf, plan.Up)
	d.carries(time.Hour, sat) // it stands first, and nothing waits
	d.waits(plan.Routine)
	d.carries(0, hf)
	c := d.carries(0, hf)
	if !c.Wanted[0] || !c.Wanted[1] {
		t.Errorf("SatCom is not tried while there is traffic: %v", c.Wanted)
	}
	d.waits()
	if c := d.carries(time.Hour, hf); c.Wanted[0] {
		t.Error("SatCom is tried without traffic")
	}
	d.waits(plan.Routine)
	d.report(sat, plan.Up)
	d.carries(2*time.Minute-time.Second, hf)
	d.report(sat, plan.Down) // before it was trusted
	d.carries(time.Minute, hf)
	d.report(sat, plan.Up)
	d.carries(2*time.Minute-time.Second, hf)
	d.carries(time.Second, sat)
}

func TestAClosedLinkIsNoDeadOne(t *testing.T) {
	d := newDesk(t, peer())
	d.report(sat, plan.Closed)
	d.report(hf, plan.Up)
	d.carries(time.Hour, sat)
	d.waits(plan.Routine)
	d.carries(0, sat)
	d.report(sat, plan.Trying)
	d.carries(time.Minute-time.Second, sat)
	d.carries(time.Second, hf)
}

func TestWithoutAnotherLinkNoneIsLeft(t *testing.T) {
	p := peer()
	p.Links[1].EMCON = true
	d := newDesk(t, p)
	d.report(hf, plan.Up)
	d.waits(plan.Routine)
	c := d.carries(time.Hour, sat)
	if !c.Links[1].Silent || c.Links[0].Silent {
		t.Errorf("%+v", c.Links)
	}
}

// Flash may use HF now, routine waits for SatCom, for an hour.
func TestRules(t *testing.T) {
	routine, err := plan.ClassesOf("routine")
	if err != nil {
		t.Fatal(err)
	}
	d := newDesk(t, peer(plan.Rule{Classes: routine, Links: []string{sat}, Wait: time.Hour}))
	d.report(hf, plan.Up)
	d.waits(plan.Routine)
	d.carries(10*time.Minute, sat)
	d.waits(plan.Flash, plan.Routine)
	c := d.carries(0, hf)
	if c.Load.Classes.Has(uint8(plan.Routine)) || c.Load.Classes.Has(uint8(plan.IQ)) || !c.Load.Classes.Has(uint8(plan.Flash)) {
		t.Errorf("HF takes %+v", c.Load)
	}
	d.in.Waiting = d.in.Waiting[1:]
	d.carries(59*time.Minute, sat)
	if c = d.carries(time.Minute, hf); !c.Load.All() && !c.Load.Classes.Has(uint8(plan.Routine)) {
		t.Errorf("after an hour HF takes %+v", c.Load)
	}
}

// Kinds and classes that no one load can say have their turns.
func TestWhatOneLoadCannotSayHasItsTurn(t *testing.T) {
	d := newDesk(t, peer(plan.Rule{Classes: 1 << plan.Routine, Kinds: 1 << plan.KindGroupchat, Links: []string{hf}}))
	d.report(sat, plan.Up)
	d.report(hf, plan.Up)
	room := plan.Cell{Class: plan.Routine, Kind: plan.KindGroupchat}
	d.waits(plan.Routine)
	if c := d.carries(0, sat); c.Load.Has(room) || !c.Load.Has(plan.Cell{Class: plan.Routine, Kind: plan.KindMessage}) {
		t.Errorf("SatCom takes %+v", c.Load)
	}
	d.in.Waiting = []plan.Waiting{{Cell: room, Since: d.now}}
	if c := d.carries(0, hf); !c.Load.Has(room) {
		t.Errorf("HF takes %+v", c.Load)
	}
}

func TestWindows(t *testing.T) {
	p := peer()
	p.Links[0].Windows = windows(t, "06:00-18:00")
	d := newDesk(t, p)
	d.now = at("02 05:00")
	d.report(sat, plan.Up)
	d.report(hf, plan.Up)
	d.waits(plan.Routine)
	d.in.Unconfirmed = true
	if c := d.carries(0, hf); c.Links[0].Until != at("02 06:00") || !c.Links[0].Silent {
		t.Errorf("%+v", c.Links[0])
	}
	d.carries(59*time.Minute, hf)
	d.carries(time.Minute, sat)
	d.c.Confirmed(sat, d.now)
	// A clock that is set goes into no duration: only what the calendar says changes.
	d.now = d.now.AddDate(40, 0, 0)
	d.c.Confirmed(sat, d.now)
	d.carries(0, sat)
}

// Whatever links report, a choice is of a link that may send, and there is a time to look again or nothing to wait for.
func FuzzChoose(f *testing.F) {
	f.Add([]byte{1, 2, 3, 4, 5, 6, 7, 8, 9})
	f.Add([]byte("the quick brown fox"))
	f.Fuzz(func(t *testing.T, steps []byte) {
		p := peer(plan.Rule{Classes: 1 << plan.Routine, Links: []string{sat}, Wait: time.Hour}, plan.Rule{Kinds: 1 << plan.KindGroupchat, Links: []string{hf}})
		p.Links = append(p.Links, plan.Link{Name: "in", Inbound: true}, plan.Link{Name: "third", Cost: 1})
		c := plan.NewChooser(p, time.Now())
		now := plan.Now{Time: time.Now()}
		cells := plan.Cells()
		for i, b := range steps {
			now.Time = now.Time.Add(time.Duration(b) * time.Second)
			switch b % 5 {
			case 0:
				c.Report(p.Links[int(b/5)%len(p.Links)].Name, now.Time, plan.Condition(b/20%4), "", time.Time{}, 0)
			case 1:
				now.Waiting = append(now.Waiting, plan.Waiting{Cell: cells[int(b/5)%len(cells)], Since: now.Time})
			case 2:
				now.Waiting = nil
			case 3:
				now.Unconfirmed = b > 128
			case 4:
				c.Confirmed(p.Links[i%len(p.Links)].Name, now.Time)
			}
			out := c.Choose(now)
			if out.Carrier >= 0 && (out.Links[out.Carrier].Silent || p.Links[out.Carrier].Inbound) {
				t.Fatalf("%s carries", p.Links[out.Carrier].Name)
			}
			if out.Carrier < 0 != out.Load.None() {
				t.Fatalf("carrier %d takes %+v", out.Carrier, out.Load)
			}
			for _, w := range now.Waiting[:min(1, len(now.Waiting))] {
				for _, r := range out.Rows {
					if r.Cell == w.Cell && r.Link == out.Carrier && out.Carrier >= 0 && len(now.Waiting) == 1 && !out.Load.Has(w.Cell) {
						t.Fatalf("%s is the only one that waits, and does not go: %s", fmt.Sprint(w.Cell), fmt.Sprint(out.Load))
					}
				}
			}
			if !out.Look.IsZero() && out.Look.Before(now.Time) {
				t.Fatalf("look before now")
			}
		}
	})
}
