package node

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"longwire/firmware/config"
	"longwire/firmware/telemetry"
	"longwire/links"
	"longwire/links/fold"
	"longwire/links/meter"
	"longwire/store"
	"longwire/xmpp/jid"
	"longwire/xmpp/s2s"
	"longwire/xmpp/stanza"
)

// A record keeps accounts of what the links do: in the ledger what was spent on what, for budgets and for operators, and as telemetry each
// step, for later.
//
//	links -> Node.trace -> record.event -+-> meter.Ledger -> air.json, once a minute
//	folding -> Node.folded --------------+-> telemetry.Writer -> the folder
//	once a while: queues, emcon, clock --+
type record struct {
	log     *slog.Logger
	db      *store.DB
	ledger  *meter.Ledger
	path    string // of the saved ledger
	states  func() []telemetry.LinkFigure
	carrier func(peer string) string // the link that carries; nil, "": not known
	silent  func() map[string]bool   // links, and whether they are under EMCON; nil: none

	mu      sync.Mutex // guards what follows
	cfg     *config.Config
	writer  *telemetry.Writer // nil: off
	changed chan struct{}     // closed and replaced with the writer
	remote  map[[2]string]string
	sent    map[sentKey]time.Time // when an entry was first sent
	up      map[[2]string]time.Time
	carried map[string]string // by peer: the link that carried last
	booked  bool              // something since the ledger was saved
}

type sentKey struct {
	peer  string
	entry uint64
}

// maxSent bounds what is remembered of entries on their way; those beyond are confirmed without a time.
const maxSent = 4096

func newRecord(cfg *config.Config, db *store.DB, log *slog.Logger) *record {
	r := &record{log: log, db: db, path: cfg.AirPath(), changed: make(chan struct{}),
		remote: make(map[[2]string]string), sent: make(map[sentKey]time.Time), up: make(map[[2]string]time.Time), carried: make(map[string]string)}
	now := time.Now()
	b, err := os.ReadFile(r.path)
	if err == nil {
		r.ledger, err = meter.Load(b, now)
	}
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			log.Warn("what was spent in the last hour is not known", "file", r.path, "err", err)
		}
		r.ledger = meter.NewLedger(now)
	}
	r.set(cfg)
	return r
}

// set makes the record that of a configuration.
func (r *record) set(cfg *config.Config) {
	r.mu.Lock()
	defer r.mu.Unlock()
	old := r.cfg
	r.cfg = cfg
	r.ledger.SetBudgets(time.Now(), budgets(cfg))
	if old != nil && old.Telemetry == cfg.Telemetry && old.NodeTelemetryPath() == cfg.NodeTelemetryPath() {
		return
	}
	r.writer = nil
	if cfg.Telemetry.Enabled {
		r.writer = telemetry.NewWriter(telemetry.Options{Folder: cfg.NodeTelemetryPath(), Max: int64(cfg.Telemetry.MaxSize), Log: r.log})
	}
	close(r.changed)
	r.changed = make(chan struct{})
}

// writing is where telemetry goes; nil: nowhere.
func (r *record) writing() *telemetry.Writer {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.writer
}

// run writes telemetry, looks at what no event tells of, and saves the ledger, until ctx is done.
func (r *record) run(ctx context.Context) error {
	var tasks sync.WaitGroup
	defer tasks.Wait()
	tasks.Go(func() { r.sample(ctx) })
	for {
		r.mu.Lock()
		w, changed, addr := r.writer, r.changed, r.cfg.Telemetry.Prometheus
		r.mu.Unlock()
		writing, stop := context.WithCancel(ctx)
		var of sync.WaitGroup
		if w != nil {
			of.Go(func() { _ = w.Run(writing) }) // it has no error
			if addr != "" {
				of.Go(func() { r.serveMetrics(writing, addr) })
			}
		}
		select {
		case <-ctx.Done():
		case <-changed:
		}
		stop()
		of.Wait()
		if ctx.Err() != nil {
			return nil
		}
	}
}

// put notes a record in the folder of the peer's address on that link.
func (r *record) put(link string, t telemetry.Record) {
	if w := r.writing(); w != nil {
		w.Put(r.address(t.Peer, link), t)
	}
}

// address is that of a peer on a link: as configured, or as it was last heard from; without a link the first that has one.
func (r *record) address(peer, link string) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := range r.cfg.Peers {
		p := &r.cfg.Peers[i]
		if p.Name != peer {
			continue
		}
		for _, name := range p.Links {
			l := r.cfg.Link(name)
			if l == nil || link != "" && link != name {
				continue
			}
			at := l.RemoteAddress
			if l.Type == config.LinkS5066 {
				at = p.S5066.Remote5066Address
			}
			if at == "" {
				at = r.remote[[2]string{name, peer}]
			}
			if at != "" {
				return at
			}
		}
	}
	if peer == "" {
		return "node"
	}
	return "peer-" + peer
}

