package fmuc

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"longwire/store"
)

func (p *peer) print() string {
	rec := p.rec
	rec.Since, rec.Seen = time.Time{}, time.Time{}
	s := fmt.Sprint(rec, p.rec.Since.UTC(), p.rec.Seen.UTC(), p.real, p.told)
	for _, nick := range slices.Sorted(maps.Keys(p.occ)) {
		s += fmt.Sprintf(" %+v", *p.occ[nick])
	}
	return s
}

// Check compares what the Service remembers with its records, which must say the same. Nothing may be under way.
func (s *Service) Check() (err error) {
	for j, r := range s.rooms {
		e := s.host.DB().View(func(tx *store.Tx) error {
			was := &room{s: s, jid: j}
			if err := was.load(tx); err != nil {
				return err
			}
			if len(was.peers) != len(r.peers) {
				return fmt.Errorf("%s: %d peers in memory, %d in the file", j, len(r.peers), len(was.peers))
			}
			for _, p := range r.peers {
				w := was.find(p.jid)
				if w == nil {
					return fmt.Errorf("%s: %s is not in the file", j, p.jid)
				}
				if a, b := p.print(), w.print(); a != b {
					return fmt.Errorf("%s and %s:\nin memory   %s\nin the file %s", j, p.jid, a, b)
				}
			}
			return nil
		})
		if e != nil {
			err = e
		}
	}
	return err
}
