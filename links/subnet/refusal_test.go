package subnet_test

import (
	"testing"
	"time"

	"longwire/links/sis"
	"longwire/links/subnet"
)

// Who asks again at once after a refusal has the refusal acknowledged first: else the other node says it again, on the link that is made
// for the second wish, and that counts as its answer.
func TestAskingAgainAtOnceAfterARefusal(t *testing.T) {
	play(t, "", func(t *testing.T) {
		x := newWorld(t, 2, 1200, subnet.Config{})
		a, b := x.bind(0, sis.Binding{SAP: 6}), x.bind(1, sis.Binding{SAP: 7})
		for range 4 {
			a.say(sis.HardLinkEstablish{HardLink: link(sis.HardLinkForPair, 1, 7, 1)})
			var asked, told []string
			for end := time.Now().Add(5 * time.Minute); time.Now().Before(end) && len(told) == 0; time.Sleep(100 * time.Millisecond) {
				if n := news(b.heard()); len(n) > 0 {
					asked = append(asked, n...)
					b.say(sis.HardLinkReject{Reason: 1, HardLink: link(sis.HardLinkForPair, 1, 6, 0)})
				}
				told = news(a.heard())
			}
			expect(t, "B", asked, "indication 2 6 1.1.0.1")
			expect(t, "A", told, "rejected 1 1.1.0.2")
		}
		time.Sleep(10 * time.Minute)
		expect(t, "A afterwards", news(a.heard()))
		expect(t, "B afterwards", news(b.heard()))
		if a, b := x.links(0), x.links(1); a+b != "" {
			t.Errorf("links: %s %s", a, b)
		}
	})
}
