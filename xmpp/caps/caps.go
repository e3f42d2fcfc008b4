// Package caps knows which events the node's own clients want: it asks a client once for what its verification string
// stands for, and remembers the answer for all clients that show the same one (XEP-0115, XEP-0060 §9.2).
//
// Nobody across a peer link is ever asked: there, each question costs air, and caps are not carried.
package caps

import (
	"container/list"
	"slices"
	"strconv"
	"sync"
	"time"

	"longwire/xmpp/jid"
	"longwire/xmpp/local"
	"longwire/xmpp/markup"
	"longwire/xmpp/stanza"
)

const (
	maxKnown = 500              // verification strings that are remembered, the latest used ones
	patience = 30 * time.Second // after that, another client with the same string is asked
	maxRaw   = 4096             // octets of a <c/>
)

// Host is what the service asks of the local domains' Sink.
type Host interface {
	HandleAnswers(f func(s *stanza.Stanza))
	Resource(full jid.JID) *local.Resource
}

// Service remembers verification strings and what each client wants. Its mutex guards everything below it; no function
// of others is called with it.
type Service struct {
	host   Host
	change func(r *local.Resource, added []string)

	mu      sync.Mutex
	known   map[key]*list.Element // of order; its Value is a *meaning
	order   list.List             // latest used first
	clients map[*local.Resource]*client
	asking  map[key]*question
	asked   map[string]*question // by id
	number  uint64
}

// key is a verification string; hash "" means that it counts for its client only.
type key struct{ hash, ver string }

type meaning struct {
	key   key
	wants []string
	inner []byte // what stands in the answer to disco#info; nil when that is too long to keep
}

// client is what is known of one client. It is replaced, never changed in place, but for what settle writes.
type client struct {
	raw   string // the <c/> it showed last
	key   key
	node  string
	wants []string // sorted
	heard bool     // wants is what raw stands for
	q     *question
}

// question is a disco#info that is under way.
type question struct {
	key     key
	id      string
	r       *local.Resource
	at      time.Time
	waiting []*local.Resource // who shows the same, and gets the answer too
}

// New makes the service. change is called, not under a lock, when a client is found to want more than before.
func New(h Host, change func(r *local.Resource, added []string)) *Service {
	s := &Service{
		host: h, change: change,
		known: make(map[key]*list.Element), clients: make(map[*local.Resource]*client),
		asking: make(map[key]*question), asked: make(map[string]*question),
	}
	h.HandleAnswers(s.answer)
	return s
}

// Wants tells whether the client wants the events of a node.
func (s *Service) Wants(r *local.Resource, node string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.clients[r]
	if c == nil {
		return false
	}
	_, ok := slices.BinarySearch(c.wants, node)
	return ok
}

// Wanted lists the nodes whose events the client wants, sorted. The slice must not be changed.
func (s *Service) Wanted(r *local.Resource) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.clients[r]; c != nil {
		return c.wants
	}
	return nil
}

// Up looks at the available presence that a client of ours has broadcast.
func (s *Service) Up(r *local.Resource, presence *stanza.Stanza) {
	c, ok := presence.Child(NS, "c")
	if !ok || c.End-c.Start > maxRaw {
		return // XEP-0115 §8.4: not every presence has it; what was shown before still counts
	}
	raw := presence.Raw(c)
	s.mu.Lock()
	if old := s.clients[r]; old != nil && old.raw == string(raw) {
		s.mu.Unlock()
		return
	}
	s.mu.Unlock()
	e, err := markup.ParseElement(raw)
	if err != nil {
		return
	}
	now := &client{raw: string(raw), node: e.Attr("node"), key: key{e.Attr("hash"), e.Attr("ver")}}
	if hashes[now.key.hash] == nil {
		now.key.hash = "" // XEP-0115 §5.4 steps 1, 2: it says nothing about others
	}
	s.meet(r, now)
}

// meet finds out what a client wants that shows something new.
func (s *Service) meet(r *local.Resource, now *client) {
	s.mu.Lock()
	var todo []func()
	if old := s.clients[r]; old != nil {
		now.wants = old.wants // until the answer is there
		todo = s.dropLocked(old)
	}
	s.clients[r] = now
	if el := s.known[now.key]; el != nil && now.key.hash != "" {
		s.order.MoveToFront(el)
		added := now.settle(el.Value.(*meaning).wants)
		todo = append(todo, func() { s.tell(r, added) })
	} else {
		todo = append(todo, s.askLocked(r, now))
	}
	s.mu.Unlock()
	run(todo)
}

func run(todo []func()) {
	for _, f := range todo {
		f()
	}
}

// settle notes what the client wants, and returns what it did not want before.
func (c *client) settle(wants []string) (added []string) {
	for _, w := range wants {
		if _, ok := slices.BinarySearch(c.wants, w); !ok {
			added = append(added, w)
		}
	}
	c.wants, c.heard = wants, true
	return added
}

func (s *Service) tell(r *local.Resource, added []string) {
	if len(added) > 0 && s.change != nil {
		s.change(r, added)
	}
}

