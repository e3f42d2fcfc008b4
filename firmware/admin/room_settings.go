package admin

import (
	"slices"
	"strconv"
	"strings"

	"longwire/firmware/config"
	"longwire/store"
	"longwire/xmpp/markup"
)

// A setting is one thing that 'room configure' changes. It goes by the config's word, and by the name of its field in the form that
// clients show to owners (XEP-0045 §10.2).
type setting struct {
	word, field string
	about       string // what may be written
	get         func(*store.Room) any
	set         func(r *store.Room, text string) (ok bool)
}

const form = "muc#roomconfig_"

// roomSettings is the table of settings, in the order in which they are shown.
func roomSettings() []setting {
	return []setting{
		text("title", form+"roomname", func(r *store.Room) *string { return &r.Name }),
		text("description", form+"roomdesc", func(r *store.Room) *string { return &r.Description }),
		text("language", form+"lang", func(r *store.Room) *string { return &r.Lang }),
		flag("persistent", form+"persistentroom", func(r *store.Room) *bool { return &r.Persistent }),
		flag("hidden", "", func(r *store.Room) *bool { return &r.Hidden }),
		not("public", form+"publicroom", func(r *store.Room) *bool { return &r.Hidden }),
		flag("members_only", form+"membersonly", func(r *store.Room) *bool { return &r.MembersOnly }),
		flag("moderated", form+"moderatedroom", func(r *store.Room) *bool { return &r.Moderated }),
		password(),
		flag("non_anonymous", "", func(r *store.Room) *bool { return &r.NonAnonymous }),
		choice("whois", form+"whois", "moderators or anyone", func(r *store.Room, v string) {
			r.NonAnonymous = v == "anyone"
		}, func(r *store.Room) string {
			return map[bool]string{true: "anyone", false: "moderators"}[r.NonAnonymous]
		}, "moderators", "anyone"),
		flag("change_subject", form+"changesubject", func(r *store.Room) *bool { return &r.ChangeSubject }),
		flag("members_invite", form+"allowinvites", func(r *store.Room) *bool { return &r.MembersInvite }),
		choice("allow_pm", form+"allowpm", "anyone, participants, moderators or none", func(r *store.Room, v string) {
			if r.AllowPM = v; v == "anyone" {
				r.AllowPM = ""
			}
		}, func(r *store.Room) string {
			if r.AllowPM == "" {
				return "anyone"
			}
			return r.AllowPM
		}, "anyone", "participants", "moderators", "none"),
		number("max_occupants", form+"maxusers", "a number, or none", func(r *store.Room) *int { return &r.MaxUsers }, 0),
		not("archive", form+"enablelogging", func(r *store.Room) *bool { return &r.NoArchive }),
		history("history", form+"historylength"),
	}
}

// hiddenTwins are settings that are shown by another word already.
var hiddenTwins = []string{"public", "whois"}

// settingsOf is what a room is set to, for people and programs; of its password only whether there is one.
func settingsOf(r *store.Room) map[string]any {
	m := make(map[string]any)
	for _, s := range roomSettings() {
		if !slices.Contains(hiddenTwins, s.word) {
			m[s.word] = s.get(r)
		}
	}
	return m
}

// SettingWords are the words of all settings, in order.
func SettingWords() (words []string) {
	for _, s := range roomSettings() {
		if !slices.Contains(hiddenTwins, s.word) {
			words = append(words, s.word)
		}
	}
	return words
}

// findSetting takes the config's word, and the name of the form's field.
func findSetting(word string) (setting, error) {
	var words []string
	for _, s := range roomSettings() {
		if s.word == word || s.field != "" && s.field == word {
			return s, nil
		}
		words = append(words, s.word)
	}
	if strings.HasPrefix(word, "x-fmuc") || strings.HasPrefix(word, "federat") {
		return setting{}, misuse("federation is set by 'room federate'")
	}
	if word == "subject" {
		return setting{}, misuse("the subject is not a setting: somebody in the room says it, or the config")
	}
	return setting{}, misuse("there is no setting %q; there are: %s", word, strings.Join(words, ", "))
}

