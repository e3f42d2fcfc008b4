package device

import (
	"time"

	"longwire/firmware/admin"
	"longwire/firmware/host"
)

// offBy is how far the clock may be from headquarters' time before that is worth a look: pairing tells whole seconds, and takes some on the air.
const offBy = 30 * time.Second

// headquartersTime tells what time it is at the headquarters that has answered this kit, if the clock is off by more than that is good for.
func headquartersTime(s admin.Status, now time.Time) (at time.Time, off bool) {
	at = s.HeadquartersTime
	return at, !at.IsZero() && at.Sub(now).Abs() > offBy
}

// askPeer sets the clock by headquarters when nothing better has, as far as the settings allow. The clock itself knows what to believe.
func (d *daemon) askPeer(s admin.Status) {
	at, off := headquartersTime(s, time.Now())
	if !off || !d.fromPeers || d.o.Clock == nil {
		return
	}
	switch changed, err := d.o.Clock.SetTime(host.Peer, at); {
	case changed && err == nil:
		d.say("the clock is set by headquarters: it is %s", at.UTC().Format(time.DateTime+" UTC"))
	case err != nil && err.Error() != d.peerFault:
		d.peerFault = err.Error()
		d.log.Warn("headquarters' time not taken", "err", err)
	}
}
