package muc

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"longwire/store"
	"longwire/xmpp/forms"
	"longwire/xmpp/stanza"
)

// Bounds of what an owner may write into a room's configuration, in characters.
const (
	maxName        = 200
	maxDescription = 2000
	maxLang        = 35 // the longest that RFC 5646 §4.4.1 asks for
	maxPassword    = 200
)

// Names of the fields that more than one place reads.
const (
	fieldMembersOnly = "muc#roomconfig_membersonly"
	fieldProtected   = "muc#roomconfig_passwordprotectedroom"
	fieldSecret      = "muc#roomconfig_roomsecret"
	fieldHistory     = "muc#maxhistoryfetch"
	fieldAdmins      = "muc#roomconfig_roomadmins"
	fieldOwners      = "muc#roomconfig_roomowners"
)

// A setting is one field of the form muc#roomconfig (XEP-0045 §16.5.3).
type setting struct {
	name, kind, label string
	options           []forms.Option
	get               func(*store.Room) []string
	set               func(*store.Room, []string) error // the error says what is wrong with the values
}

// notAcceptable names the field that cannot be as it was asked for. XEP-0045 §10.1.3.
func notAcceptable(field, why string) error {
	return stanza.Fail(stanza.NotAcceptable, field+": "+why)
}

// settings are the fields of a room's configuration but its password and its lists of owners and admins, in the order
// of the form.
func settings(o Options) []setting {
	return []setting{
		text("muc#roomconfig_roomname", "Name", maxName, false, func(c *store.Room) *string { return &c.Name }),
		text("muc#roomconfig_roomdesc", "Description", maxDescription, true, func(c *store.Room) *string { return &c.Description }),
		text("muc#roomconfig_lang", "Language", maxLang, false, func(c *store.Room) *string { return &c.Lang }),
		flag("muc#roomconfig_persistentroom", "Keep the room when nobody is in it", true, func(c *store.Room) *bool { return &c.Persistent }),
		flag("muc#roomconfig_publicroom", "List the room", false, func(c *store.Room) *bool { return &c.Hidden }),
		flag(fieldMembersOnly, "Only members may enter", true, func(c *store.Room) *bool { return &c.MembersOnly }),
		flag("muc#roomconfig_moderatedroom", "Only those with voice may speak", true, func(c *store.Room) *bool { return &c.Moderated }),
		whois(),
		flag("muc#roomconfig_changesubject", "Participants may change the subject", true, func(c *store.Room) *bool { return &c.ChangeSubject }),
		flag("muc#roomconfig_allowinvites", "Members may invite others", true, func(c *store.Room) *bool { return &c.MembersInvite }),
		allowPM(),
		maxUsers(o.MaxOccupants),
		roles("muc#roomconfig_presencebroadcast", "Roles whose presence is shown", func(c *store.Room) *[]string { return &c.Broadcast }),
		roles("muc#roomconfig_getmemberlist", "Roles that may ask for the list of members", func(c *store.Room) *[]string { return &c.MemberList }),
		// Choice: a room that has an archive which those inside may query counts as logged, and a new room has one.
		flag("muc#roomconfig_enablelogging", "Keep an archive that those inside may read", false, func(c *store.Room) *bool { return &c.NoArchive }),
		historySetting(),
	}
}

func text(name, label string, most int, lines bool, at func(*store.Room) *string) setting {
	return setting{
		name: name, kind: forms.TextSingle, label: label,
		get: func(c *store.Room) []string {
			if *at(c) == "" {
				return nil
			}
			return []string{*at(c)}
		},
		set: func(c *store.Room, v []string) error {
			s := strings.Join(v, "\n")
			if utf8.RuneCountInString(s) > most {
				return fmt.Errorf("at most %d characters", most)
			}
			if !lines && strings.ContainsAny(s, "\n\r\t") {
				return errors.New("one line")
			}
			*at(c) = s
			return nil
		},
	}
}

// flag is a boolean; yes tells what of the record's it stands for.
func flag(name, label string, yes bool, at func(*store.Room) *bool) setting {
	return setting{
		name: name, kind: forms.Boolean, label: label,
		get: func(c *store.Room) []string { return forms.Bool(*at(c) == yes) },
		set: func(c *store.Room, v []string) error {
			b, ok, err := (&forms.Form{Fields: []forms.Field{{Var: name, Values: v}}}).Bool(name)
			if err != nil {
				return errors.New("neither true nor false")
			}
			if ok {
				*at(c) = b == yes
			}
			return nil
		},
	}
}

