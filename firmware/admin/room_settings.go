package admin

import (
	"slices"
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