// event keeps accounts of one step on a link.
func (r *record) event(e links.Event) {
	t := telemetry.Record{At: e.At, Peer: e.Peer, Link: e.Link, Cause: e.Reason, Lane: e.Lane, Entry: e.Entry, Seq: e.Seq, Again: e.Again, Batch: e.Batch,
		Raw: e.Raw, Folded: e.Folded, Compressed: e.Compressed, Wire: e.Wire, AirMS: milliseconds(e.Air)}
	switch e.Kind {
	case links.EventUp, links.EventDown:
		r.contact(e, &t)
	case links.EventSent:
		m := r.sentMessage(e)
		r.book(e.At, m)
		t.Kind, t.Dir, t.Type, t.Class, t.User, t.Room = telemetry.Stanza, telemetry.Out, m.Kind, m.Class, m.User, m.Room
		r.begin(e)
	case links.EventReceived:
		m := r.receivedMessage(e)
		r.book(e.At, m)
		t.Kind, t.Dir, t.Type, t.Class, t.User, t.Room = telemetry.Stanza, telemetry.In, m.Kind, m.Class, m.User, m.Room
	case links.EventConfirmed:
		t.Kind, t.Type, t.Class = telemetry.Confirm, kindWord(e.Type), classWord(e.Class)
		t.Raw, t.Lasted = 0, r.end(e)
	case links.EventDuplicate:
		t.Kind, t.Dir = telemetry.Duplicate, telemetry.In
		if e.Stanza != nil {
			t.Type = kindWord(s2s.KindOf(e.Stanza))
		}
	case links.EventCarrier:
		t.Kind = telemetry.Carrier
		r.mu.Lock()
		t.Old, r.carried[e.Peer] = r.carried[e.Peer], e.Link
		r.mu.Unlock()
	case links.EventCodec:
		t.Kind = telemetry.Codec
	case links.EventRejected:
		t.Kind, t.Dir, t.Raw = telemetry.Reject, telemetry.Out, 0
	default:
		return
	}
	r.put(e.Link, t)
}

func milliseconds(d time.Duration) int64 {
	if d > 0 && d < time.Millisecond {
		return 1
	}
	return d.Milliseconds()
}

// contact notes where the peer was met, and how long.
func (r *record) contact(e links.Event, t *telemetry.Record) {
	t.Kind, t.State, t.Remote = telemetry.Contact, "up", e.Remote
	key := [2]string{e.Link, e.Peer}
	r.mu.Lock()
	defer r.mu.Unlock()
	if e.Kind == links.EventUp {
		r.up[key] = e.At
		if e.Remote != "" {
			r.remote[key] = host(e.Remote)
		}
		return
	}
	t.State = "down"
	if at, ok := r.up[key]; ok {
		t.Lasted = max(0, e.At.Sub(at).Seconds())
		delete(r.up, key)
	}
}

// host is an address without the port.
func host(remote string) string {
	if i := strings.LastIndexByte(remote, ':'); i > 0 && (strings.Count(remote, ":") == 1 || remote[i-1] == ']') {
		remote = remote[:i]
	}
	return strings.Trim(remote, "[]")
}

func (r *record) begin(e links.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	k := sentKey{e.Peer, e.Entry}
	if _, ok := r.sent[k]; !ok && len(r.sent) < maxSent {
		r.sent[k] = e.At
	}
}

// end is how many seconds ago an entry was first sent; 0: not known.
func (r *record) end(e links.Event) float64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	k := sentKey{e.Peer, e.Entry}
	at, ok := r.sent[k]
	delete(r.sent, k)
	if !ok {
		return 0
	}
	return max(0, e.At.Sub(at).Seconds())
}

func (r *record) book(now time.Time, m meter.Message) {
	r.ledger.Book(now, m)
	r.mu.Lock()
	r.booked = true
	r.mu.Unlock()
}

// sentMessage is what an entry took.
func (r *record) sentMessage(e links.Event) meter.Message {
	from, _ := jid.Parse(e.From) // of the queue, which had it from a stanza
	to, _ := jid.Parse(e.To)
	m := meter.Message{Key: r.key(e.Peer, from, to, e.Type, e.Class), Entry: e.Entry, Totals: totals(e)}
	m.Link = e.Link
	if !e.Again {
		r.ledger.Release(e.At, m.Key, r.estimate(e.Peer, e.Raw))
	}
	return m
}

func totals(e links.Event) meter.Totals {
	t := meter.Totals{Stanzas: 1, Raw: uint64(e.Raw), Folded: uint64(e.Folded), Compressed: uint64(e.Compressed), Wire: uint64(e.Wire), Air: e.Air}
	if e.Again {
		t.Again = 1
	}
	return t
}

