// Package screen is the S5066 console in a terminal: what the operator sees and types. It is a model of bubbletea, which alone draws;
// what is done in the end, its Actions do.
package screen

import (
	"fmt"
	"time"

	tea "charm.land/bubbletea/v2"

	"longwire/links/sis"
	"longwire/tools/s5066con/settings"
	"longwire/tools/s5066con/station"
)

// Actions are what the operator can have done. None of them waits: what comes of it are messages.
type Actions interface {
	Connect(settings.Server)
	Disconnect()
	Discover()
	Ping(to string, nonARQ bool)
	Test(t Test)
	Plan(t Test) string // what it will take, in words
	Stop()
	Chat() // lines are to be heard
	Say(to, line string, nonARQ bool)
	MakeLink(to string, linkType int)
	BreakLink()
	Respond(on bool)
	NodeStatus()
	Name(address, name string)
}

// A Test is what the operator wants to be tested.
type Test struct {
	To          string
	Count, Size int
	NonARQ      bool
}

// The messages that Actions send.
type (
	// EventMsg is anything that happened.
	EventMsg struct{ Event station.Event }
	// ProblemMsg is why something could not be done.
	ProblemMsg struct{ Text string }
	// BusyMsg begins or ends what can be stopped.
	BusyMsg struct{ What string } // empty: done
	// tickMsg comes each second, for ages.
	tickMsg struct{}
)

// The panes.
const (
	paneStations = iota
	paneTest
	paneChat
	paneLink
	paneLog
	panes
)

// Start is how the screen begins.
type Start struct {
	Actions  Actions
	Server   settings.Server
	Saved    []settings.Server
	Stations map[string]string // names
	Now      func() time.Time
	Connect  bool // at once, without the form
	Respond  bool
}

// Model is the whole screen. Only bubbletea calls it.
type Model struct {
	do            Actions
	now           func() time.Time
	width, height int
	names         map[string]string

	form    *form // while it is shown
	saved   []settings.Server
	server  settings.Server
	bound   map[uint8]bool
	mtu     int
	flowOff bool
	node    string // what it says of itself
	own     string // its address, when that is known
	respond bool
	nonARQ  bool
	busy    string
	status  string // the last thing that happened
	bad     bool   // and it was no good
	help    bool

	pane   int
	rows   []*row
	cursor int
	ask    *question

	tests, chats, links, log []string
	test                     progress
	chat                     input
	chatTo                   string
	autoConnect              bool
}

// progress is of the test that runs.
type progress struct {
	total, sent, delivered, failed int
	lastTook                       station.Seconds
}

// A question is asked on the bottom line.
type question struct {
	text  string
	in    input
	yesNo bool
	then  func(answer string)
}

// mostLines is kept of each pane.
const mostLines = 1000

// New makes the screen.
func New(s Start) *Model {
	m := &Model{do: s.Actions, now: s.Now, names: map[string]string{}, server: s.Server, respond: s.Respond, bound: map[uint8]bool{}, width: 80, height: 24,
		autoConnect: s.Connect, saved: s.Saved, nonARQ: s.Server.Mode == "non-arq"}
	for a, n := range s.Stations {
		m.names[a] = n
		m.get(a).typed = true
	}
	f := newForm(s.Saved, s.Server)
	m.form = &f
	return m
}

// Init begins to tick, and connects if nothing is to be asked.
func (m *Model) Init() tea.Cmd {
	if m.autoConnect {
		m.form = nil
		m.say("connecting to "+m.server.Name+" …", false)
		m.do.Connect(m.server)
	}
	return tick()
}

func tick() tea.Cmd { return tea.Tick(time.Second, func(time.Time) tea.Msg { return tickMsg{} }) }