// choice is a list of which one value is taken.
func choice(name, label string, options []forms.Option, get func(*store.Room) string, set func(*store.Room, string)) setting {
	return setting{
		name: name, kind: forms.ListSingle, label: label, options: options,
		get: func(c *store.Room) []string { return []string{get(c)} },
		set: func(c *store.Room, v []string) error {
			if len(v) == 0 {
				return nil
			}
			if len(v) > 1 || !slices.ContainsFunc(options, func(o forms.Option) bool { return o.Value == v[0] }) {
				return errors.New("none of the choices")
			}
			set(c, v[0])
			return nil
		},
	}
}

func whois() setting {
	return choice("muc#roomconfig_whois", "Who may see real addresses",
		[]forms.Option{{Label: "Moderators", Value: "moderators"}, {Label: "Anyone inside", Value: "anyone"}},
		func(c *store.Room) string {
			if c.NonAnonymous {
				return "anyone"
			}
			return "moderators"
		}, func(c *store.Room, v string) { c.NonAnonymous = v == "anyone" })
}

func allowPM() setting {
	return choice("muc#roomconfig_allowpm", "Who may send private messages",
		[]forms.Option{{Label: "Anyone", Value: "anyone"}, {Label: "Those with voice", Value: "participants"},
			{Label: "Moderators", Value: "moderators"}, {Label: "Nobody", Value: "none"}},
		func(c *store.Room) string {
			if c.AllowPM == "" {
				return "anyone"
			}
			return c.AllowPM
		}, func(c *store.Room, v string) {
			if c.AllowPM = v; v == "anyone" {
				c.AllowPM = ""
			}
		})
}

// maxUsers offers the sizes that the service allows. most 0: any.
func maxUsers(most int) setting {
	const name = "muc#roomconfig_maxusers"
	options := []forms.Option{}
	for _, n := range []int{10, 20, 30, 50, 100} {
		if most == 0 || n <= most {
			options = append(options, forms.Option{Value: strconv.Itoa(n)})
		}
	}
	return setting{
		name: name, kind: forms.ListSingle, label: "Most occupants",
		options: append(options, forms.Option{Label: "No limit of its own", Value: "none"}),
		get: func(c *store.Room) []string {
			if c.MaxUsers == 0 {
				return []string{"none"}
			}
			return []string{strconv.Itoa(c.MaxUsers)}
		},
		set: func(c *store.Room, v []string) error {
			if len(v) == 0 || v[0] == "none" || v[0] == "" {
				c.MaxUsers = 0
				return nil
			}
			// Choice: any number, as the list is the service's to make.
			n, err := strconv.Atoi(v[0])
			if err != nil || len(v) > 1 || n < 1 || most > 0 && n > most {
				return fmt.Errorf("a number, at least 1%s, or none", upTo(most))
			}
			c.MaxUsers = n
			return nil
		},
	}
}

func upTo(most int) string {
	if most == 0 {
		return ""
	}
	return fmt.Sprintf(" and at most %d", most)
}

// roles is a set of roles. All of them is kept as nil, and nobody as the role none.
func roles(name, label string, at func(*store.Room) *[]string) setting {
	all := []string{"moderator", "participant", "visitor"}
	return setting{
		name: name, kind: forms.ListMulti, label: label,
		options: []forms.Option{{Label: "Moderators", Value: all[0]}, {Label: "Participants", Value: all[1]}, {Label: "Visitors", Value: all[2]}},
		get: func(c *store.Room) []string {
			switch v := *at(c); {
			case v == nil:
				return all
			case slices.Equal(v, nobody):
				return nil
			default:
				return v
			}
		},
		set: func(c *store.Room, v []string) error {
			var kept []string
			for _, role := range all {
				if slices.Contains(v, role) {
					kept = append(kept, role)
				}
			}
			for _, role := range v {
				if !slices.Contains(all, role) {
					return errors.New("only moderator, participant and visitor")
				}
			}
			switch len(kept) {
			case 0:
				kept = nobody
			case len(all):
				kept = nil
			}
			*at(c) = kept
			return nil
		},
	}
}

var nobody = []string{"none"}

// historySetting is how many lines a room sends at a join.
func historySetting() setting {
	return setting{
		name: fieldHistory, kind: forms.TextSingle, label: "Lines of history for those who enter",
		get: func(c *store.Room) []string { return []string{strconv.Itoa(historyLength(c))} },
		set: func(c *store.Room, v []string) error {
			if len(v) == 0 {
				return nil
			}
			n, err := strconv.Atoi(strings.TrimSpace(v[0]))
			if err != nil || len(v) > 1 || n < 0 || n > maxHistory {
				return fmt.Errorf("a number from 0 to %d", maxHistory)
			}
			switch {
			case n == historyLength(c): // no news, and no other way to say the same
			case n == 0:
				c.History = -1
			default:
				c.History = n
			}
			return nil
		},
	}
}