// askLocked asks the client, or lets it wait for the answer of another; the question is sent by the function returned.
func (s *Service) askLocked(r *local.Resource, c *client) (send func()) {
	if q := s.asking[c.key]; q != nil && c.key.hash != "" && time.Since(q.at) < patience && s.host.Resource(q.r.JID()) == q.r {
		if q.r != r && !slices.Contains(q.waiting, r) {
			q.waiting = append(q.waiting, r)
		}
		return func() {}
	}
	s.number++
	q := &question{key: c.key, id: "caps" + strconv.FormatUint(s.number, 36), r: r, at: time.Now()}
	if old := s.asking[c.key]; old != nil && c.key.hash != "" {
		q.waiting = slices.DeleteFunc(append(old.waiting, old.r), func(o *local.Resource) bool { return o == r })
		delete(s.asked, old.id)
	}
	c.q = q
	if c.key.hash != "" {
		s.asking[c.key] = q
	}
	s.asked[q.id] = q
	// XEP-0115 §6.2: the node is named for those of before the hashes.
	b := append([]byte(nil), "<query xmlns='"+nsInfo+"'"...)
	if c.node != "" {
		b = append(markup.AppendEscapedAttr(append(b, " node='"...), c.node+"#"+c.key.ver), '\'')
	}
	st := &stanza.Stanza{Kind: stanza.IQ, Type: stanza.Get, ID: q.id, From: r.JID().Bare(), To: r.JID()}
	st.SetInner(append(b, "/>"...))
	return func() { r.Send(st) }
}

// answer takes the result of a question, or its refusal.
func (s *Service) answer(st *stanza.Stanza) {
	s.mu.Lock()
	q := s.asked[st.ID]
	if q == nil || q.r.JID() != st.From {
		s.mu.Unlock()
		return
	}
	s.mu.Unlock()
	m, proven := judge(q.key, st)
	s.mu.Lock()
	if s.asked[q.id] != q {
		s.mu.Unlock()
		return
	}
	todo := s.closeLocked(q, m, proven)
	s.mu.Unlock()
	run(todo)
}

// judge reads an answer; proven tells whether it is what the verification string stands for.
func judge(k key, st *stanza.Stanza) (m *meaning, proven bool) {
	m = &meaning{key: k}
	if st.IsError() {
		return m, false
	}
	query := st.Payload()
	if query == nil || query.Name != (markup.Name{Space: nsInfo, Local: "query"}) {
		return m, false
	}
	i, err := read(query)
	m.wants = i.wants()
	if err != nil || k.hash == "" {
		return m, false
	}
	ver, err := i.ver(k.hash)
	if err != nil || ver != k.ver {
		return m, false
	}
	m.inner = i.write()
	return m, true
}

// closeLocked ends a question. An answer that is not proven counts for the client that gave it alone (XEP-0115 §5.4
// step 3.9), and another is asked.
func (s *Service) closeLocked(q *question, m *meaning, proven bool) (todo []func()) {
	delete(s.asked, q.id)
	if s.asking[q.key] == q {
		delete(s.asking, q.key)
	}
	settle := func(r *local.Resource) {
		if c := s.clients[r]; c != nil && c.key == q.key && !c.heard {
			added := c.settle(m.wants)
			todo = append(todo, func() { s.tell(r, added) })
		}
	}
	settle(q.r)
	if proven {
		s.rememberLocked(m)
		for _, r := range q.waiting {
			settle(r)
		}
		return todo
	}
	return append(todo, s.nextLocked(q)...)
}

// nextLocked asks the next of those who wait.
func (s *Service) nextLocked(q *question) (todo []func()) {
	for _, r := range q.waiting {
		if c := s.clients[r]; c != nil && c.key == q.key && !c.heard {
			todo = append(todo, s.askLocked(r, c))
		}
	}
	return todo
}

func (s *Service) rememberLocked(m *meaning) {
	if el := s.known[m.key]; el != nil {
		el.Value = m
		s.order.MoveToFront(el)
		return
	}
	s.known[m.key] = s.order.PushFront(m)
	for s.order.Len() > maxKnown {
		last := s.order.Back()
		delete(s.known, last.Value.(*meaning).key)
		s.order.Remove(last)
	}
}

// Down forgets a client that is no longer available.
func (s *Service) Down(r *local.Resource) {
	s.mu.Lock()
	c := s.clients[r]
	delete(s.clients, r)
	var todo []func()
	if c != nil {
		todo = s.dropLocked(c)
	}
	for _, q := range s.asking {
		q.waiting = slices.DeleteFunc(q.waiting, func(o *local.Resource) bool { return o == r })
	}
	s.mu.Unlock()
	run(todo)
}

// dropLocked takes back the question that a client was asked, and asks the next of those who wait for the answer. So
// there is at most one question for each client.
func (s *Service) dropLocked(c *client) []func() {
	q := c.q
	if q == nil || s.asked[q.id] != q {
		return nil
	}
	delete(s.asked, q.id)
	if s.asking[q.key] == q {
		delete(s.asking, q.key)
	}
	return s.nextLocked(q)
}
