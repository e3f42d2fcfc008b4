package main

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"longwire/firmware/admin"
)

func (c *call) rooms(list []admin.Room) error {
	t := newTable(c.out, "ROOM", "TITLE", "PEOPLE", "LINES", "FEDERATION", "DECLARED")
	for _, r := range list {
		people, federation := strconv.Itoa(r.Occupants), "-"
		switch {
		case r.Gone:
			people = "destroyed"
		case r.Locked:
			people += " (not configured yet)"
		case r.Occupants > r.Here && r.Here > 0:
			people += fmt.Sprintf(" (%d here)", r.Here)
		}
		if f := r.Federation; f != nil {
			federation = federationInShort(f)
		}
		t.row(r.JID, cmp.Or(r.Title, "-"), people, r.Archive.Lines, federation, cmp.Or(r.Declared, "-"))
	}
	return t.Flush()
}

func federationInShort(f *admin.RoomFederation) string {
	var parts []string
	for _, p := range f.Peers {
		parts = append(parts, fmt.Sprintf("%s %s", p.Room, p.State))
	}
	if len(parts) == 0 {
		parts = append(parts, "accepts "+acceptWords(f.Accept))
	}
	if f.Off {
		parts = append(parts, "(off for all rooms)")
	}
	return strings.Join(parts, ", ")
}

func acceptWords(list []string) string {
	if len(list) == 0 || slices.Contains(list, "*") {
		return "any peer"
	}
	return strings.Join(list, " ")
}

// roomDetail prints all about a room for people.
func (c *call) roomDetail(r admin.Room) error {
	t := newTable(c.out)
	t.row("room", r.JID)
	if r.Gone {
		t.row("state", "destroyed; people are sent to "+cmp.Or(r.Alternate, "nowhere"))
		return t.Flush()
	}
	if r.Locked {
		t.row("state", "made, and not configured yet by who made it")
	}
	if r.Subject != "" {
		t.row("subject", r.Subject)
	}
	t.row("made", day(r.Created)+map[bool]string{true: ", declared " + r.Declared}[r.Declared != ""])
	t.row("archive", archiveWords(r.Archive))
	for i, n := range r.Nodes {
		t.row([]any{"people", ""}[min(i, 1)], fmt.Sprintf("%s: %s", n.Room, strings.Join(n.Nicks, ", ")))
	}
	for i, m := range r.Members {
		t.row([]any{"members", ""}[min(i, 1)], memberWords(m))
	}
	for i, line := range settingLines(r.Settings) {
		t.row([]any{"settings", ""}[min(i, 1)], line)
	}
	if r.Federation != nil {
		roomFederation(t, r.Federation)
	}
	return t.Flush()
}

// settingLines prints the settings that say something, several to a line.
func settingLines(settings map[string]any) (lines []string) {
	line := ""
	for _, word := range admin.SettingWords() {
		text := settingText(settings[word])
		if text == "" {
			continue
		}
		text = word + "=" + text
		if line != "" && len(line)+2+len(text) > 80 {
			lines, line = append(lines, line), ""
		}
		if line != "" {
			line += "  "
		}
		line += text
	}
	return append(lines, line)
}

// settingText prints a setting as 'room configure' takes it.
func settingText(v any) string {
	switch v := v.(type) {
	case bool:
		return map[bool]string{true: "yes", false: "no"}[v]
	case nil:
		return ""
	}
	if text := fmt.Sprint(v); !strings.ContainsAny(text, " \t") {
		return text
	}
	return strconv.Quote(fmt.Sprint(v))
}

func archiveWords(a admin.RoomArchive) string {
	if a.Lines == 0 {
		return "empty"
	}
	return fmt.Sprintf("%s in %s, the first %s, the last %s", plural(a.Lines, "line"), volume(a.Bytes), ago(a.Oldest), ago(a.Newest))
}

func memberWords(m admin.RoomMember) string {
	text := m.Affiliation + " " + m.JID
	if m.Nick != "" {
		text += fmt.Sprintf(", nick %q", m.Nick)
	}
	if m.Reason != "" {
		text += fmt.Sprintf(" (%s)", m.Reason)
	}
	if m.Declared {
		text += ", by the config"
	}
	return text
}

func roomFederation(t textTable, f *admin.RoomFederation) {
	if f.Off {
		t.row("federation", "off for all rooms: enabled = false below [rooms.federation]")
	}
	if f.With != "" {
		text := fmt.Sprintf("joins %s, %s, history %s", f.With, f.Mode, f.History)
		if f.Watch {
			text += ", also with nobody here"
		}
		t.row("federation", text)
	}
	if len(f.Accept) > 0 || f.With == "" {
		t.row("federation", "may be joined from "+acceptWords(f.Accept))
	}
	for _, p := range f.Peers {
		t.row("", farRoomWords(p))
	}
}

func farRoomWords(p admin.FarRoom) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s: %s", map[string]string{"up": "↑", "down": "↓"}[p.Side], p.Room, p.State)
	if !p.Since.IsZero() {
		fmt.Fprintf(&b, " since %s", ago(p.Since))
	}
	if p.Fault != "" {
		fmt.Fprintf(&b, " (%s)", p.Fault)
	}
	if !p.LastLine.IsZero() {
		fmt.Fprintf(&b, ", last line %s", ago(p.LastLine))
	}
	if p.Waiting > 0 {
		fmt.Fprintf(&b, ", %s waiting", plural(p.Waiting, "stanza"))
	}
	if p.State == admin.Joined && !p.Longwire {
		b.WriteString(", speaks the standard only")
	}
	return b.String()
}

func roomCount(n admin.RoomCount, running bool) string {
	text := fmt.Sprintf("%d at %s", n.Rooms, strings.Join(n.Domains, ", "))
	if running {
		text += fmt.Sprintf(", %s in them", plural(n.Occupants, "occupant"))
	}
	if n.Federated > 0 {
		text += fmt.Sprintf("; %d federated", n.Federated)
		if running {
			text += fmt.Sprintf(", %d of them joined now", n.Joined)
		}
	}
	return text
}
