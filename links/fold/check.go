package fold

import (
	"fmt"
	"slices"
	"strings"

	"longwire/xmpp/markup"
	"longwire/xmpp/stanza"
)

// Namespaces whose loss says something else than what was said.
const (
	nsReceipts  = "urn:xmpp:receipts"
	nsEME       = "urn:xmpp:eme:0"
	nsReactions = "urn:xmpp:reactions:0"
	nsCorrect   = "urn:xmpp:message-correct:0"
	nsRetract   = "urn:xmpp:message-retract:1"
)

// A Finding is what Check thinks of a Policy.
type Finding struct {
	Rule    int    // Rule.Number; 0: the policy as a whole
	Refused bool   // it would break a federated room, or what messages mean; otherwise a warning
	Why     string // and what to do
}

func (f Finding) String() string {
	if f.Rule == 0 {
		return f.Why
	}
	return fmt.Sprintf("rule %d: %s", f.Rule, f.Why)
}

// Check judges a Policy before it is used: first what New refuses, then what it warns of, each in the order of the rules.
func Check(p Policy, federated bool) []Finding {
	var all []Finding
	rules := numbered(p.Rules)
	all = append(all, checkModes(p, federated, slices.ContainsFunc(rules, aboutPresence))...)
	for i, r := range rules {
		if why := unusable(r); why != "" {
			all = append(all, Finding{r.Number, true, why})
			continue
		}
		if _, ok := Mangled(p.Rules[i].Space); ok {
			all = append(all, Finding{r.Number, false, fmt.Sprintf("there is no namespace %s; taken for %s, with whose domain a guide seems to have replaced it", p.Rules[i].Space, r.Space)})
		}
		if r.Action != Keep {
			all = append(all, checkTaken(r)...)
		}
	}
	all = append(all, checkReceipts(rules)...)
	slices.SortStableFunc(all, func(a, b Finding) int {
		switch {
		case a.Refused == b.Refused:
			return 0
		case a.Refused:
			return -1
		}
		return 1
	})
	return all
}

// checkModes is about what is no rule.
func checkModes(p Policy, federated, presenceRules bool) (all []Finding) {
	find := func(refused bool, why string) { all = append(all, Finding{0, refused, why}) }
	if int(p.Messages) >= len(messageModes) {
		find(true, fmt.Sprintf("unknown message %s; take %s", p.Messages, list(firsts(messageModes))))
	}
	if int(p.Presence) >= len(presenceModes) {
		find(true, fmt.Sprintf("unknown presence %s; take %s", p.Presence, list(firsts(presenceModes))))
	}
	if p.Window < 0 {
		find(true, fmt.Sprintf("the window for presence is %s; take 0 for %s, or more", p.Window, DefaultWindow))
	}
	if p.Presence == PresenceMatched && !presenceRules {
		const all = `presence mode "matched" without a rule for presence passes none, subscriptions and rooms included, which suits 1:1 chat only`
		if federated {
			find(true, all+`; this peer has a federated room: take the mode "all", or add rules`)
		} else {
			find(false, all)
		}
	}
	if p.NoSubscriptions {
		find(false, "subscriptions do not cross: a contact that is removed on one side stays on the other")
	}
	for _, d := range p.Rooms {
		if domain(d) == "" {
			find(true, fmt.Sprintf("%q is not a domain; take that of the rooms, as in chat.field.net", d))
		}
	}
	return all
}

// unusable tells why a rule says nothing that can be done.
func unusable(r Rule) string {
	switch {
	case len(r.Names) == 0 || slices.Contains(r.Names, ""):
		return `it names no element; "*" is any`
	case int(r.Scope) >= len(scopes):
		return fmt.Sprintf("unknown scope %s; take %s", r.Scope, list(firsts(scopes)))
	case int(r.Action) >= len(actions):
		return fmt.Sprintf("unknown action %s; take %s", r.Action, list(firsts(actions)))
	case r.If >= onConditions:
		return fmt.Sprintf("unknown condition %s; take %s", r.If, list(firsts(conditions)))
	case r.Deep && (r.Action != Strip || r.If != Always):
		return "a deep rule strips, without condition; make a second rule of it"
	case (r.Action == Drop || r.Action == Refuse) && r.Scope != Messages:
		return fmt.Sprintf("only messages can be %s by a rule: give it the scope message; for presence there are modes", map[Action]string{Drop: "dropped", Refuse: "refused"}[r.Action])
	case r.Action == Refuse && (slices.Contains(r.Names, Any) || r.Space == "" || r.Space == Any):
		return "it refuses too much; name elements, and a namespace that is not that of messages"
	case r.Action == Keep && r.If != Always:
		return "what it keeps, it keeps always; turn the condition round and strip"
	case r.Action == Drop && r.names(markup.Name{Space: nsXHTML, Local: "html"}):
		return "it drops messages whose text stands in the html alone; strip it, and the text is kept"
	case r.Number < 0:
		return "its number is negative; take 0 for the next free one"
	}
	return ""
}

