package main

import (
	"context"
	"fmt"
	"time"

	"longwire/images/bundle"
	"longwire/links/modem"
	"longwire/tools/rig"
	"longwire/tools/rig/guest"
)

// A drillground is where kits are drilled: an HF channel on which nobody else is, and an organisation.
type drillground struct {
	signer  bundle.Signer
	channel *rig.Channel
}

// newDrillground opens the channel: a kit's SIS server lets nobody in before it has a modem.
func newDrillground() (*drillground, error) {
	s, err := newSigner()
	if err != nil {
		return nil, err
	}
	c := &rig.Channel{Config: modem.ChannelConfig{Clock: modem.Clock{Scale: 1}}, IP: "127.0.0.1"}
	return &drillground{s, c}, c.Open()
}

func newSigner() (bundle.Signer, error) { return bundle.NewSigner("Drill") }

// kitName is that of the kit that is drilled.
const kitName = "headquarters"

// password is alice's in a generation: who can log in tells which one is in force.
func password(generation int) string { return fmt.Sprintf("generation-%d", generation) }

// documents are a generation's. They differ in each of them, so that a mixture would be seen.
func (s *drillground) documents(generation int) bundle.Documents {
	return bundle.Documents{
		Node: fmt.Sprintf(`# generation %d
domains = ["headquarters.net"]

[[user]]
address = "alice"
password = %q

[[link]]
name = "5066 link hq-2-field"
type = "s5066"
server = "127.0.0.1:5066"
local_5066_address = "1.1.0.1"

[[peer]]
domains = ["field.net"]
links = ["5066 link hq-2-field"]
[peer.s5066]
remote_5066_address = "1.1.0.2"
mapping = "longwire"
`, generation, password(generation)),
		SIS: fmt.Sprintf(`name = "drill-%d"
address = "1.1.0.1"
[modem]
type = "channel"
channel = "10.0.2.2:%d"
rate = %d
`, generation, s.channel.Port, airRate),
	}
}

// config is a generation's bundle before it is signed.
func (s *drillground) config(generation int) bundle.Config {
	return bundle.Config{
		Head: bundle.Head{Counter: uint64(generation), Target: bundle.Target{Name: kitName}, Created: time.Now(), Note: fmt.Sprint("generation ", generation)},
		Name: kitName, Docs: s.documents(generation),
	}
}

// bundle is a generation's, signed.
func (s *drillground) bundle(generation int) ([]byte, error) {
	return s.config(generation).Encode(s.signer, "")
}

// stick is one with a generation's bundle.
func (s *drillground) stick(image string, generation int) (*guest.Stick, error) {
	b, err := s.bundle(generation)
	if err != nil {
		return nil, err
	}
	return guest.NewStick(image, 32, guest.FAT, true, map[string][]byte{"headquarters.lwb": b})
}

// alice is the user of a kit that runs in a generation.
func alice(k *kit, generation int) *person {
	return &person{jid: "alice@headquarters.net", password: password(generation), address: k.Address(5222)}
}

// loginTime is how long a login may take on a quiet machine.
const loginTime = 20 * time.Second

// mayEnter checks that alice can log in with a generation's password.
func mayEnter(ctx context.Context, k *kit, generation int) error {
	p := alice(k, generation)
	defer p.leave()
	return p.enterWithin(ctx, guest.Patience*loginTime)
}
