package screen

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	tea "charm.land/bubbletea/v2"

	"longwire/links/sis"
	"longwire/tools/s5066con/settings"
)

// A form asks for a server.
type form struct {
	fields [8]input
	at     int
	saved  []settings.Server
	pick   int // in saved
	wrong  string
}

// The fields, in the order in which they are asked.
const (
	fieldName = iota
	fieldNetwork
	fieldHost
	fieldPort
	fieldSAP
	fieldMode
	fieldBroadcast
	fieldRate
)

var labels = [...]string{"Friendly name", "Network", "Host", "Port", "SAP", "Transmission mode", "Broadcast address", "Radio's rate, bit/s"}

var choices = map[int][]string{fieldNetwork: {"tcp", "serial", "vsock"}, fieldMode: {"ARQ", "non-ARQ"}}

func newForm(saved []settings.Server, v settings.Server) form {
	f := form{saved: saved}
	f.pick = max(slices.IndexFunc(saved, func(s settings.Server) bool { return s.Name == v.Name }), 0)
	f.fill(v)
	return f
}

// fill shows a server.
func (f *form) fill(v settings.Server) {
	network := v.Network
	if network == "" {
		network = "tcp"
	}
	host, port := v.Address, ""
	if i := strings.LastIndexAny(host, ":@"); i >= 0 && !(network == "tcp" && strings.HasSuffix(host, "]")) {
		host, port = host[:i], host[i+1:]
	} else if network == "tcp" {
		port = strconv.Itoa(sis.DefaultPort)
	}
	sap, mode, broadcast, rate := 13, "ARQ", sis.Broadcast.String(), ""
	if v.SAP != nil {
		sap = int(*v.SAP)
	}
	if v.Mode == "non-arq" {
		mode = "non-ARQ"
	}
	if v.Broadcast != "" {
		broadcast = v.Broadcast
	}
	if v.Rate > 0 {
		rate = strconv.Itoa(v.Rate)
	}
	for i, s := range []string{v.Name, network, host, port, strconv.Itoa(sap), mode, broadcast, rate} {
		f.fields[i] = newInput(s)
	}
}

// server reads the form.
func (f *form) server() (settings.Server, error) {
	text := func(i int) string { return strings.TrimSpace(f.fields[i].String()) }
	v := settings.Server{Name: text(fieldName), Network: text(fieldNetwork), Address: text(fieldHost), Mode: strings.ToLower(text(fieldMode)), Broadcast: text(fieldBroadcast)}
	if v.Name == "" {
		v.Name = v.Address
	}
	if port := text(fieldPort); port != "" && v.Address != "" {
		sep := ":"
		if v.Network == "serial" {
			sep = "@"
		}
		v.Address += sep + port
	}
	sap, err := strconv.ParseUint(text(fieldSAP), 10, 8)
	if err != nil || sap > 15 {
		return v, fmt.Errorf("SAP: a number from 0 to 15; 13 to 15 are free to use")
	}
	v.SAP = new(uint8)
	*v.SAP = uint8(sap)
	if v.Broadcast != "" {
		if _, err := sis.ParseAddress(v.Broadcast); err != nil {
			return v, fmt.Errorf("%s: one like 31.255.255.255", labels[fieldBroadcast])
		}
	}
	if rate := text(fieldRate); rate != "" {
		if v.Rate, err = strconv.Atoi(rate); err != nil || v.Rate < 1 {
			return v, fmt.Errorf("%s: a number, or nothing", labels[fieldRate])
		}
	}
	for _, old := range f.saved {
		if strings.EqualFold(old.Name, v.Name) && old.Address == v.Address {
			v.Goodput = old.Goodput
		}
	}
	return v, v.Check()
}

// press edits the form. go is true when the operator wants to connect.
func (f *form) press(k tea.KeyPressMsg) (connect bool) {
	f.wrong = ""
	switch k.String() {
	case "enter":
		return true
	case "down", "tab":
		f.at = (f.at + 1) % len(f.fields)
	case "up", "shift+tab":
		f.at = (f.at + len(f.fields) - 1) % len(f.fields)
	case "ctrl+n", "ctrl+p":
		if len(f.saved) > 0 {
			step := 1
			if k.String() == "ctrl+p" {
				step = len(f.saved) - 1
			}
			f.pick = (f.pick + step) % len(f.saved)
			f.fill(f.saved[f.pick])
		}
	default:
		f.edit(k)
	}
	return false
}

func (f *form) edit(k tea.KeyPressMsg) {
	options := choices[f.at]
	if options == nil {
		f.fields[f.at].press(k)
		return
	}
	now := slices.Index(options, f.fields[f.at].String())
	switch k.String() {
	case "left":
		now += len(options) - 1
	case "right", "space":
		now++
	default:
		return
	}
	f.fields[f.at] = newInput(options[now%len(options)])
}

// view shows the form.
func (f *form) view(width int) string {
	var b strings.Builder
	b.WriteString("Which SIS server?\n\n")
	for i := range f.fields {
		mark, value := "  ", f.fields[i].String()
		if i == f.at {
			mark = styles.mark.Render("> ")
			value = f.fields[i].view(width - 26)
		}
		if choices[i] != nil {
			value = "‹ " + f.fields[i].String() + " ›"
		}
		fmt.Fprintf(&b, "%s%-20s %s\n", mark, label(i, f.fields[fieldNetwork].String()), value)
	}
	if len(f.saved) > 0 {
		var names []string
		for i, v := range f.saved {
			name := v.Name
			if i == f.pick {
				name = styles.mark.Render(name)
			}
			names = append(names, name)
		}
		b.WriteString("\nsaved: " + strings.Join(names, "  ") + "\n")
	}
	if f.wrong != "" {
		b.WriteString("\n" + styles.bad.Render(f.wrong) + "\n")
	}
	return b.String()
}

// label is what a field is called on this network.
func label(i int, network string) string {
	switch {
	case network == "serial" && i == fieldHost:
		return "Device"
	case network == "serial" && i == fieldPort:
		return "Speed, baud"
	case network == "vsock" && i == fieldHost:
		return "Context id"
	}
	return labels[i]
}
