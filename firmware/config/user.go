package config

import (
	"fmt"
	"slices"
	"strings"

	"longwire/xmpp/jid"
	"longwire/xmpp/sasl"
)

// User is an account that the file declares.
type User struct {
	Address     string   `toml:"address" eg:"\"alice\"" doc:"alice@headquarters.net, or alice for the first of the domains."`
	Credentials []string `toml:"credentials" eg:"[\"SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=\", \"SCRAM-SHA-1$4096:QSXCR+Q6sek8bf92$6dlGYMOdZcOPutkcNY8U2g7vK9Y=:D+CSWLOshSulAsxiupA+qs2/fTE=\"]" doc:"What the node checks a password by (RFC 5803), for each hash; 'longwire user credentials' makes it. A new one replaces the old; clients that are connected stay so."`
	Password    string   `toml:"password" eg:"\"…\"" doc:"In place of credentials, for a file that nobody else reads."`
	Disabled    bool     `toml:"disabled" doc:"The user is shut out; all that is theirs is kept."`
}

func (u *User) setDefaults() { *u = User{} }

// Stored is what the file says in credentials, read; it is for users that passed the check.
func (u *User) Stored() (all []sasl.Credential) {
	for _, text := range u.Credentials {
		if c, err := sasl.ParseCredential(text); err == nil {
			all = append(all, c)
		}
	}
	return all
}

// User finds a declared account by its full address, nil if there is none.
func (c *Config) User(address string) *User {
	for i := range c.Users {
		if c.Users[i].Address == address {
			return &c.Users[i]
		}
	}
	return nil
}

// normaliseUsers brings addresses to their full, normal form. What is none stays as it is, for check to name.
func (c *Config) normaliseUsers() {
	for i := range c.Users {
		u := &c.Users[i]
		name := u.Address
		if name != "" && !strings.ContainsAny(name, "@/") && len(c.Domains) > 0 {
			name += "@" + c.Domains[0]
		}
		if j, err := jid.Parse(name); err == nil && j.Local() != "" && j.Resource() == "" {
			u.Address = j.String()
		}
	}
}

func (k *checker) users() {
	first := make(map[string]int)
	for i := range k.c.Users {
		u, at := &k.c.Users[i], fmt.Sprintf("user[%d]", i)
		j, err := jid.Parse(u.Address)
		other, twice := first[u.Address]
		switch {
		case u.Address == "":
			k.bad(at+".address", `write it as in address = "alice"`, "it has no address")
		case err != nil || j.Local() == "" || j.Resource() != "":
			k.bad(at+".address", "write it as in alice, or alice@field.net", "%q is not a user's address", u.Address)
		case !slices.Contains(k.c.Domains, j.Domain()):
			k.bad(at+".address", "ours are: "+strings.Join(k.c.Domains, ", "), "%s is not a domain of this node", j.Domain())
		case twice:
			k.bad(at+".address", "keep one of the two", "%s is declared already%s", u.Address, k.on(fmt.Sprintf("user[%d].address", other)))
		default:
			first[u.Address] = i
		}
		k.userSecret(at, u)
	}
}

// userSecret: a password or what was derived of it, not both, and for every hash that a client may choose.
func (k *checker) userSecret(at string, u *User) {
	const remedy = "'longwire user credentials' prints what to write"
	switch {
	case u.Password != "" && len(u.Credentials) > 0:
		k.bad(at+".password", "keep one of the two", "there are credentials already")
		return
	case u.Password != "":
		if err := sasl.CheckPassword(u.Password); err != nil {
			k.bad(at+".password", "choose another one", "%s", strings.TrimPrefix(err.Error(), "sasl: "))
		}
		return
	case len(u.Credentials) == 0:
		k.bad(at, remedy, "user %s has neither credentials nor a password", u.Address)
		return
	}
	have := make(map[string]bool)
	for i, text := range u.Credentials {
		path := fmt.Sprintf("%s.credentials[%d]", at, i)
		c, err := sasl.ParseCredential(text)
		switch {
		case err != nil:
			k.bad(path, remedy, "%s", strings.TrimPrefix(err.Error(), "sasl: "))
			return
		case have[c.Hash]:
			k.bad(path, "keep one of the two", "there is one for %s already", c.Hash)
		}
		have[c.Hash] = true
	}
	for _, hash := range sasl.Hashes() {
		if !have[hash] {
			k.bad(at+".credentials", remedy, "the one for %s is missing, and clients that choose it could not log in", hash)
		}
	}
}
