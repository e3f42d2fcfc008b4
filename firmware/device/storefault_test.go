package device

import (
	"context"
	"sync/atomic"
	"testing"

	"longwire/firmware/admin"
)

func TestAFaultOfTheStoreCountsIfTheTrialBroughtIt(t *testing.T) {
	r := newRig(t)
	fault := atomic.Value{}
	fault.Store("")
	r.o.Probe = func(ctx context.Context, socket string) (admin.Status, error) {
		s, err := probe(ctx, socket)
		s.Store.Fault = fault.Load().(string)
		return s, err
	}
	r.begin()
	r.await("(needs attention)", 1)
	port := freePort(t)
	r.plug("/dev/sda1", false, map[string][]byte{"field.lwb": r.bundle(1, nodeDoc(port), "")})
	r.await("settings number 1 are kept", 1)
	r.await("(working)", 1)
	fault.Store("no space left on device")
	r.await("needs attention: the node's store has a fault: no space left on device", 1)

	// Full as it is, the kit takes other settings, and stays red.
	r.plug("/dev/sdb1", false, map[string][]byte{"field.lwb": r.bundle(2, nodeDoc(port)+"# two\n", "")})
	r.await("settings number 2 are kept", 1)
	r.await("(needs attention)", 3)

	// So it does over a start of the machine.
	r.end()
	s := r.withSystem()
	s.trial, s.told = true, "version v2 is on trial"
	r.begin()
	r.await("is called good; version v2 runs and is healthy", 1)
	r.end()

	// Another fault is the trial's.
	s.trial = true
	fault.Store("a record of a version that is unknown")
	r.begin()
	r.await("has to prove itself", 2)
	s.mu.Lock()
	s.sick = true
	s.mu.Unlock()
	r.await("did not get healthy: the node's store has a fault: a record of a version that is unknown", 1)
}
