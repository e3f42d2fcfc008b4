package main

import "longwire/links/codec"

// traffic is a file, and what links make of it.
type traffic struct {
	list   []*record
	folded []run
}

// provision is what the two nodes of a way know of each other by configuration, if they do.
func (t *traffic) provision(w way, provisioned bool) codec.Provision {
	if !provisioned {
		return codec.Provision{}
	}
	var own []*record
	for _, r := range t.list {
		if r.Session == w.session {
			own = append(own, r)
		}
	}
	return provisionOf(own)
}

func newTraffic(list []*record) (t *traffic, err error) {
	t = &traffic{list: list}
	rooms, foldings := roomDomains(list), map[int]*folding{}
	t.folded, err = runsOf(list, func(r *record) (*item, error) {
		f := foldings[r.Session]
		if f == nil {
			var err error
			if f, err = newFolding(rooms); err != nil {
				return nil, err
			}
			foldings[r.Session] = f
		}
		return f.fold(r)
	})
	return t, err
}

// everything is each element by itself, as it stands.
func (t *traffic) everything() (out []run, err error) {
	for _, r := range t.list {
		out = append(out, run{r.way(), []item{{record: r, sent: []byte(r.Text), text: []byte(r.Text)}}})
	}
	return out, nil
}

// whole is all stanzas as they stand.
func (t *traffic) whole() ([]run, error) {
	return runsOf(t.list, func(r *record) (*item, error) {
		if r.isSM() {
			return nil, nil
		}
		return &item{record: r, sent: []byte(r.Text)}, nil
	})
}

// less is what is left of them by folding.
func (t *traffic) less() ([]run, error) { return t.folded, nil }
