package codec_test

import (
	"fmt"
	"sync"
	"testing"

	"longwire/links/codec"
)

// Links of many peers begin at once, while the snapshot is being read.
func TestModelsOfOneLoreWorkTogether(t *testing.T) {
	base := small("the boat is late", "the bridge is closed")
	snap := small("the boat is late", "the bridge is closed").Snapshot()
	var all sync.WaitGroup
	sizes := make([]int, 8)
	for i := range sizes {
		all.Go(func() {
			l, err := base.With(codec.Provision{JIDs: []string{fmt.Sprintf("a%d@x.example", i%2)}, Phrases: []string{"all well"}})
			if err != nil {
				t.Error(err)
				return
			}
			switch i % 3 {
			case 0:
				base.Prime()
			case 1:
				l.Prime()
			case 2:
				if err := base.Restore(snap); err != nil {
					t.Error(err)
				}
			}
			_ = l.ID()
			m := l.Model()
			for _, s := range stanzas {
				s, err := codec.Canonical(s)
				if err != nil {
					t.Error(err)
					return
				}
				sizes[i] += size(m, s)
			}
		})
	}
	all.Wait()
	for i := range sizes {
		if sizes[i] != sizes[i%2] {
			t.Errorf("%d bytes, and %d of another model that knows the same", sizes[i], sizes[i%2])
		}
	}
}
