// Package subnet is a whole STANAG 5066 node: clients of its sis.Server at one end, a modem at the other, and between them the S_PDUs of
// links/spdu, the links of links/cas and the D_PDUs of links/dts.
package subnet

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"longwire/links/cas"
	"longwire/links/dts"
	"longwire/links/modem"
	"longwire/links/sis"
	"longwire/links/spdu"
)

// Config is what a Node is made of. Zero fields mean the default.
type Config struct {
	Name       string // for logs
	Address    dts.Address
	Groups     []dts.Address // listened to besides Broadcast
	Waveform   modem.Waveform
	Turnaround time.Duration // from the end of another's signal to the beginning of ours, at the most; 2 s, negative: none

	CAS cas.Config       // links, and by its DTS the data transfer; address, groups, timing and queue come from here
	SIS sis.ServerConfig // clients; its MaxTTL counts in radio time

	EMCON     bool // begin silent
	TTD       bool // our clock is right: send a time to die, and heed that of others
	FixedRate bool // never change rate, whatever a peer asks for or advises

	HardLinkRank uint8         // of hard links of types 0 and 1 that others make, which S_PDUs do not tell; 0
	HardLinkWait time.Duration // for an answer about a hard link; 2 min
	HardLinkIdle time.Duration // a hard link made by others is broken when nothing went over it for so long; 6 h, negative: never
	ClientWait   time.Duration // for a client's confirmation when its node has confirmed; 5 min

	// Trace is given each D_PDU that was sent, when the signal is over, and each that is received. It is called by one goroutine and must
	// not keep the bytes, nor call the Node.
	Trace func(Frame)
	Log   *slog.Logger
}

// A Frame is a D_PDU as it was on the air.
type Frame struct {
	At   time.Time // radio time of its first bit
	Sent bool      // by us
	Raw  []byte
}

func (c *Config) check() error {
	if c.Waveform.Rate <= 0 {
		return errors.New("subnet: no waveform")
	}
	set(&c.Turnaround, 2*time.Second)
	c.Turnaround = max(0, c.Turnaround)
	set(&c.HardLinkWait, 2*time.Minute)
	set(&c.HardLinkIdle, 6*time.Hour)
	set(&c.ClientWait, 5*time.Minute)
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.SIS.Log == nil {
		c.SIS.Log = c.Log
	}
	c.CAS.Broadcast = c.CAS.Broadcast || c.SIS.BroadcastOnly
	c.SIS.BroadcastOnly = c.CAS.Broadcast
	d := &c.CAS.DTS
	d.Address, d.Groups, d.Timing = c.Address, c.Groups, c.Waveform.Timing(c.Turnaround)
	if d.MaxQueue == 0 {
		d.MaxQueue = maxQueued // the server stops clients long before
	}
	return nil
}

// The most bytes that wait: more than the server takes from 16 clients.
const maxQueued = 1 << 27

func set(d *time.Duration, v time.Duration) {
	if *d == 0 {
		*d = v
	}
}

// A Node is one STANAG 5066 node. Its methods may be called by anyone.
//
//	clients - sis.Server - Handler calls -\                              /- sender - modem
//	                                       inbox - loop: spdu, cas, dts -
//	modem - receiver - events ------------/                              \- sis.Port.Send, Request.Confirm
//
// Three goroutines belong to Run. The receiver and the sender wait for the modem; the loop waits for what is in the inbox, and for the
// time. Whoever puts something into the inbox never waits. mu guards the state: the loop has it while it works, others to look or to
// stop a transmission. Times are radio time, by the modem's clock, but for those of the Server.
type Node struct {
	cfg   Config
	log   *slog.Logger
	modem modem.Modem
	clock modem.Clock
	sis   *sis.Server
	inbox inbox
	tx    chan job

	mu        sync.Mutex
	cas       *cas.Node
	hard      spdu.HardLinks
	out       map[dts.ID]*outgoing // what dts has
	held      []*outgoing          // what a hard link of others keeps waiting
	asking    []*outgoing          // what waits for a client's confirmation, the oldest first
	owed      map[dts.ID]*answer   // on their way to far clients
	shelves   [16]shelf            // by SAP
	unsaid    []*answer            // that could not be said, the oldest first
	hang      map[dts.Address]*farewell
	waves     map[dts.Address]modem.Waveform // for peers that do not get cfg.Waveform
	in        reception
	emcon     bool
	lost      error // the modem is, by this
	broadcast bool
	sending   *job
	gather    time.Time // until then nothing is sent, so that more can come
	counts    Counts
	quality   map[dts.Address]*quality
	lastHard  time.Time // when something last went over the hard link
	toldTwin  time.Time // when the log was last told of another station with our address
}

// New makes a Node. The modem stays the caller's to close, after Run.
func New(cfg Config, m modem.Modem) (*Node, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	n := &Node{cfg: cfg, log: cfg.Log, modem: m, clock: m.Clock(), inbox: inbox{wake: make(chan struct{}, 1)}, tx: make(chan job, 1),
		out: map[dts.ID]*outgoing{}, owed: map[dts.ID]*answer{}, hang: map[dts.Address]*farewell{},
		waves: map[dts.Address]modem.Waveform{}, quality: map[dts.Address]*quality{}}
	n.cfg.CAS.DTS.RateAllowed = n.rateAllowed
	if cfg.FixedRate {
		n.cfg.CAS.DTS.RateAllowed = nil
	}
	var err error
	if n.cas, err = cas.New(n.cfg.CAS); err != nil {
		return nil, fmt.Errorf("subnet: %w", err)
	}
	n.sis = sis.NewServer(cfg.SIS, handler{n})
	n.hard = spdu.HardLinks{Address: cfg.Address, Rank: cfg.HardLinkRank, Timeout: cfg.HardLinkWait, Bound: n.bound}
	n.broadcast = n.cfg.CAS.Broadcast
	n.SetEMCON(cfg.EMCON)
	return n, nil
}

// SIS is where clients come in: by Serve or Carry of the Server, while Run runs.
func (n *Node) SIS() *sis.Server { return n.sis }

// Run is the node's life. It returns nil when ctx is done, and breaks off what is on the air; else what the modem says. A modem.Redial,
// whose tell is SetModemLost, keeps it alive when the modem is lost.
func (n *Node) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	var tasks sync.WaitGroup
	tasks.Go(func() { n.send(ctx) })
	tasks.Go(func() {
		if err := n.receive(ctx); err != nil {
			cancel(err)
		}
	})
	n.loop(ctx)
	cancel(nil)
	tasks.Wait()
	if err := context.Cause(ctx); !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return nil
}

// SetBroadcastOnly begins or ends a broadcast session: no ARQ, no links.
func (n *Node) SetBroadcastOnly(on bool) {
	n.sis.SetBroadcastOnly(on)
	n.inbox.post(func(now time.Time) {
		n.broadcast = on
		n.cas.SetBroadcast(now, on)
	})
}

func sisAddress(a dts.Address) sis.Address { return sis.Address(0xE0000000 | uint32(a)) }

func dtsAddress(a sis.Address) dts.Address { return dts.Address(uint32(a) & 0x1FFFFFFF) }
