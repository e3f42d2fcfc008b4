package node_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"longwire/firmware/admin"
	"longwire/firmware/node"
	"longwire/links/modem"
	"longwire/links/pair"
)

// An HQ and a kit that know of each other what twin would write.
var (
	pairKey   = pair.NewPrivateKey()
	pairToken = pair.NewToken()
)

// hqPairDoc is a headquarters that has invited the kit field.net, whose address it is not told.
func hqPairDoc(s *station, mapping string, more string) string {
	head := hfHead("headquarters.net", hqAddress, s)
	return strings.Replace(head, "[clients]", fmt.Sprintf("[pairing]\nkey = %q\n[clients]", pairKey.Text()), 1) +
		strings.Replace(hfPeer("field.net", "", mapping), "remote_5066_address = \"\"\n", "", 1) +
		fmt.Sprintf("[peer.pairing]\ntoken = %q\n", pairToken.Text()) + more
}

func kitPairDoc(address string, s *station, mapping, more string) string {
	return hfHead("field.net", address, s) + hfPeer("headquarters.net", hqAddress, mapping) +
		fmt.Sprintf("[peer.pairing]\ntoken = %q\nheadquarters_key = %q\n%s\n", pairToken.Text(), pairKey.Public(), more)
}

func kits(t *testing.T, n *node.Node) admin.Kit {
	t.Helper()
	all, err := admin.Running(n).Kits()
	if err != nil || len(all) != 1 {
		t.Fatal(all, err)
	}
	return all[0]
}

// kitIs waits until headquarters sees its kit so.
func kitIs(t *testing.T, n *node.Node, what string, ok func(admin.Kit) bool) {
	t.Helper()
	var k admin.Kit
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if k = kits(t, n); ok(k) {
			return
		}
	}
	t.Fatalf("never %s: %+v", what, k)
}

func TestTwoNodesPairOverHF(t *testing.T) {
	t.Parallel()
	for _, mapping := range mappings {
		t.Run(mapping, func(t *testing.T) {
			t.Parallel()
			air := newAir(t)
			hqS, kitS := onAir(t, air, hqAddress), onAir(t, air, fieldAddress)
			hqDir, kitDir := t.TempDir(), t.TempDir()
			hq := start(t, write(t, hqDir, hqPairDoc(hqS, mapping, "")))
			alice := online(t, hq, "alice", "headquarters.net")

			// What is for the kit waits, and that is told.
			alice.send("<message to='bob@field.net' type='chat' id='m0'><body>Are you there?</body></message>")
			alice.taken("headquarters.net")
			if q, err := admin.Running(hq).Queue("field.net"); err != nil || len(q) != 1 || q[0].Why != "invited, not heard yet" {
				t.Errorf("%+v, %v", q, err)
			}
			linkState(t, hq, "field.net", "invited", func(l admin.LinkState) bool {
				return l.State == "invited" && l.S5066.Pairing.Words == "invited, not heard yet" && l.Remote == ""
			})

			// The kit's first contact is one transmission, with its first message.
			kit, stop := launch(t, write(t, kitDir, kitPairDoc(fieldAddress, kitS, mapping, `introduce = "with-data"`)))
			linkState(t, kit, "headquarters.net", "introducing", func(l admin.LinkState) bool {
				return l.State == "introducing" && strings.Contains(l.S5066.Pairing.Words, "with its first message")
			})
			bob := online(t, kit, "bob", "field.net")
			bob.send("<message to='alice@headquarters.net' type='chat' id='m1'><body>Here we are</body></message>")
			alice.until("id='m1'><body>Here we are</body>")
			if n := kitS.Sent(); n != 1 {
				t.Errorf("%d transmissions of the kit", n)
			}
			bob.until("id='m0'><body>Are you there?</body>")
			say(alice, bob, "bob@field.net", "m2")
			say(bob, alice, "alice@headquarters.net", "m3")
			kitIs(t, hq, "paired", func(k admin.Kit) bool {
				return k.State == "paired" && k.Address == fieldAddress && !k.Silent && k.Conflict == "" && !k.Heard.IsZero()
			})
			linkState(t, kit, "headquarters.net", "paired", func(l admin.LinkState) bool { return l.State == "up" && l.S5066.Pairing.State == "paired" })
			if at := kit.Live().HeadquartersTime; time.Since(at).Abs() > time.Minute || !hq.Live().HeadquartersTime.IsZero() {
				t.Errorf("headquarters' time %v", at)
			}

			// Restarts of both disturb nothing.
			drained(t, kit, "headquarters.net")
			drained(t, hq, "field.net")
			stop()
			kit, _ = launch(t, write(t, kitDir, kitPairDoc(fieldAddress, kitS, mapping, "")))
			bob = online(t, kit, "bob", "field.net")
			say(bob, alice, "alice@headquarters.net", "m4")

			// Headquarters takes it back, and thinks again.
			if k, err := admin.Running(hq).ForgetKit("field.net", false); err != nil || k.State != "withdrawn" {
				t.Errorf("%+v, %v", k, err)
			}
			alice.send("<message to='bob@field.net' type='chat' id='m5'><body>Held</body></message>")
			alice.taken("headquarters.net")
			if q, err := admin.Running(hq).Queue("field.net"); err != nil || len(q) != 1 || !strings.HasPrefix(q[0].Why, "taken back") {
				t.Errorf("%+v, %v", q, err)
			}
		})
	}
}