// A delicate element may go, but not without a word.
type delicate struct {
	name markup.Name
	loss string
}

var delicates = []delicate{
	{markup.Name{Space: nsCorrect, Local: "replace"}, "corrections appear as new messages beside what they correct"},
	{markup.Name{Space: nsRetract, Local: "retract"}, "what somebody takes back stays"},
	{markup.Name{Space: nsEME, Local: "encryption"}, "clients show the text that stands for an encrypted message as if somebody had written it"},
	{markup.Name{Space: "jabber:x:conference", Local: "x"}, "invitations to rooms do not arrive"},
	{markup.Name{Space: "jabber:x:oob", Local: "x"}, "links to files do not arrive as files"},
	{markup.Name{Space: nsForward, Local: "forwarded"}, "forwarded messages do not arrive"},
	{markup.Name{Space: "http://jabber.org/protocol/shim", Local: "headers"}, "the far node does not know the precedence of messages"},
}

// checkTaken is about what a rule takes away.
func checkTaken(r Rule) (all []Finding) {
	if r.Action == Refuse {
		if r.Space == nsFMUC || r.Space == nsLines {
			all = append(all, Finding{r.Number, true, "what federated rooms say is never refused: " + Protected(markup.Name{Space: r.Space})})
		}
		return all
	}
	all = append(all, checkProtected(r)...)
	if r.Space == Any && slices.Contains(r.Names, Any) {
		all = append(all, Finding{r.Number, false, "it takes all that no rule before it keeps and that is not protected, known or not"})
		return all
	}
	for _, d := range delicates {
		if r.Scope.covers(stanza.Message) && r.names(d.name) {
			all = append(all, Finding{r.Number, false, fmt.Sprintf("without <%s/> of %s %s", d.name.Local, d.name.Space, d.loss)})
		}
	}
	return all
}

// checkProtected refuses rules about what is never folded: they would do nothing, while somebody relies on them. A rule
// about any element of any namespace is none.
func checkProtected(r Rule) (all []Finding) {
	if r.Space == Any && slices.Contains(r.Names, Any) {
		return nil
	}
	spaces := []string{r.Space}
	if r.Space == Any {
		spaces = []string{"", nsFMUC, nsMUC, nsLabel}
	}
	for _, space := range spaces {
		for _, name := range r.Names {
			if space == "" && name == Any && r.Scope == Presences {
				continue // show, status and priority
			}
			for _, n := range meant(space, name, r.Space == Any) {
				if why := Protected(n); why != "" {
					all = append(all, Finding{r.Number, true, fmt.Sprintf("<%s/>%s is never taken out: %s; take the name out of the rule", n.Local, of(space), why)})
				}
			}
		}
	}
	return all
}

// meant are the elements that a name in a rule is about. wild: in any namespace.
func meant(space, name string, wild bool) []markup.Name {
	switch {
	case space == "" && name == Any:
		return []markup.Name{{Local: "body"}}
	case !wild || space == "":
		return []markup.Name{{Space: space, Local: name}}
	case space == nsFMUC && name == "fmuc", space == nsMUC && name == "x", space == nsLabel && name == "securitylabel":
		return []markup.Name{{Space: space, Local: name}}
	}
	return nil
}

func of(space string) string {
	if space == "" {
		return ""
	}
	return " of " + space
}

// checkReceipts refuses half a receipt: a client that asks and hears nothing shows "not delivered".
func checkReceipts(rules []Rule) []Finding {
	asked, ask := fate(rules, markup.Name{Space: nsReceipts, Local: "request"})
	told, tell := fate(rules, markup.Name{Space: nsReceipts, Local: "received"})
	switch {
	case tell && !ask:
		return []Finding{{told, true, "it takes <received/> of " + nsReceipts + " but leaves <request/>: clients would show all messages as not delivered; take both, or none"}}
	case ask && !tell:
		return []Finding{{asked, false, "it takes <request/> of " + nsReceipts + " but leaves <received/>, for which nobody asks then"}}
	}
	return nil
}

// fate is what becomes of an element in messages, and by which rule.
func fate(rules []Rule, n markup.Name) (rule int, taken bool) {
	for _, r := range rules {
		if r.Scope.covers(stanza.Message) && r.names(n) {
			return r.Number, r.Action != Keep && r.If == Always
		}
	}
	return 0, false
}

func firsts(modes [][]string) (all []string) {
	for _, m := range modes {
		all = append(all, fmt.Sprintf("%q", m[0]))
	}
	return all
}

// list reads "a", "b" and "c".
func list(words []string) string {
	n := len(words) - 1
	return strings.Join(words[:n], ", ") + " and " + words[n]
}
