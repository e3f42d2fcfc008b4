package screen

import (
	"fmt"
	"strconv"
	"strings"

	tea "charm.land/bubbletea/v2"

	"longwire/links/sis"
	"longwire/tools/s5066con/probe"
	"longwire/tools/s5066con/settings"
)

// press takes a key. Whatever is open has it first.
func (m *Model) press(k tea.KeyPressMsg) tea.Cmd {
	switch key := k.String(); {
	case key == "ctrl+c":
		m.do.Stop()
		m.do.Disconnect()
		return tea.Quit
	case m.help:
		m.help = false
	case m.form != nil:
		return m.pressForm(k)
	case m.ask != nil:
		m.pressQuestion(k)
	case key == "esc":
		m.stop()
	case key == "tab":
		m.show((m.pane + 1) % panes)
	case key == "shift+tab":
		m.show((m.pane + panes - 1) % panes)
	case m.pane == paneChat:
		m.pressChat(k)
	default:
		return m.pressCommand(key)
	}
	return nil
}

func (m *Model) pressForm(k tea.KeyPressMsg) tea.Cmd {
	if k.String() == "esc" {
		return tea.Quit
	}
	if !m.form.press(k) {
		return nil
	}
	v, err := m.form.server()
	if err != nil {
		m.form.wrong = err.Error()
		return nil
	}
	m.server, m.nonARQ, m.form = v, v.Mode == "non-arq", nil
	all := settings.Settings{Servers: m.saved}
	all.Put(v)
	m.saved = all.Servers
	m.say("connecting to "+v.Name+" …", false)
	m.do.Connect(v)
	return nil
}

func (m *Model) pressQuestion(k tea.KeyPressMsg) {
	q := m.ask
	switch key := k.String(); {
	case key == "esc":
		m.ask = nil
		m.say("nothing was sent", false)
	case q.yesNo:
		m.ask = nil
		if key == "y" || key == "Y" {
			q.then("y")
			return
		}
		m.say("nothing was sent", false)
	case key == "enter":
		m.ask = nil
		q.then(strings.TrimSpace(q.in.String()))
	default:
		q.in.press(k)
	}
}

func (m *Model) pressChat(k tea.KeyPressMsg) {
	if k.String() != "enter" {
		m.chat.press(k)
		return
	}
	line := strings.TrimSpace(m.chat.String())
	switch {
	case line == "":
	case strings.HasPrefix(line, "/to "):
		m.chatTo = m.address(strings.TrimSpace(line[4:]))
		m.say("lines go to "+m.chatTo, false)
		m.chat = input{}
	default:
		to := m.chatTo
		if to == "" {
			if r := m.selected(); r != nil {
				to = r.address
			} else {
				to = "all"
			}
		}
		m.do.Say(to, line, m.nonARQ)
		keep(&m.chats, fmt.Sprintf("%s you → %s: %s", m.now().Format("15:04"), m.called(to), probe.Printable(line)))
		m.chat = input{}
	}
}

// pressCommand takes a key when nothing is being typed.
func (m *Model) pressCommand(key string) tea.Cmd {
	switch key {
	case "q":
		m.do.Stop()
		m.do.Disconnect()
		return tea.Quit
	case "?":
		m.help = true
	case "1", "2", "3", "4", "5":
		m.show(int(key[0] - '1'))
	case "up", "k":
		m.cursor = max(m.cursor-1, 0)
	case "down", "j":
		m.cursor = max(min(m.cursor+1, len(m.rows)-1), 0)
	case "s":
		m.stop()
	case "m":
		m.nonARQ = !m.nonARQ
	case "r":
		m.respond = !m.respond
		m.do.Respond(m.respond)
	case "a":
		m.question("Address of the station", "", func(a string) { m.add(a) })
	case "o":
		m.do.Disconnect()
		clear(m.bound)
		f := newForm(m.saved, m.server)
		m.form = &f
	case "d":
		m.do.Discover()
	case "i":
		m.do.NodeStatus()
	default:
		m.pressStation(key)
	}
	return nil
}

// pressStation takes a key that needs a station.
func (m *Model) pressStation(key string) {
	to := func(what string, then func(address string)) {
		def := ""
		if r := m.selected(); r != nil {
			def = r.address
		}
		m.question(what, def, func(a string) {
			if a = m.address(a); a != "" {
				then(a)
			}
		})
	}
	switch key {
	case "p":
		to("Ping which station", func(a string) { m.do.Ping(a, m.nonARQ) })
	case "t":
		to("Test the way to (an address, or all)", m.askTest)
	case "n":
		if r := m.selected(); r != nil {
			m.question("Name for "+r.address, r.name, func(n string) {
				r.name = probe.Name(n)
				m.names[r.address] = r.name
				m.do.Name(r.address, r.name)
			})
		}
	case "l":
		to("Hard link to", func(a string) {
			m.question("Type (0: for all, 1: for this client, 2: for the two clients)", "0", func(t string) {
				if n, err := strconv.Atoi(t); err == nil && n >= 0 && n <= 2 {
					m.do.MakeLink(a, n)
					return
				}
				m.say("types are 0, 1 and 2", true)
			})
		})
	case "u":
		m.do.BreakLink()
	}
}

// askTest asks for the test's size, says what it takes, and runs it if that is all right.
func (m *Model) askTest(to string) {
	m.question("How many U_PDUs, of how many bytes", "10 200", func(s string) {
		t := Test{To: to, NonARQ: m.nonARQ}
		if n, err := fmt.Sscan(s, &t.Count, &t.Size); n != 2 || err != nil || t.Count < 1 || t.Size < 1 {
			m.say("two numbers, as in: 10 200", true)
			return
		}
		m.ask = &question{text: m.do.Plan(t) + ". Send?", yesNo: true, then: func(string) {
			m.pane = paneTest
			m.test = progress{total: t.Count}
			m.do.Test(t)
		}}
	})
}

func (m *Model) question(text, def string, then func(string)) {
	m.ask = &question{text: text, in: newInput(def), then: then}
}

// add puts a station into the table.
func (m *Model) add(text string) {
	if a := m.address(text); a != "" {
		m.get(a).typed = true
	}
}

// address reads an address, or a name from the table, or "all". What it cannot read it says.
func (m *Model) address(text string) string {
	if text == "all" {
		return text
	}
	for _, r := range m.rows {
		if r.name != "" && strings.EqualFold(r.name, text) {
			return r.address
		}
	}
	a, err := sis.ParseAddress(text)
	if err != nil {
		m.say(fmt.Sprintf("%q is no address like 1.1.0.2, and no station's name", text), true)
		return ""
	}
	return a.String()
}

// show opens a pane.
func (m *Model) show(pane int) {
	m.pane = pane
	if pane == paneChat {
		m.do.Chat()
	}
}

func (m *Model) stop() {
	m.do.Stop()
	if m.busy != "" {
		m.say("stopping: the node is given nothing more", false)
	}
}
