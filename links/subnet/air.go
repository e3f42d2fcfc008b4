package subnet

import (
	"context"
	"errors"
	"fmt"
	"time"

	"longwire/links/dts"
	"longwire/links/modem"
)

// Choice: a client that has several U_PDUs gives them one after the other. The first one waits so long for the others: on a channel that is
// free it would go alone, and they would wait for its acknowledgement.
const gatherFor = 50 * time.Millisecond

// A job is one transmission.
type job struct {
	ctx   context.Context
	stop  context.CancelFunc // breaks it off
	bits  []byte
	wave  modem.Waveform
	began time.Time
	cut   bool // it was broken off
	what  *dts.Transmission
}

// transmit keys the modem if it is our turn.
func (n *Node) transmit(now time.Time) {
	if n.sending != nil || n.silent() || now.Before(n.gather) {
		return
	}
	t := n.cas.Transmit(now)
	if t == nil {
		return
	}
	ctx, stop := context.WithCancel(context.Background())
	n.sending = &job{ctx: ctx, stop: stop, bits: t.Data, wave: n.waveform(t.Timing), began: now, what: t}
	n.counts.Transmissions++
	n.tx <- *n.sending // there is room: the sender has no other
}

// overtake lets what is urgent into the transmission that is on the air, if the modem can do that.
func (n *Node) overtake() {
	m, ok := n.modem.(modem.Amender)
	if j := n.sending; !ok || j == nil || j.cut || !n.cas.Station().Overtakes() {
		return
	}
	old := n.sending.what
	err := m.Amend(func(from int) []byte {
		t := n.cas.Station().Amend(from)
		if t == nil {
			return nil
		}
		n.sending.what = t
		return t.Data
	})
	changed := n.sending.what != old
	switch {
	case errors.Is(err, modem.ErrTooLate) && changed:
		n.sending.what = old
		n.cas.Station().Unamend()
	case errors.Is(err, modem.ErrTooLate):
	case err != nil:
		n.log.Warn("it is not known whether something urgent overtakes", "err", err)
	case changed:
		n.counts.Overtakings++
	}
}

// account counts and traces what was sent until now.
func (n *Node) account(now time.Time) {
	t := n.sending.what
	at := n.sending.began.Add(t.Timing.Preamble)
	for _, f := range t.Frames {
		if n.sending.cut && at.After(now) {
			break
		}
		n.counts.BitsSent += 8 * uint64(len(f))
		n.counts.sent(f)
		n.trace(at, true, f)
		at = at.Add(time.Duration(8*len(f)) * time.Second / time.Duration(t.Timing.Rate))
	}
}

func (n *Node) trace(at time.Time, sent bool, raw []byte) {
	if n.cfg.Trace != nil {
		n.cfg.Trace(Frame{At: at, Sent: sent, Raw: raw})
	}
}

// send is the sender.
func (n *Node) send(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case j := <-n.tx:
			unlink := context.AfterFunc(ctx, j.stop)
			err := n.modem.Send(j.ctx, j.bits, j.wave)
			unlink()
			n.inbox.post(func(now time.Time) { n.sent(now, err) })
		}
	}
}

// sent is what follows the end of a transmission.
func (n *Node) sent(now time.Time, err error) {
	j := n.sending
	if j == nil {
		return
	}
	if err != nil && !j.cut {
		n.counts.SendErrors++
		n.log.Error("transmission failed", "err", err)
	}
	j.cut = j.cut || err != nil
	n.counts.Air += now.Sub(j.began)
	n.account(now)
	n.cas.Sent(now)
	n.settle(now)
	j.stop()
	n.sending = nil
}

// twin notes a D_PDU from our own address that we did not send.
func (n *Node) twin(now time.Time) {
	n.counts.Twin++
	if n.toldTwin.IsZero() || now.Sub(n.toldTwin) >= time.Hour {
		n.toldTwin = now
		n.log.Warn("another station sends from our address; give one of the two another address", "address", n.cfg.Address)
	}
}

// A reception is the signal that comes in.
type reception struct {
	scan  dts.Scanner
	open  bool      // some of it is in the scanner
	start time.Time // of its first bit
	got   int64     // bits since
	wave  modem.Waveform

	// What of it was for us, by ARQ.
	peer       dts.Address
	next       int64 // bit behind the last D_PDU
	bits, lost int64
}

func bitTime(n int64, rate int) time.Duration {
	return time.Duration(n) * time.Second / time.Duration(max(1, rate))
}

// receive is the receiver. It ends when the modem does.
func (n *Node) receive(ctx context.Context) error {
	for {
		e, err := n.modem.Recv(ctx)
		if err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return fmt.Errorf("subnet: receiving: %w", err)
		}
		n.inbox.post(func(now time.Time) { n.heard(now, e) })
	}
}

// heard takes what the modem tells.
func (n *Node) heard(now time.Time, e modem.Event) {
	switch e.Kind {
	case modem.CarrierOn:
		n.cas.Carrier(now, true)
	case modem.Data:
		if !n.in.open {
			n.in = reception{scan: n.in.scan, open: true, start: e.Start, wave: e.Waveform}
		}
		// A modem may leave out blocks that it lost: what follows was on the air later than its bits tell.
		if late := e.Start.Sub(n.in.start) - bitTime(n.in.got, n.in.wave.Rate); late > n.in.wave.Block/2 {
			n.in.scan.End()
			n.read(now)
			missing := int64(late) * int64(n.in.wave.Rate) / int64(time.Second)
			n.in.start, n.in.next, n.in.got = e.Start, n.in.next-n.in.got-missing, 0
		}
		_, _ = n.in.scan.Write(e.Bits)
		n.in.got += 8 * int64(len(e.Bits))
		n.read(now)
	case modem.CarrierOff:
		if n.in.open {
			n.in.scan.End()
			n.read(now)
			n.in.open = false
			n.counts.Receptions++
			n.judge()
		}
		n.cas.Carrier(now, false) // only now: the D_PDUs tell who may speak next
	}
}

// read takes the D_PDUs found so far.
func (n *Node) read(now time.Time) {
	for {
		f, ok := n.in.scan.Next()
		if !ok {
			return
		}
		at := n.in.start.Add(bitTime(f.Bit, n.in.wave.Rate))
		if at.After(now) {
			at = now
		}
		n.counts.received(&f)
		n.trace(at, false, f.Raw)
		if f.PDU.From == n.cfg.Address && n.sending == nil && f.Fault == nil {
			n.twin(now)
		}
		if f.Fault != nil {
			n.cas.Invalid(now, at, &f.PDU)
			continue
		}
		n.measure(&f)
		n.cas.Receive(now, at, &f.PDU)
	}
}
