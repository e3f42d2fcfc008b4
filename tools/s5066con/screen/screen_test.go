package screen_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"charm.land/lipgloss/v2"

	"longwire/tools/s5066con/screen"
	"longwire/tools/s5066con/settings"
	"longwire/tools/s5066con/station"
)

// did notes what the operator asked for.
type did struct{ list []string }

func (d *did) note(format string, args ...any) { d.list = append(d.list, fmt.Sprintf(format, args...)) }

func (d *did) Connect(v settings.Server) {
	d.note("connect %s %s %s sap %d %s %s %d", v.Name, v.Network, v.Address, *v.SAP, v.Mode, v.Broadcast, v.Rate)
}
func (d *did) Disconnect()                       { d.note("disconnect") }
func (d *did) Discover()                         { d.note("discover") }
func (d *did) Ping(to string, nonARQ bool)       { d.note("ping %s %v", to, nonARQ) }
func (d *did) Test(t screen.Test)                { d.note("test %+v", t) }
func (d *did) Plan(screen.Test) string           { return "About 42s of air" }
func (d *did) Stop()                             { d.note("stop") }
func (d *did) Chat()                             { d.note("chat") }
func (d *did) Say(to, line string, nonARQ bool)  { d.note("say %s %q %v", to, line, nonARQ) }
func (d *did) MakeLink(to string, linkType int)  { d.note("link %s %d", to, linkType) }
func (d *did) BreakLink()                        { d.note("break") }
func (d *did) Respond(on bool)                   { d.note("respond %v", on) }
func (d *did) NodeStatus()                       { d.note("status") }
func (d *did) Name(address, name string)         { d.note("name %s %s", address, name) }
func (d *did) took() (list []string)             { list, d.list = d.list, nil; return list }
func (d *did) want(t *testing.T, list ...string) { t.Helper(); want(t, d.took(), list) }
func want(t *testing.T, got, list []string) {
	t.Helper()
	if !slices.Equal(got, list) {
		t.Errorf("done: %q, not %q", got, list)
	}
}

var clock = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// open makes a screen of 100 by 30 that is bound already, unless form.
func open(form bool, saved ...settings.Server) (*screen.Model, *did) {
	d := &did{}
	sap := uint8(13)
	v := settings.Server{Name: "hq", Address: "10.0.0.5:5066", SAP: &sap}
	if form {
		v = settings.Server{}
	}
	m := screen.New(screen.Start{Actions: d, Server: v, Saved: saved, Now: func() time.Time { return clock }, Connect: !form})
	m.Init()
	m.Update(tea.WindowSizeMsg{Width: 100, Height: 30})
	if !form {
		d.took()
		m.Update(screen.EventMsg{Event: station.Bound{Server: "hq", SAP: 13, MTU: 2048}})
	}
	return m, d
}

var named = map[string]rune{"enter": tea.KeyEnter, "esc": tea.KeyEscape, "up": tea.KeyUp, "down": tea.KeyDown, "tab": tea.KeyTab, "right": tea.KeyRight,
	"left": tea.KeyLeft, "backspace": tea.KeyBackspace, "home": tea.KeyHome, "end": tea.KeyEnd, "delete": tea.KeyDelete}

// press types keys: names in <>, "^u" with control, all else as it is.
func press(m *screen.Model, keys string) (last tea.Cmd) {
	for keys != "" {
		var k tea.KeyPressMsg
		switch end := strings.IndexByte(keys, '>'); {
		case keys[0] == '<' && end > 0 && named[keys[1:end]] != 0:
			k.Code, keys = named[keys[1:end]], keys[end+1:]
		case keys[0] == '^' && len(keys) > 1:
			k.Code, k.Mod, keys = rune(keys[1]), tea.ModCtrl, keys[2:]
		default:
			k.Code, k.Text, keys = rune(keys[0]), keys[:1], keys[1:]
		}
		_, last = m.Update(k)
	}
	return last
}

var escapes = regexp.MustCompile("\x1b\\[[0-9;]*m")

func shown(m *screen.Model) string { return escapes.ReplaceAllString(m.View().Content, "") }

func shows(t *testing.T, m *screen.Model, texts ...string) {
	t.Helper()
	got := shown(m)
	for _, s := range texts {
		if !strings.Contains(got, s) {
			t.Errorf("%q is not shown:\n%s", s, got)
		}
	}
}