// Update takes one message.
func (m *Model) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		m.width, m.height = msg.Width, msg.Height
	case tickMsg:
		return m, tick()
	case tea.KeyPressMsg:
		return m, m.press(msg)
	case tea.PasteMsg:
		m.paste(msg.Content)
	case EventMsg:
		m.take(msg.Event)
	case ProblemMsg:
		m.say(msg.Text, true)
	case BusyMsg:
		m.busy = msg.What
	}
	return m, nil
}

func (m *Model) say(text string, bad bool) { m.status, m.bad = text, bad }

func (m *Model) paste(text string) {
	switch {
	case m.form != nil && choices[m.form.at] == nil:
		m.form.fields[m.form.at].insert(text)
	case m.ask != nil && !m.ask.yesNo:
		m.ask.in.insert(text)
	case m.pane == paneChat:
		m.chat.insert(text)
	}
}

// take notes an event.
func (m *Model) take(e station.Event) {
	switch e := e.(type) {
	case station.Primitive:
		keep(&m.log, fmt.Sprintf("%s %-4s %-36s %s", m.now().Format("15:04:05"), e.Way, e.Type, e.Text))
		return
	case station.Bound:
		m.bound[e.SAP] = true
		m.mtu, m.flowOff = e.MTU, false
	case station.Unbound, station.Retry:
		clear(m.bound)
		m.say(station.Text(e), true)
		return
	case station.Flow:
		m.flowOff = !e.On
	case station.Availability:
		m.node = e.Status
	case station.Heard:
		how := "U_PDU"
		if e.Probe != "" {
			how = e.Probe
		}
		if r := m.heard(e.From, how, e.Mode, e.SAP); e.Name != "" && m.names[e.From] == "" {
			r.name, r.console = e.Name, true
		}
		if a, err := sis.ParseAddress(e.To); err == nil && !a.Group() {
			m.own = e.To
		}
		return // more is said by what it was
	case station.Chat:
		keep(&m.chats, fmt.Sprintf("%s <%s> %s", m.now().Format("15:04"), m.called(e.From), e.Text))
	}
	m.results(e)
}

// results notes what came of what was asked for.
func (m *Model) results(e station.Event) {
	bad := false
	switch e := e.(type) {
	case station.Answer:
		r := m.get(e.From)
		r.took, r.console = e.After, true
	case station.Found:
		r := m.get(e.Station)
		r.took, r.console = e.After, true
	case station.NodeState:
		m.own = e.Address
		for _, h := range e.Heard {
			r := m.get(h.Address)
			if last := m.now().Add(-e.Time.Sub(h.Last)); last.After(r.last) {
				r.last, r.how = last, "heard by the node"
			}
		}
	case station.Sent:
		m.progress(e.What, func(p *progress) { p.sent++ })
	case station.Delivered:
		r := m.heard(e.To, "confirmed "+e.What, "ARQ", m.get(e.To).sap)
		r.took = e.After
		m.progress(e.What, func(p *progress) { p.delivered++; p.lastTook = e.After })
	case station.Failed:
		bad = true
		m.progress(e.What, func(p *progress) { p.failed++ })
	case station.Link:
		keep(&m.links, m.now().Format("15:04:05 ")+station.Text(e))
		bad = e.State == "rejected" || e.State == "terminated"
	case station.TestDone, station.PingDone, station.DiscoverDone, station.Arrived:
		keep(&m.tests, lines(m.now().Format("15:04:05 ")+station.Text(e))...)
	}
	m.say(lines(station.Text(e))[0], bad)
}

// progress counts for the test that runs.
func (m *Model) progress(what string, change func(*progress)) {
	if what == "data" {
		change(&m.test)
	}
}

// called is the name of a station, or its address.
func (m *Model) called(address string) string {
	for _, r := range m.rows {
		if r.address == address && r.name != "" {
			return r.name
		}
	}
	return address
}

// keep adds lines, and forgets the oldest.
func keep(list *[]string, more ...string) {
	*list = append(*list, more...)
	if n := len(*list) - mostLines; n > 0 {
		*list = append((*list)[:0], (*list)[n:]...)
	}
}
