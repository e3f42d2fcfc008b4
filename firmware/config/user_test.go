package config_test

import (
	"reflect"
	"strings"
	"testing"

	"longwire/firmware/config"
)

// The user "user" with the password "pencil" of RFC 5802 §5 and RFC 7677 §3.
const (
	pencil1   = "SCRAM-SHA-1$4096:QSXCR+Q6sek8bf92$6dlGYMOdZcOPutkcNY8U2g7vK9Y=:D+CSWLOshSulAsxiupA+qs2/fTE="
	pencil256 = "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU="
)

const both = "credentials = [\"" + pencil256 + "\", \"" + pencil1 + "\"]\n"

func user(address string, keys ...string) string {
	return "[[user]]\naddress = \"" + address + "\"\n" + strings.Join(keys, "")
}

const ourDomains = "domains = [\"field.net\", \"second.net\"]\n"

func TestUsersLiveAtOurDomains(t *testing.T) {
	c := parse(t, ourDomains+user("Alice", both)+user("bob@Second.net", "password = \"pencil\"\ndisabled = true\n"))
	want := []config.User{{Address: "alice@field.net", Credentials: []string{pencil256, pencil1}},
		{Address: "bob@second.net", Password: "pencil", Disabled: true}}
	if !reflect.DeepEqual(c.Users, want) {
		t.Errorf("got %+v", c.Users)
	}
	if s := c.User("alice@field.net").Stored(); len(s) != 2 || !s[0].Verify("pencil") || !s[1].Verify("pencil") {
		t.Errorf("stored %+v", s)
	}
	if c.User("carol@field.net") != nil {
		t.Error("carol is declared")
	}
}

func TestEachFaultOfAUserIsToldWithItsRemedy(t *testing.T) {
	for _, c := range []struct{ name, doc, want string }{
		{"no address", "[[user]]\n" + both, `n.toml:2: user.address: it has no address; write it as in address = "alice"`},
		{"resource", user("alice@field.net/phone", both), `n.toml:3: user.address: "alice@field.net/phone" is not a user's address; write it as in alice, or alice@field.net`},
		{"blank", user("al ice", both), `n.toml:3: user.address: "al ice" is not a user's address; write`},
		{"elsewhere", user("alice@hq.net", both), `n.toml:3: user.address: hq.net is not a domain of this node; ours are: field.net, second.net`},
		{"twice", user("alice", both) + user("Alice@field.net", both), `n.toml:6: user.address: alice@field.net is declared already (line 3); keep one of the two`},
		{"no secret", user("alice"), `n.toml:2: user: user alice@field.net has neither credentials nor a password; 'longwire user credentials' prints what to write`},
		{"empty list", user("alice", "credentials = []\n"), `n.toml:2: user: user alice@field.net has neither`},
		{"two secrets", user("alice", both, "password = \"pencil\"\n"), `n.toml:5: user.password: there are credentials already; keep one of the two`},
		{"unusable password", user("alice", "password = \"a\\u0007\"\n"), `n.toml:4: user.password: password cannot be used: SASLprep (RFC 4013): prohibited character U+0007; choose another one`},
		{"no credential", user("alice", "credentials = [\"pencil\"]\n"), `n.toml:4: user.credentials: stored credential: it is not of the form SCRAM-SHA-256$4096:salt$stored:server; 'longwire user credentials' prints what to write`},
		{"one hash", user("alice", "credentials = [\""+pencil256+"\"]\n"), `n.toml:4: user.credentials: the one for SHA-1 is missing, and clients that choose it could not log in; 'longwire`},
		{"one hash twice", user("alice", "credentials = [\""+pencil256+"\", \""+pencil1+"\",\n\""+pencil1+"\"]\n"), `n.toml:5: user.credentials: there is one for SHA-1 already; keep one of the two`},
		{"one bracket", "[user]\naddress = \"alice\"\n", `n.toml:2: user: there can be several; write [[user]] with two brackets`},
	} {
		t.Run(c.name, func(t *testing.T) {
			doc := ourDomains + c.doc
			got := faults(t, doc)
			if len(got) != 1 || !strings.HasPrefix(got[0].String(), c.want) || got[0].Remedy == "" {
				t.Errorf("got:\n%v\nwant:\n%s\nin:\n%s", got, c.want, numbered(doc))
			}
		})
	}
}

// Faults go into logs, and into the report on a stick.
func TestFaultsKeepSecretsToThemselves(t *testing.T) {
	got := faults(t, ourDomains+user("alice", "credentials = \""+pencil256+"\"\n"))
	const want = `n.toml:4: user.credentials: it must be a list, not text; as in ["…"]`
	if text := got.Error(); !strings.Contains(text, want) || strings.Contains(text, pencil256) {
		t.Errorf("got:\n%v\nwant: %s", text, want)
	}
}

func TestDiffNamesUsersAndNoSecrets(t *testing.T) {
	old := parse(t, ourDomains+user("alice", "password = \"first\"\n")+user("bob", "password = \"x\"\n"))
	d := config.Diff(old, parse(t, ourDomains+user("carol", "password = \"x\"\n")+user("alice@field.net", "password = \"second\"\n")))
	want := []string{`user "alice@field.net" password`, `user "bob@field.net" removed`, `user "carol@field.net" added`}
	if !reflect.DeepEqual(d.Keys, want) || !d.Users.Touches("alice@field.net") || d.Peers.Any() {
		t.Errorf("got %+v", d)
	}
}