// Two kits were given the same bundle.
func TestSecondKitWithTheSameTokenIsToldOf(t *testing.T) {
	t.Parallel()
	air := newAir(t)
	hqS, oneS, twoS := onAir(t, air, hqAddress), onAir(t, air, fieldAddress), onAir(t, air, "1.1.0.3")
	hq := start(t, write(t, t.TempDir(), hqPairDoc(hqS, "longwire", "")))
	one := start(t, write(t, t.TempDir(), kitPairDoc(fieldAddress, oneS, "longwire", "")))
	kitIs(t, hq, "paired", func(k admin.Kit) bool { return k.State == "paired" })
	two := start(t, write(t, t.TempDir(), kitPairDoc("1.1.0.3", twoS, "longwire", "")))
	linkState(t, two, "headquarters.net", "refused", func(l admin.LinkState) bool {
		return l.S5066.Pairing.State == "refused" && l.S5066.Pairing.Words == "refused: another kit uses this token"
	})
	kitIs(t, hq, "in conflict", func(k admin.Kit) bool {
		return k.Conflict == "conflict: another kit uses this token" && k.State == "paired" && k.Address == fieldAddress && k.RivalKey != k.Key && k.RivalKey != ""
	})
	alice, bob := online(t, hq, "alice", "headquarters.net"), online(t, one, "bob", "field.net")
	say(alice, bob, "bob@field.net", "m1")
	say(bob, alice, "alice@headquarters.net", "m2")
}

// The kit is heard before headquarters has been told of it; an invitation is added, and taken away, while the node runs.
func TestInvitationComesToARunningNode(t *testing.T) {
	t.Parallel()
	air := newAir(t)
	hqS, kitS := onAir(t, air, hqAddress), onAir(t, air, fieldAddress)
	dir := t.TempDir()
	third := hfPeer("third.net", "1.1.0.3", "longwire")
	head := hfHead("headquarters.net", hqAddress, hqS)
	hq := start(t, write(t, dir, head+third))
	kit := start(t, write(t, t.TempDir(), kitPairDoc(fieldAddress, kitS, "longwire", "")))
	bob := online(t, kit, "bob", "field.net")
	bob.send("<message to='alice@headquarters.net' type='chat' id='m1'><body>Early</body></message>")
	linkState(t, hq, "third.net", "heard of it", func(l admin.LinkState) bool { return l.S5066.Uninvited > 0 && l.S5066.Strays == 0 })
	alice := online(t, hq, "alice", "headquarters.net")
	if err := hq.Reload(write(t, dir, hqPairDoc(hqS, "longwire", third))); err != nil {
		t.Fatal(err)
	}
	alice.until("id='m1'><body>Early</body>")
	kitIs(t, hq, "paired", func(k admin.Kit) bool { return k.State == "paired" })
	say(alice, bob, "bob@field.net", "m2")
}

// What a first contact costs on the air, with all that a STANAG 5066 station says around it.
func TestFirstContactOverASimulatedRadio(t *testing.T) {
	t.Parallel()
	for _, rate := range []int{75, 300} {
		t.Run(fmt.Sprint(rate), func(t *testing.T) {
			t.Parallel()
			channel := modem.NewChannel(modem.ChannelConfig{Clock: modem.Clock{Epoch: time.Now(), Scale: radioScale}, Seed: 1})
			hqPort, hqRadio := radio(t, channel, hqAddress, rate)
			kitPort, kitRadio := radio(t, channel, fieldAddress, rate)
			hq := start(t, write(t, t.TempDir(), hqPairDoc(&station{port: hqPort}, "longwire", "")))
			kit := start(t, write(t, t.TempDir(), kitPairDoc(fieldAddress, &station{port: kitPort}, "longwire", `introduce = "with-data"`)))
			alice, bob := online(t, hq, "alice", "headquarters.net"), online(t, kit, "bob", "field.net")
			began := channel.Clock().Now()
			say(bob, alice, "alice@headquarters.net", "m1")
			first := channel.Clock().Now().Sub(began)
			before := kitRadio.Status().Counts
			linkState(t, kit, "headquarters.net", "paired", func(l admin.LinkState) bool { return l.S5066.Pairing.State == "paired" })
			drained(t, kit, "headquarters.net")
			k, h := kitRadio.Status().Counts, hqRadio.Status().Counts
			t.Logf("%d bit/s: message there after %.0f s, for which the kit transmitted %d times (link set-up; hello and message); paired and confirmed after %.0f s; in all the kit %d times, %.1f s, headquarters %d times, %.1f s",
				rate, first.Seconds(), before.Transmissions, channel.Clock().Now().Sub(began).Seconds(), k.Transmissions, k.Air.Seconds(), h.Transmissions, h.Air.Seconds())
			if before.Transmissions > 3 || k.Transmissions > 8 || h.Transmissions > 8 {
				t.Errorf("%d, %d, %d transmissions", before.Transmissions, k.Transmissions, h.Transmissions)
			}
		})
	}
}
