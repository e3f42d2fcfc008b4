package config_test

import (
	"testing"

	"longwire/firmware/config"
)

// FuzzConfig: whatever the file says, it is judged without a panic, and what is accepted passes its own check again.
func FuzzConfig(f *testing.F) {
	f.Add([]byte(config.Example()))
	f.Add([]byte(pair + twinTLS))
	f.Add([]byte(hf + twinTLS))
	f.Add([]byte(ourDomains + user("alice", both) + user("bob@second.net", "password = \"x\"\n")))
	f.Add([]byte(node + room("ops", `federation.with = "ops@chat.hq.net"`, `owners = ["alice", "hq.net"]`, `autojoin = ["*"]`, `password = "x"`)))
	f.Add([]byte("domains = [field.net]\ndata = \"/x\n[a.b]\n[[a]]\n[a]\nb.c = {d = [1, {e = 2}]}\n= 1\n\"\" = 2\n"))
	f.Add([]byte("[clients]\nidle = 1979-05-27\nmax_stanza = 1e9\nlisten = [[\":1\"], 0x10]\n[clients.listen]\n"))
	f.Fuzz(func(t *testing.T, doc []byte) {
		c, err := config.Parse("f.toml", doc)
		if c == nil {
			t.Fatal("no config")
		}
		if err == nil {
			if err := c.Check(); err != nil {
				t.Errorf("accepted, then refused: %v", err)
			}
		}
	})
}