// receivedMessage is what one of the peer's took.
func (r *record) receivedMessage(e links.Event) meter.Message {
	if e.Stanza == nil {
		return meter.Message{Key: meter.Key{Peer: e.Peer, Link: e.Link, Kind: kindWord(store.KindChat), Class: classWord(store.ClassRoutine), Dir: meter.In}, Totals: totals(e)}
	}
	kind := s2s.KindOf(e.Stanza)
	m := meter.Message{Key: r.key(e.Peer, e.Stanza.To, e.Stanza.From, kind, kind.Class()), Totals: totals(e)}
	m.Link, m.Dir = e.Link, meter.In
	return m
}

// key is whose a stanza's cost is: ours is the end on this side.
func (r *record) key(peer string, ours, theirs jid.JID, kind store.Kind, class store.Class) meter.Key {
	r.mu.Lock()
	cfg := r.cfg
	r.mu.Unlock()
	k := meter.Key{Peer: peer, Kind: kindWord(kind), Class: classWord(class)}
	switch {
	case ours.Local() == "":
	case slices.Contains(cfg.RoomService.Domains, ours.Domain()):
		k.Room = ours.Bare().String()
		return k
	default:
		k.User = ours.Bare().String()
	}
	if kind == store.KindGroupchat && theirs.Local() != "" {
		k.Room = theirs.Bare().String()
	}
	return k
}

// kindWord is a kind in words of telemetry.
func kindWord(k store.Kind) string {
	switch k {
	case store.KindGroupchat:
		return "groupchat"
	case store.KindIQ:
		return "iq"
	case store.KindPresence:
		return "presence"
	case store.KindReceipt:
		return "receipt"
	case store.KindState:
		return "state"
	}
	return "chat"
}

func classWord(c store.Class) string {
	switch c {
	case store.ClassState:
		return "state"
	case 0:
		return ""
	}
	return c.String()
}

// folded notes what folding made of a stanza that was to cross, once it is committed.
func (r *record) folded(peer string, inbound bool, s *stanza.Stanza, f fold.Result) {
	w := r.writing()
	ours, theirs := s.From, s.To
	t := telemetry.Record{At: time.Now(), Peer: peer, Dir: telemetry.Out}
	if inbound {
		ours, theirs, t.Dir = s.To, s.From, telemetry.In
	}
	kind := s2s.KindOf(s)
	k := r.key(peer, ours, theirs, kind, kind.Class())
	t.Type, t.User, t.Room, t.Raw = k.Kind, k.User, k.Room, len(s.Bytes())
	if w != nil && !inbound {
		o := t
		o.User, o.Room = "", "" // outlines have pseudonyms
		w.PutOutline(r.address(peer, ""), o, s)
	}
	if f.Saved == 0 && f.Stanza != nil {
		return
	}
	r.spared(k, t, f, inbound)
	if w != nil {
		r.put("", foldLine(t, f))
	}
}

// leftOut notes that an entry that was queued is not sent after all, by the rules of the link that carries, or as the peer knows it.
func (r *record) leftOut(peer, link string, s *stanza.Stanza, d fold.Done) {
	r.less(peer, link, s, fold.Result{Reason: d.Reason, Saved: len(s.Bytes())})
}

// less notes that the link that carries has rules of its own.
func (r *record) less(peer, link string, s *stanza.Stanza, f fold.Result) {
	kind := s2s.KindOf(s)
	k := r.key(peer, s.From, s.To, kind, kind.Class())
	t := telemetry.Record{At: time.Now(), Peer: peer, Link: link, Dir: telemetry.Out, Type: k.Kind, User: k.User, Room: k.Room, Raw: len(s.Bytes())}
	k.Link = link
	r.put("", foldLine(t, f))
	if f.Stanza == nil { // what was queued is counted when it is sent
		r.spared(k, t, f, false)
	}
}

// spared books what did not have to be sent.
func (r *record) spared(k meter.Key, t telemetry.Record, f fold.Result, inbound bool) {
	m := meter.Message{Key: k, Totals: meter.Totals{Raw: uint64(max(f.Saved, 0))}}
	if inbound {
		m.Dir = meter.In
	}
	if f.Stanza == nil {
		m.Dropped, m.Raw = 1, uint64(t.Raw)
	}
	r.book(t.At, m)
}

func foldLine(t telemetry.Record, f fold.Result) telemetry.Record {
	t.Kind, t.Cause, t.Saved = telemetry.Fold, string(f.Reason), f.Saved
	if f.Stanza == nil {
		t.Saved = t.Raw
	} else {
		t.Folded = t.Raw - f.Saved
	}
	at := make(map[int]int)
	for _, c := range f.Cuts {
		if _, ok := at[c.Rule]; !ok {
			at[c.Rule] = len(t.Cuts)
			t.Cuts = append(t.Cuts, telemetry.Cut{Rule: c.Rule})
		}
		t.Cuts[at[c.Rule]].Bytes += c.Bytes
	}
	if f.Reason == fold.ByRule {
		t.Cuts = []telemetry.Cut{{Rule: f.Rule, Bytes: t.Raw}}
	}
	return t
}

// Ledger is what was spent on what.
func (n *Node) Ledger() *meter.Ledger { return n.record.ledger }
