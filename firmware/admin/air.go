package admin

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"time"

	"longwire/links/meter"
)

// Air is what was spent on what.
type Air struct {
	Hour    []Spent    `json:"hour"` // the last 60 minutes
	Day     []Spent    `json:"day"`  // the last 24 hours
	Budgets []Standing `json:"budgets,omitempty"`
}

// Spent is what was spent on one thing to a peer and from it.
type Spent struct {
	Peer string `json:"peer"`
	What string `json:"what"` // "kind", "class", "user", "room", "link"; "": all
	Name string `json:"name,omitempty"`
	Out  Totals `json:"out"`
	In   Totals `json:"in"`
}

// Totals are bytes, and seconds of the channel.
type Totals struct {
	Stanzas uint64  `json:"stanzas"`
	Again   uint64  `json:"again,omitempty"`
	Dropped uint64  `json:"dropped,omitempty"` // folded away
	Raw     uint64  `json:"raw"`
	Folded  uint64  `json:"folded"`
	Wire    uint64  `json:"wire"`
	Air     float64 `json:"air"`
}

// Standing is a budget and what was used of it in the last hour; seconds.
type Standing struct {
	Peer       string  `json:"peer,omitempty"`
	User       string  `json:"user,omitempty"`
	Room       string  `json:"room,omitempty"`
	Precedence string  `json:"precedence,omitempty"`
	Kind       string  `json:"kind,omitempty"`
	Spent      float64 `json:"spent"`
	Waiting    float64 `json:"waiting"` // accepted, and not sent yet
	Soft       float64 `json:"soft,omitempty"`
	Hard       float64 `json:"hard,omitempty"`
}

// Air tells what was spent on a peer; "": on all.
func (a *Admin) Air(peer string) (Air, error) {
	l, err := a.ledger()
	if err != nil {
		return Air{}, err
	}
	now := time.Now()
	day := l.Spent(now, true)
	if peer != "" {
		var gone []string // from the config, but not from what was spent
		for k := range day {
			gone = append(gone, k.Peer)
		}
		if peer, err = a.peer(peer, gone); err != nil {
			return Air{}, err
		}
	}
	out := Air{Hour: spent(l.Spent(now, false), peer), Day: spent(day, peer)}
	for _, s := range l.Standings(now) {
		if peer != "" && s.Peer != peer {
			continue
		}
		out.Budgets = append(out.Budgets, Standing{s.Peer, s.User, s.Room, s.Class, s.Kind, s.Spent.Seconds(), s.Waiting.Seconds(), s.Soft.Seconds(), s.Hard.Seconds()})
	}
	return out, nil
}

// ledger is the running node's, or the one that a stopped node has left.
func (a *Admin) ledger() (*meter.Ledger, error) {
	now := time.Now()
	if a.node != nil {
		return a.node.Ledger(), nil
	}
	b, err := os.ReadFile(a.cfg().AirPath())
	if errors.Is(err, fs.ErrNotExist) {
		return meter.NewLedger(now), nil
	}
	if err != nil {
		return nil, fmt.Errorf("admin: %w", err)
	}
	return meter.Load(b, now)
}

// spent sums by what is asked for, what took most first.
func spent(all map[meter.Key]meter.Totals, peer string) []Spent {
	sums := make(map[[3]string]*Spent)
	for k, t := range all {
		if peer != "" && k.Peer != peer {
			continue
		}
		for _, w := range [][2]string{{"", ""}, {"kind", k.Kind}, {"class", k.Class}, {"user", k.User}, {"room", k.Room}, {"link", k.Link}} {
			if w[0] != "" && w[1] == "" {
				continue
			}
			id := [3]string{k.Peer, w[0], w[1]}
			s := sums[id]
			if s == nil {
				s = &Spent{Peer: k.Peer, What: w[0], Name: w[1]}
				sums[id] = s
			}
			if k.Dir == meter.In {
				s.In.add(t)
			} else {
				s.Out.add(t)
			}
		}
	}
	list := make([]Spent, 0, len(sums))
	for _, s := range sums {
		list = append(list, *s)
	}
	order := []string{"", "kind", "class", "user", "room", "link"}
	slices.SortFunc(list, func(a, b Spent) int {
		return cmp.Or(cmp.Compare(a.Peer, b.Peer), cmp.Compare(slices.Index(order, a.What), slices.Index(order, b.What)),
			cmp.Compare(b.Out.Air+b.In.Air, a.Out.Air+a.In.Air), cmp.Compare(b.Out.Wire+b.In.Wire, a.Out.Wire+a.In.Wire), cmp.Compare(a.Name, b.Name))
	})
	return list
}

func (t *Totals) add(u meter.Totals) {
	t.Stanzas += u.Stanzas
	t.Again += u.Again
	t.Dropped += u.Dropped
	t.Raw += u.Raw
	t.Folded += u.Folded
	t.Wire += u.Wire
	t.Air += u.Air.Seconds()
}