// applied sets each "key=value" on a room, and returns the words of the keys.
func applied(r *store.Room, settings []string) (words []string, err error) {
	for _, kv := range settings {
		key, value, ok := strings.Cut(kv, "=")
		if !ok {
			return nil, misuse("%q is no setting; write it as in moderated=yes", kv)
		}
		s, err := findSetting(strings.TrimSpace(key))
		if err != nil {
			return nil, err
		}
		if !s.set(r, value) {
			return nil, misuse("%s cannot be %q; write %s", s.word, value, s.about)
		}
		words = append(words, s.word)
	}
	return words, nil
}

func text(word, field string, at func(*store.Room) *string) setting {
	return setting{word, field, "at most 2000 bytes of text", func(r *store.Room) any { return *at(r) }, func(r *store.Room, v string) bool {
		*at(r) = v
		return len(v) <= 2000
	}}
}

// yes reads the ways in which people and forms say yes and no.
func yes(v string) (is, ok bool) {
	switch strings.ToLower(v) {
	case "yes", "true", "on", "1":
		return true, true
	case "no", "false", "off", "0":
		return false, true
	}
	return false, false
}

func flag(word, field string, at func(*store.Room) *bool) setting {
	return setting{word, field, "yes or no", func(r *store.Room) any { return *at(r) }, func(r *store.Room, v string) (ok bool) {
		*at(r), ok = yes(v)
		return ok
	}}
}

// not is a flag that the room keeps the other way round.
func not(word, field string, at func(*store.Room) *bool) setting {
	return setting{word, field, "yes or no", func(r *store.Room) any { return !*at(r) }, func(r *store.Room, v string) (ok bool) {
		is, ok := yes(v)
		*at(r) = !is
		return ok
	}}
}

func choice(word, field, about string, set func(*store.Room, string), get func(*store.Room) string, known ...string) setting {
	return setting{word, field, about, func(r *store.Room) any { return get(r) }, func(r *store.Room, v string) bool {
		set(r, v)
		return slices.Contains(known, v)
	}}
}

func number(word, field, about string, at func(*store.Room) *int, none int) setting {
	return setting{word, field, about, func(r *store.Room) any { return *at(r) }, func(r *store.Room, v string) bool {
		if v == "none" {
			*at(r) = none
			return true
		}
		n, err := strconv.Atoi(v)
		*at(r) = n
		return err == nil && n >= 0 && n <= 1e5
	}}
}

func password() setting {
	return setting{"password", form + "roomsecret", "at most 200 bytes of text, or nothing for none", func(r *store.Room) any { return r.Password != "" }, func(r *store.Room, v string) bool {
		r.Password = v
		return len(v) <= 200
	}}
}

func history(word, field string) setting {
	return setting{word, field, "a number up to 200, or none", func(r *store.Room) any { return linesOf(r.History) }, func(r *store.Room, v string) bool {
		if v == "none" {
			v = "0"
		}
		n, err := strconv.Atoi(v)
		r.History = historyOf(n)
		return err == nil && n >= 0 && n <= 200
	}}
}

// usualHistory is what a room's record means by 0.
const usualHistory = 20

// historyOf is a number of lines as a room's record has it: there 0 is the usual number, and -1 none.
func historyOf(lines int) int {
	if lines == 0 {
		return -1
	}
	return lines
}

func linesOf(history int) int {
	switch {
	case history < 0:
		return 0
	case history == 0:
		return usualHistory
	}
	return history
}

// subjectMarkup and subjectText are a room's subject as the store keeps it, and as people read it.
func subjectMarkup(text string) []byte {
	if text == "" {
		return nil
	}
	return append(markup.AppendEscaped([]byte("<subject>"), text), "</subject>"...)
}

func subjectText(raw []byte) string {
	e, err := markup.ParseElement(append(append([]byte("<x>"), raw...), "</x>"...))
	if err != nil {
		return ""
	}
	if s := e.Child("", "subject"); s != nil {
		return s.Text
	}
	return ""
}

// fedOf is the federation of a room as its record has it.
func fedOf(f config.RoomFederation) store.RoomFed {
	r := store.RoomFed{Enabled: f.Enabled(), Node: f.With, Allow: slices.Clone(f.Accept), LastN: f.LastN}
	if f.With != "" {
		r.Mode, r.History, r.Watch = f.Mode, f.History, f.Watch
	}
	if !r.Enabled {
		return store.RoomFed{}
	}
	return r
}
