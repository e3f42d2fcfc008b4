package s2s_test

import (
	"testing"

	"longwire/store"
)

// The last digest of a federated room is enough; it waits as long as it takes, in the room's class, and replaces nothing else.
func TestRoomDigestsReplaceEachOther(t *testing.T) {
	r := newRig(t, hq)
	digest := func(inner string) {
		t.Helper()
		r.route("<presence from='ops@chat.field.net' to='ops@chat.headquarters.net' ><fmuc xmlns='http://isode.com/protocol/fmuc'>" + inner + "</fmuc></presence>")
	}
	line := "<message from='ops@chat.field.net/Bob' to='ops@chat.headquarters.net' type='groupchat' ><body>hi</body></message>"
	digest("<s xmlns='urn:x-longwire:fmuc:0'>+Bob</s>")
	digest("<left/>")
	r.route(line)
	digest("<s xmlns='urn:x-longwire:fmuc:0'>+Bob\n+Carl</s>")
	es := r.queue()
	if len(es) != 3 {
		t.Fatalf("%d entries wait, want 3: %q", len(es), r.queued())
	}
	left, last := es[0], es[2]
	if left.Coalesce || !left.Expires.IsZero() { // nobody would say it again
		t.Errorf("a goodbye is taken for a digest, or expires: %+v", left)
	}
	if !last.Coalesce || !last.Expires.IsZero() || last.Kind != store.KindGroupchat {
		t.Errorf("the digest: %+v", last)
	}
}