func TestTheFormMakesAServer(t *testing.T) {
	m, d := open(true)
	press(m, "hq radio<down><down>10.0.0.5<down>^u7066<down>^u14<down><right><down>^u16.0.0.5<down>1200<enter>")
	d.want(t, "connect hq radio tcp 10.0.0.5:7066 sap 14 non-arq 16.0.0.5 1200")
	shows(t, m, "hq radio (10.0.0.5:7066)  NOT BOUND")
}

func TestTheFormSaysWhatIsWrong(t *testing.T) {
	for keys, says := range map[string]string{
		"<enter>":                               "a name",
		"x<down><down>h<down><down>^u16<enter>": "SAP: a number from 0 to 15",
		"x<down><down>h<down><down><down><down>1<enter>": "Broadcast address",
		"x<down><down>h<up><up><up>abc<enter>":           "rate",
	} {
		m, d := open(true)
		press(m, keys)
		d.want(t)
		shows(t, m, says, "Which SIS server?")
	}
}

func TestASerialLineIsAskedForByDevice(t *testing.T) {
	m, d := open(true)
	press(m, "kit<down><right>")
	shows(t, m, "Device", "Speed, baud")
	press(m, "<down>/dev/ttyUSB0<down>^u9600<enter>")
	d.want(t, "connect kit serial /dev/ttyUSB0@9600 sap 13 arq 31.255.255.255 0")
}

func TestSavedServersAreOffered(t *testing.T) {
	m, d := open(true, settings.Server{Name: "one", Address: "a:1"}, settings.Server{Name: "two", Address: "b:2", Rate: 75})
	press(m, "^n")
	shows(t, m, "two", "75")
	press(m, "<enter>")
	d.want(t, "connect two tcp b:2 sap 13 arq 31.255.255.255 75")
}

func TestATestIsOnlyRunAfterTheAirItTakesWasAgreedTo(t *testing.T) {
	m, d := open(false)
	press(m, "t1.1.0.2<enter>")
	shows(t, m, "How many U_PDUs")
	press(m, "<enter>")
	shows(t, m, "About 42s of air. Send? (y/n)")
	d.want(t)
	press(m, "n")
	d.want(t)
	shows(t, m, "nothing was sent")
	press(m, "mt1.1.0.2<enter>^u5 100<enter>y")
	d.want(t, "test {To:1.1.0.2 Count:5 Size:100 NonARQ:true}")
	m.Update(screen.BusyMsg{What: "testing"})
	press(m, "<esc>")
	d.want(t, "stop")
	shows(t, m, "stopping")
}

func TestStationsAreListedAsTheyAreHeard(t *testing.T) {
	m, d := open(false)
	shows(t, m, "No station was heard yet")
	m.Update(screen.EventMsg{Event: station.Heard{From: "1.1.0.2", SAP: 13, To: "1.1.0.1", Mode: "ARQ", Bytes: 9, Probe: "here", Name: "field"}})
	m.Update(screen.EventMsg{Event: station.Found{Station: "1.1.0.2", SAP: 13, Name: "field", After: station.Seconds(5 * time.Second)}})
	clock = clock.Add(90 * time.Second)
	shows(t, m, "1.1.0.1          this station", "> 1.1.0.2          field             13 1m ago", "5s", "here")
	press(m, "p<enter>")
	d.want(t, "ping 1.1.0.2 false")
	press(m, "n^uoutpost<enter>")
	d.want(t, "name 1.1.0.2 outpost")
	press(m, "p^uoutpost<enter>")
	d.want(t, "ping 1.1.0.2 false")
	press(m, "p^u1.2<enter>")
	d.want(t)
	shows(t, m, `"1.2" is no address`)
}

func TestTheTableForgetsTheOldestOfTooMany(t *testing.T) {
	m, _ := open(false)
	for i := range 1000 {
		clock = clock.Add(time.Second)
		m.Update(screen.EventMsg{Event: station.Heard{From: fmt.Sprintf("1.1.%d.%d", i/250, i%250), To: "31.255.255.255"}})
	}
	if got := shown(m); strings.Contains(got, "1.1.0.0 ") || strings.Count(got, "\n") != 29 {
		t.Error(got)
	}
}

