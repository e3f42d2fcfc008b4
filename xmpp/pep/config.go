package pep

import (
	"reflect"
	"slices"
	"strings"

	"longwire/store"
	"longwire/xmpp/forms"
)

// FORM_TYPEs of XEP-0060 §16.4.
const (
	formConfig  = "http://jabber.org/protocol/pubsub#node_config"
	formOptions = "http://jabber.org/protocol/pubsub#publish-options"
	formMeta    = "http://jabber.org/protocol/pubsub#meta-data"
)

// Access models. XEP-0060 §4.5. Choice: authorize is refused, as nobody may be there to answer.
const (
	accessOpen      = "open"
	accessPresence  = "presence"
	accessRoster    = "roster"
	accessWhitelist = "whitelist"
)

// When the last item is sent by itself.
const (
	sendNever    = "never"
	sendOnSub    = "on_sub"
	sendPresence = "on_sub_and_presence"
)

// defaults is the configuration of a new node. XEP-0163 §5.
func defaults(node string) store.PubsubConfig {
	c := store.PubsubConfig{Access: accessPresence, SendLast: sendPresence, MaxItems: 1, NotifyDelete: true}
	switch node {
	case NodeBookmarks:
		// XEP-0402 §3.3.
		c.Access, c.SendLast, c.MaxItems, c.NotifyRetract = accessWhitelist, sendNever, 0, true
	case NodeLegacyBookmarks:
		c.Access = accessWhitelist // XEP-0048 §3
	}
	return c
}

// apply puts the fields of a form into a configuration. XEP-0004 §3.2: a field that is not there stays as it is. unknown
// is what it means that a field is none of ours; nil: nothing.
func (s *Service) apply(c *store.PubsubConfig, f *forms.Form, unknown error) error {
	for i := range f.Fields {
		fd := &f.Fields[i]
		name, ok := strings.CutPrefix(fd.Var, "pubsub#")
		at := slices.IndexFunc(options, func(o option) bool { return o.name == name })
		var err error
		switch {
		case !ok || at < 0:
			err = unknown
		case options[at].set != nil:
			err = options[at].set(s, c, fd.Values)
		case !options[at].is(fd.Values):
			err = bad(name)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// form writes a configuration as a form to be filled in, or as a result.
func form(kind string, c *store.PubsubConfig) *forms.Form {
	f := &forms.Form{Type: kind, FormType: formConfig}
	for _, o := range options {
		if o.set == nil {
			continue
		}
		fd := forms.Field{Var: "pubsub#" + o.name, Values: o.get(c)}
		if kind == forms.Blank {
			fd.Type, fd.Label = o.kind, o.label
			for _, v := range o.choices {
				fd.Options = append(fd.Options, forms.Option{Value: v})
			}
		}
		f.Fields = append(f.Fields, fd)
	}
	return f
}

// same compares configurations.
func same(a, b store.PubsubConfig) bool {
	groups := slices.Equal(a.Groups, b.Groups)
	a.Groups, b.Groups = nil, nil
	return groups && reflect.DeepEqual(a, b)
}

// private tells whether a node must keep the configuration that makes it its owner's alone: see keeps.
func private(node string) bool { return node == NodeBookmarks || node == NodeLegacyBookmarks }

// privateFields are those that it is about.
const privateFields = "access_model, persist_items, max_items, send_last_published_item"

// keeps tells whether a configuration is one that the node may have. XEP-0402 §3.3, XEP-0223 §3: bookmarks are kept,
// all of them, for their owner only.
func keeps(node string, c *store.PubsubConfig) bool {
	if !private(node) {
		return true
	}
	d := defaults(node)
	return c.Access == d.Access && c.SendLast == d.SendLast && c.MaxItems == d.MaxItems && !c.Transient && c.MaxBytes == 0 && !c.NoPayload
}
