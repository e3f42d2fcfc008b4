package fmuc_test

import (
	"errors"
	"reflect"
	"testing"

	"longwire/store"
	"longwire/xmpp/fmuc"
	"longwire/xmpp/forms"
	"longwire/xmpp/stanza"
)

func TestOwnersForm(t *testing.T) {
	s := fmuc.New(nil, nil, fmuc.Options{Enabled: true})
	full := store.RoomFed{
		Enabled: true, Node: "ops@chat.hq.net", Mode: "pr", Allow: []string{"chat.ship.net", "a@chat.b.net", "*"}, History: "20", Watch: true, LastN: 7,
	}
	for _, was := range []store.RoomFed{full, {}, {Enabled: true}} {
		c := store.Room{JID: "ops@chat.field.net", Fed: was}
		if err := s.SetFields(&c, &forms.Form{Fields: s.Fields(&c)}); err != nil || !reflect.DeepEqual(c.Fed, was) {
			t.Errorf("%+v, sent back, becomes %+v, %v", was, c.Fed, err)
		}
		if err := s.SetFields(&c, &forms.Form{}); err != nil || !reflect.DeepEqual(c.Fed, was) {
			t.Errorf("an empty form makes of %+v %+v, %v", was, c.Fed, err)
		}
	}
	for _, c := range []struct{ field, value string }{
		{"x-fmuc_enabled", "perhaps"}, {"x-fmuc_watch", "2"}, {"x-fmuc_mode", "both"}, {"x-fmuc_history", "-1"}, {"x-fmuc_history", "all"},
		{"x-fmuc_node", "chat.hq.net"}, {"x-fmuc_node", "ops@chat.hq.net/Bob"}, {"x-fmuc_node", "@"}, {"x-fmuc_node", "ops@chat.field.net"},
		{"x-fmuc_allow", "a@b/c"}, {"x-fmuc_allow", "@"},
	} {
		room := store.Room{JID: "ops@chat.field.net", Fed: full}
		err := s.SetFields(&room, &forms.Form{Fields: []forms.Field{{Var: c.field, Values: []string{c.value}}}})
		if !errors.Is(err, &stanza.Err{Condition: stanza.NotAcceptable, Type: "modify"}) || !reflect.DeepEqual(room.Fed, full) {
			t.Errorf("%s = %q: %v, %+v", c.field, c.value, err, room.Fed)
		}
	}
	if off := fmuc.New(nil, nil, fmuc.Options{}); off.Fields(&store.Room{}) != nil {
		t.Error("a node that does not federate asks for it")
	}
}
