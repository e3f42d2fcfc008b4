package device

import (
	"testing"
	"time"

	"longwire/firmware/admin"
)

func TestLinkIsUpAsSoonAsAKitHasIntroducedItself(t *testing.T) {
	now := time.Now()
	long := now.Add(-2 * heardRecently)
	for _, c := range []struct {
		name string
		link admin.LinkState
		want bool
	}{
		{"IP, connected", admin.LinkState{State: "up"}, true},
		{"IP, not connected", admin.LinkState{State: "dialling"}, false},
		{"HF, bound and nobody heard", admin.LinkState{State: "up", S5066: &admin.S5066{Bound: true}}, false},
		{"HF, heard now", admin.LinkState{State: "up", S5066: &admin.S5066{Heard: now}}, true},
		{"HF, heard long ago", admin.LinkState{State: "up", S5066: &admin.S5066{Heard: long}}, false},
		{"HF, only introduced", admin.LinkState{State: "up", S5066: &admin.S5066{Pairing: &admin.Pairing{Heard: now}}}, true},
		{"HF, introduced long ago", admin.LinkState{State: "up", S5066: &admin.S5066{Pairing: &admin.Pairing{Heard: long}}}, false},
		{"HF, invited", admin.LinkState{State: "invited", S5066: &admin.S5066{Pairing: &admin.Pairing{}}}, false},
	} {
		if got := contact(c.link); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}
