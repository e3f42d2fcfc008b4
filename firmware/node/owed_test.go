package node

import (
	"testing"
	"time"

	"longwire/firmware/config"
	"longwire/store"
	"longwire/xmpp/s2s"
)

// What was to go by SatCom, where clients ask each other for receipts, and goes by HF, where they do not, is owed a receipt of the node; and
// no more when it goes by SatCom after all, with what asks for one.
func TestAReceiptIsOwedByTheLinkThatTakesTheQuestionOut(t *testing.T) {
	n, _ := pathOf(t, [2]string{"satcom", "hf-300"}, config.Fold{Preset: config.FoldAuto})
	if err := n.peers.Apply([]s2s.Config{{Name: "p", Domains: []string{"headquarters.net"}}}); err != nil {
		t.Fatal(err)
	}
	q := n.peers.Peer("p").Queue()
	put := func(id string, track bool, inner string) {
		t.Helper()
		e := store.Entry{Kind: store.KindChat, From: "ann@field.net/x", To: "ben@headquarters.net", StanzaID: id, Track: track, Queued: time.Now(),
			Stanza: []byte("<message from='ann@field.net/x' to='ben@headquarters.net' id='" + id + "' type='chat'><body>x</body>" + inner + "</message>")}
		if err := n.peers.DB.Update(func(tx *store.Tx) error { _, _, err := q.Put(tx, e, store.QueueLimits{}); return err }); err != nil {
			t.Fatal(err)
		}
	}
	const request = "<request xmlns='urn:xmpp:receipts'/>"
	put("asks", true, request)
	put("does not", true, "")
	put("nobody's", false, request)
	owed := func(link string) (ids []string) {
		t.Helper()
		entries, err := q.Next(9, 1<<20)
		if err == nil {
			_, err = n.sift("p", link, time.Now(), entries)
		}
		if err == nil {
			entries, err = q.List()
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			if e.Receipt {
				ids = append(ids, e.StanzaID)
			}
		}
		return ids
	}
	for range 2 {
		if got := owed("b"); len(got) != 1 || got[0] != "asks" {
			t.Errorf("by HF: %q", got)
		}
		if got := owed("a"); len(got) != 0 {
			t.Errorf("by SatCom: %q", got)
		}
	}
}
