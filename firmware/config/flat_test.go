package config_test

import (
	"strings"
	"testing"

	"longwire/firmware/config"
)

func TestFlattenListsAllButSecrets(t *testing.T) {
	all, err := config.Flatten([]byte(`
domains = ["field.net"]
quiet = false
[log]
level = "info"
[pairing]
key = "longwire-pair-secret-1 AAAA"
[[link]]
name = "5066 link"
sap = 6
[[peer]]
domains = ["headquarters.net", "chat.headquarters.net"]
links = ["5066 link"]
[peer.s5066]
mapping = "longwire"
[peer.pairing]
token = "abcdef"
[[peer.rule]]
element = "active"
[[user]]
address = "bob"
credentials = ["SCRAM-SHA-256$4096:x$y:z"]
[tls]
key = "tls-key.pem"
`))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, s := range all {
		if s.Secret {
			s.Value = "(secret)"
		}
		got = append(got, s.Of+" | "+s.Key+" = "+s.Value)
	}
	want := []string{
		` | domains = ["field.net"]`,
		` | quiet = false`,
		` | log.level = "info"`,
		` | pairing.key = (secret)`,
		`link "5066 link" | name = "5066 link"`,
		`link "5066 link" | sap = 6`,
		`peer "headquarters.net" | domains = ["headquarters.net", "chat.headquarters.net"]`,
		`peer "headquarters.net" | links = ["5066 link"]`,
		`peer "headquarters.net" | s5066.mapping = "longwire"`,
		`peer "headquarters.net" | pairing.token = (secret)`,
		`peer "headquarters.net" rule 1 | element = "active"`,
		`user "bob" | address = "bob"`,
		`user "bob" | credentials = (secret)`,
		` | tls.key = "tls-key.pem"`,
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestChangedSecretsAreNotTheSame(t *testing.T) {
	a, err := config.Flatten([]byte(`password = "a"`))
	if err != nil {
		t.Fatal(err)
	}
	b, err := config.Flatten([]byte(`password = "b"`))
	if err != nil {
		t.Fatal(err)
	}
	if a[0].Same(b[0]) || !a[0].Same(a[0]) {
		t.Error("a changed secret is not seen")
	}
}

func TestFlattenOfWhatIsNotTOML(t *testing.T) {
	if _, err := config.Flatten([]byte("= x")); err == nil {
		t.Error("accepted")
	}
}
