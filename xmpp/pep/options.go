package pep

import (
	"slices"
	"strconv"
	"strings"

	"longwire/store"
	"longwire/xmpp/forms"
	"longwire/xmpp/stanza"
)

// most is the value of max_items that means as many as the service lets.
const most = "max"

// Bounds of what a configuration holds.
const (
	maxTitle  = 1023
	maxGroups = 50
)

// An option is one field of a node's configuration. set refuses a value that cannot be; fixed is the one value of a
// field that cannot be changed.
type option struct {
	name, kind, label string
	choices           []string
	get               func(c *store.PubsubConfig) []string
	set               func(s *Service, c *store.PubsubConfig, values []string) error
	fixed             string
}

// options are the fields that a node has, in the order of the form. XEP-0060 §16.4.4.
var options = []option{
	text("title", "A name for people", maxTitle, func(c *store.PubsubConfig) *string { return &c.Title }),
	text("description", "What the node is for", maxTitle, func(c *store.PubsubConfig) *string { return &c.Description }),
	text("type", "Namespace of the payloads", maxID, func(c *store.PubsubConfig) *string { return &c.Type }),
	choice("access_model", "Who may subscribe and read", func(c *store.PubsubConfig) *string { return &c.Access },
		refuse(stanza.NotAcceptable, "", "unsupported-access-model", ""), accessPresence, accessOpen, accessRoster, accessWhitelist),
	{
		name: "roster_groups_allowed", kind: forms.ListMulti, label: "Roster groups that may, with access_model roster",
		get: func(c *store.PubsubConfig) []string { return c.Groups },
		set: func(_ *Service, c *store.PubsubConfig, values []string) error {
			if len(values) > maxGroups || slices.ContainsFunc(values, func(g string) bool { return g == "" || len(g) > maxID }) {
				return bad("roster_groups_allowed")
			}
			c.Groups = values
			return nil
		},
	},
	boolean("persist_items", "Keep items", true, func(c *store.PubsubConfig) *bool { return &c.Transient }),
	bound("max_items", "How many items are kept; max: as many as the server lets",
		func(c *store.PubsubConfig) *int { return &c.MaxItems }, func(o *Options) int { return o.Items }),
	bound("max_payload_size", "Octets of the largest payload; max: as many as the server lets",
		func(c *store.PubsubConfig) *int { return &c.MaxBytes }, func(o *Options) int { return o.Payload }),
	choice("send_last_published_item", "When to send the last item by itself", func(c *store.PubsubConfig) *string { return &c.SendLast },
		bad("send_last_published_item"), sendNever, sendOnSub, sendPresence),
	boolean("deliver_notifications", "Tell of events", true, func(c *store.PubsubConfig) *bool { return &c.Silent }),
	boolean("deliver_payloads", "Tell the payload, not the id only", true, func(c *store.PubsubConfig) *bool { return &c.NoPayload }),
	{
		name: "notification_type", kind: forms.ListSingle, label: "Type of the messages that tell of events",
		choices: []string{stanza.Headline, stanza.Normal},
		get: func(c *store.PubsubConfig) []string {
			if c.Normal {
				return []string{stanza.Normal}
			}
			return []string{stanza.Headline}
		},
		set: func(_ *Service, c *store.PubsubConfig, values []string) error {
			if len(values) != 1 || values[0] != stanza.Normal && values[0] != stanza.Headline {
				return bad("notification_type")
			}
			c.Normal = values[0] == stanza.Normal
			return nil
		},
	},
	boolean("notify_retract", "Tell when an item is removed", false, func(c *store.PubsubConfig) *bool { return &c.NotifyRetract }),
	boolean("notify_delete", "Tell when the node is deleted", false, func(c *store.PubsubConfig) *bool { return &c.NotifyDelete }),
	boolean("notify_config", "Tell when the configuration changes", false, func(c *store.PubsubConfig) *bool { return &c.NotifyConfig }),
	// Choice: the rest of what clients are known to send cannot be changed: an account's nodes are the account's alone.
	{name: "publish_model", fixed: "publishers"},
	{name: "node_type", fixed: "leaf"},
	{name: "subscribe", fixed: "1"},
	{name: "presence_based_delivery", fixed: "1"},
	{name: "tempsub", fixed: "0"},
	{name: "purge_offline", fixed: "0"},
	{name: "notify_sub", fixed: "0"},
	{name: "item_expire", fixed: most},
	{name: "publish_node_full", fixed: "discard-oldest"},
}

func bad(field string) *stanza.Err {
	return stanza.Fail(stanza.NotAcceptable, "pubsub#"+field+": this value is not possible here")
}

// bound is a number from 1 to a limit of the service; 0 in the store, and "max", stand for the limit.
func bound(name, label string, at func(*store.PubsubConfig) *int, limit func(*Options) int) option {
	return option{
		name: name, kind: forms.TextSingle, label: label,
		get: func(c *store.PubsubConfig) []string {
			if n := *at(c); n > 0 {
				return []string{strconv.Itoa(n)}
			}
			return []string{most}
		},
		set: func(s *Service, c *store.PubsubConfig, values []string) error {
			if len(values) == 1 && values[0] == most {
				*at(c) = 0
				return nil
			}
			n, err := strconv.Atoi(strings.Join(values, " "))
			if err != nil || n < 1 || n > limit(&s.o) {
				return bad(name)
			}
			*at(c) = n
			return nil
		},
	}
}

func text(name, label string, limit int, at func(*store.PubsubConfig) *string) option {
	return option{
		name: name, kind: forms.TextSingle, label: label,
		get: func(c *store.PubsubConfig) []string {
			if v := *at(c); v != "" {
				return []string{v}
			}
			return nil
		},
		set: func(_ *Service, c *store.PubsubConfig, values []string) error {
			v := strings.Join(values, "\n")
			if len(v) > limit {
				return bad(name)
			}
			*at(c) = v
			return nil
		},
	}
}

func choice(name, label string, at func(*store.PubsubConfig) *string, refusal error, choices ...string) option {
	return option{
		name: name, kind: forms.ListSingle, label: label, choices: choices,
		get: func(c *store.PubsubConfig) []string { return []string{*at(c)} },
		set: func(_ *Service, c *store.PubsubConfig, values []string) error {
			if len(values) != 1 || !slices.Contains(choices, values[0]) {
				return refusal
			}
			*at(c) = values[0]
			return nil
		},
	}
}

// boolean is a field that is kept as it is, or turned round, so that what is usual is false in the store.
func boolean(name, label string, turned bool, at func(*store.PubsubConfig) *bool) option {
	return option{
		name: name, kind: forms.Boolean, label: label,
		get: func(c *store.PubsubConfig) []string { return forms.Bool(*at(c) != turned) },
		set: func(_ *Service, c *store.PubsubConfig, values []string) error {
			v, ok := truth(values)
			if !ok {
				return bad(name)
			}
			*at(c) = v != turned
			return nil
		},
	}
}

// truth reads a boolean. XEP-0004 §3.3.
func truth(values []string) (v, ok bool) {
	if len(values) != 1 {
		return false, false
	}
	return isTrue(values[0]), isTrue(values[0]) || values[0] == "false" || values[0] == "0"
}

// is tells whether the one value is meant that a field can have.
func (o *option) is(values []string) bool {
	if v, ok := truth(values); ok && (o.fixed == "1" || o.fixed == "0") {
		return v == (o.fixed == "1")
	}
	return len(values) == 1 && values[0] == o.fixed
}