func TestChat(t *testing.T) {
	m, d := open(false)
	press(m, "3")
	d.want(t, "chat")
	press(m, "hello all<enter>")
	d.want(t, `say all "hello all" false`)
	press(m, "/to 1.1.0.2<enter>QRV?<enter>")
	d.want(t, `say 1.1.0.2 "QRV?" false`)
	m.Update(screen.EventMsg{Event: station.Chat{From: "1.1.0.2", Text: "QRV"}})
	shows(t, m, "you → 1.1.0.2: QRV?", "<1.1.0.2> QRV", "to 1.1.0.2>")
	press(m, "qd<home>x<end><backspace>")
	shows(t, m, "to 1.1.0.2> xq")
	m.Update(tea.PasteMsg{Content: "a\r\n\x1bb"})
	shows(t, m, "to 1.1.0.2> xqab")
}

func TestLinksLogAndTheRest(t *testing.T) {
	m, d := open(false)
	press(m, "l1.1.0.2<enter>^u2<enter>u4")
	d.want(t, "link 1.1.0.2 2", "break")
	m.Update(screen.EventMsg{Event: station.Link{State: "rejected", Station: "1.1.0.2", Why: "remote node busy"}})
	shows(t, m, "hard link to 1.1.0.2: rejected: remote node busy")
	press(m, "5")
	m.Update(screen.EventMsg{Event: station.Primitive{Way: "to", Type: "S_KEEP_ALIVE"}})
	shows(t, m, "to   S_KEEP_ALIVE")
	press(m, "dri?")
	d.want(t, "discover", "respond true", "status")
	shows(t, m, "Nothing is sent but what you ask for")
	m.Update(screen.EventMsg{Event: station.Flow{On: false}})
	m.Update(screen.EventMsg{Event: station.Availability{Status: "receive-only"}})
	shows(t, m, "FLOW OFF", "receive-only", "answers probes")
	m.Update(screen.EventMsg{Event: station.Retry{Why: "carrier lost", After: station.Seconds(5 * time.Second), Hint: "is it on?"}})
	shows(t, m, "NOT BOUND", "carrier lost; next try in 5s (is it on?)")
	press(m, "x")
	if cmd := press(m, "q"); cmd == nil {
		t.Error("q does not leave")
	}
	d.want(t, "stop", "disconnect")
}

func TestATestShowsItsProgressAndHistogram(t *testing.T) {
	m, _ := open(false)
	press(m, "t1.1.0.2<enter>^u2 100<enter>y")
	m.Update(screen.EventMsg{Event: station.Sent{What: "data", To: "1.1.0.2"}})
	m.Update(screen.EventMsg{Event: station.Delivered{What: "data", To: "1.1.0.2", By: "node", After: station.Seconds(3 * time.Second)}})
	shows(t, m, "███████████████···············", "1 of 2 sent, 1 confirmed, 0 failed, last took 3s")
	bars := []station.Bar{{From: 0, To: station.Seconds(5 * time.Second), Count: 2}}
	m.Update(screen.EventMsg{Event: station.TestDone{To: "1.1.0.2", Mode: "ARQ", Size: 100, Sent: 2, Delivered: 2, Rate: 180,
		Delivery: station.Spread{Count: 2, Histogram: bars}}})
	shows(t, m, "2 arrived, 0 failed, 0 unknown, 180 bit/s, 0.0 % lost", "0s to       5s", "2")
}

func TestAnySizeOfTerminalWillDo(t *testing.T) {
	for _, size := range [][2]int{{0, 0}, {1, 1}, {20, 8}, {40, 10}, {300, 100}} {
		for _, form := range []bool{true, false} {
			m, _ := open(form)
			m.Update(tea.WindowSizeMsg{Width: size[0], Height: size[1]})
			for i := range 40 {
				m.Update(screen.EventMsg{Event: station.Heard{From: fmt.Sprintf("1.1.0.%d", i), Name: "日本語の名前", To: "1.1.0.1"}})
			}
			for _, pane := range "12345?" {
				press(m, string(pane))
				if n := strings.Count(shown(m), "\n") + 1; n != max(size[1], 8) {
					t.Errorf("%v: %d lines", size, n)
				}
				for _, line := range strings.Split(shown(m), "\n") {
					if w := lipgloss.Width(line); w > max(size[0], 20) {
						t.Errorf("%v: %d cells: %q", size, w, line)
					}
				}
			}
		}
	}
}
