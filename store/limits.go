package store

import (
	"math"
	"time"

	"go.etcd.io/bbolt"
)

// withDefaults fills in what is zero.
func (o Options) withDefaults() Options {
	if o.LockWait <= 0 {
		o.LockWait = time.Second
	}
	if o.SpoolMax <= 0 {
		o.SpoolMax = 500
	}
	if o.SpoolSize <= 0 {
		o.SpoolSize = 2 << 20
	}
	if o.FatesMax <= 0 {
		o.FatesMax = 500
	}
	if o.FatesKeep <= 0 {
		o.FatesKeep = 7 * 24 * time.Hour
	}
	return o
}

// SetLimits changes MaxBytes, SlowSync, SpoolMax, SpoolSize, FatesMax and FatesKeep of an open store; the other Options stay. A store that was
// full tries at once whether it fits the new bound. It must not be called from an op, a done or a View.
//
// A bound below the present size makes the file full; it does not shrink it.
func (db *DB) SetLimits(o Options) {
	o = o.withDefaults()
	// On the committer, which alone reads them.
	_ = db.wait(operation{fn: func(*Tx) error {
		db.opt.MaxBytes, db.opt.SlowSync, db.opt.SpoolMax, db.opt.SpoolSize = o.MaxBytes, o.SlowSync, o.SpoolMax, o.SpoolSize
		db.opt.FatesMax, db.opt.FatesKeep = o.FatesMax, o.FatesKeep
		bound(db.bolt, o.MaxBytes)
		return nil
	}})
	if db.Health().Err != nil {
		_ = db.Probe() // its outcome is the health
	}
}

// bound tells bbolt how large the file may grow, and makes it grow in steps that fit.
func bound(bolt *bbolt.DB, maxBytes int64) {
	bolt.AllocSize, bolt.MaxSize = growStep, 0
	if maxBytes > 0 {
		bolt.AllocSize = int(min(growStep, max(maxBytes/16/pageSize, 1)*pageSize))
		bolt.MaxSize = int(min(maxBytes, math.MaxInt))
	}
}
