package node

import (
	"context"
	"time"

	"longwire/firmware/update"
	"longwire/store"
)

// keepFormat is the highest format that the store may have; 0: any. While a system is on trial it is that of the one before.
func (n *Node) keepFormat() uint64 {
	keep, err := update.KeepFormat()
	if err != nil {
		n.log.Error("whether a system is on trial is not known; the store keeps its format", "err", err)
	}
	n.kept.Store(keep != 0)
	return keep
}

// trialEvery is how often a node whose store keeps its format looks whether the trial is over.
const trialEvery = 10 * time.Second

// watchFormat brings the store to the newest format when a system has been kept.
func (n *Node) watchFormat(ctx context.Context, ready func()) error {
	ready()
	if !n.kept.Load() {
		<-ctx.Done()
		return nil
	}
	tick := time.NewTicker(trialEvery)
	defer tick.Stop()
	for n.kept.Load() {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		if keep, err := update.KeepFormat(); err != nil || keep != 0 {
			continue
		}
		if n.db.Format() < store.Newest {
			if err := n.db.Migrate(); err != nil {
				n.log.Error("the store keeps its format for now", "err", err)
				continue
			}
			n.log.Info("the trial is over; the store has the newest format", "format", n.db.Format())
		}
		n.kept.Store(false)
	}
	<-ctx.Done()
	return nil
}
