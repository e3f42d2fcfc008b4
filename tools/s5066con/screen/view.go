package screen

import (
	"fmt"
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"
)

// View draws.
func (m *Model) View() tea.View {
	v := tea.NewView(m.draw())
	v.AltScreen = true
	v.WindowTitle = "S5066 console " + m.server.Name
	return v
}

// draw is the screen as lines: a bar, the panes' names, the pane, what happened last, and the keys.
func (m *Model) draw() string {
	width, height := max(m.width, 20), max(m.height, 8)
	body := height - 4
	var middle string
	switch {
	case m.help:
		middle = helpText
	case m.form != nil:
		middle = m.form.view(width)
	default:
		middle = m.paneView(width, body)
	}
	list := lines(middle)
	list = list[:min(len(list), body)]
	for i := range list {
		list[i] = cut(list[i], width)
	}
	for len(list) < body {
		list = append(list, "")
	}
	all := append([]string{styles.bar.Render(fit(m.barText(), width)), cut(m.tabs(), width)}, list...)
	all = append(all, cut(m.statusLine(width), width), styles.dim.Render(cut(m.keys(), width)))
	return strings.Join(all, "\n")
}

// barText is the state of the bind.
func (m *Model) barText() string {
	s := " S5066 console"
	if m.form != nil {
		return s
	}
	s += "  " + m.server.Name + " (" + m.server.Address + ")"
	if len(m.bound) == 0 {
		return s + "  NOT BOUND"
	}
	var saps []int
	for sap := range m.bound {
		saps = append(saps, int(sap))
	}
	slices.Sort(saps)
	s += fmt.Sprintf("  SAP %s  MTU %d", strings.Trim(strings.Join(strings.Fields(fmt.Sprint(saps)), "+"), "[]"), m.mtu)
	mode := "ARQ"
	if m.nonARQ {
		mode = "non-ARQ"
	}
	s += "  " + mode
	if m.respond {
		s += "  answers probes"
	}
	if m.flowOff {
		s += "  FLOW OFF"
	}
	if m.node != "" && m.node != "on" {
		s += "  node: " + m.node
	}
	return s
}

func (m *Model) tabs() string {
	if m.form != nil {
		return ""
	}
	var list []string
	for i, name := range []string{"1 Stations", "2 Test", "3 Chat", "4 Link", "5 Log"} {
		if i == m.pane {
			name = styles.tab.Render(name)
		}
		list = append(list, name)
	}
	return " " + strings.Join(list, "   ")
}

func (m *Model) paneView(width, height int) string {
	switch m.pane {
	case paneStations:
		return m.stationsView(width, height)
	case paneTest:
		return m.testView(width, height)
	case paneChat:
		to := m.chatTo
		if r := m.selected(); to == "" && r != nil {
			to = r.address
		}
		if to == "" {
			to = "all"
		}
		return tail(append(slices.Clone(m.chats), ""), width, height-1) + "\n" + cut("to "+m.called(to)+"> "+m.chat.view(width-len(to)-6), width)
	case paneLink:
		if len(m.links) == 0 {
			return "No hard link was asked for. l makes one, u ends it.\nIt holds the node for one way: others may have to wait."
		}
		return tail(m.links, width, height)
	}
	if len(m.log) == 0 {
		return "No primitive has crossed yet."
	}
	return tail(m.log, width, height)
}

func (m *Model) testView(width, height int) string {
	var head []string
	if t := m.test; t.total > 0 {
		done := t.delivered + t.failed
		if t.delivered+t.failed == 0 {
			done = t.sent
		}
		bar := max(min(done*30/t.total, 30), 0)
		head = []string{fmt.Sprintf("[%s%s] %d of %d sent, %d confirmed, %d failed, last took %v", strings.Repeat("█", bar), strings.Repeat("·", 30-bar), t.sent, t.total, t.delivered, t.failed, t.lastTook), ""}
	}
	if len(head)+len(m.tests) == 0 {
		return "Nothing was tested yet. t tests the way to a station: throughput, loss, delays.\nIt says how much air it will take, and asks, before it sends."
	}
	return tail(append(head, m.tests...), width, height)
}

// statusLine is the question that is open, or what happened last.
func (m *Model) statusLine(width int) string {
	switch {
	case m.ask != nil && m.ask.yesNo:
		return styles.mark.Render(m.ask.text + " (y/n)")
	case m.ask != nil:
		return styles.mark.Render(m.ask.text+": ") + m.ask.in.view(width-len(m.ask.text)-3)
	case m.bad:
		return styles.bad.Render(m.status)
	case m.busy != "":
		return styles.good.Render(m.busy+" … ") + m.status
	}
	return m.status
}

func (m *Model) keys() string {
	switch {
	case m.help:
		return "any key: back"
	case m.form != nil:
		return "enter connect  ↑↓ field  ←→ choose  ctrl+n/ctrl+p saved server  esc leave"
	case m.ask != nil && m.ask.yesNo:
		return "y send  n do not"
	case m.ask != nil:
		return "enter go on  esc do not"
	case m.pane == paneChat:
		return "type a line, enter sends it  /to ADDRESS (or /to all)  tab next pane  esc stop"
	case m.busy != "":
		return "esc stop at once  1-5 panes  ? help  q leave"
	}
	return "d discover  p ping  t test  l/u link  m mode  r answer  a add  n name  ? help  q leave"
}

const helpText = `Nothing is sent but what you ask for. esc stops it at once.

 d  discover: one broadcast; consoles that hear it answer within ten seconds
 p  ping: is the station alive? Its node's confirmation counts, its console's answer says more
 t  test: throughput, loss and a histogram of delays; says first how much air it takes
 m  ARQ (repeats until all is there) or non-ARQ (sent once, nothing confirmed)
 r  answer the probes of other stations, or do not
 3  orderwire chat on SAP 5; its own bind is made with the first line
 l  make a hard link, u  end it
 a  add a station by its address, n  give the selected one a name
 i  ask the node for its state (needs a bind of rank 15)
 5  the primitives between this console and the server
 o  another server     1-5, tab  panes     ↑↓  select     q  leave`

func lines(s string) []string { return strings.Split(s, "\n") }
