package config

import (
	"fmt"
	"slices"
	"strings"

	"longwire/links/fold"
)

// peerFold checks both directions of a peer's folding, the questions about its things, and what its users look like.
func (k *checker) peerFold(i int) {
	p, at := &k.c.Peers[i], fmt.Sprintf("peer[%d]", i)
	k.fold(i, at+".fold", &p.Fold)
	k.fold(i, at+".fold_in", &p.FoldIn)
	k.word(at+".questions.mode", "mode", p.Questions.Mode, QuestionsAuto, QuestionsLocal, QuestionsCross)
	for j, space := range p.Questions.Cross {
		if strings.TrimSpace(space) != space || space == "" {
			k.bad(fmt.Sprintf("%s.questions.cross[%d]", at, j), `write one as in "vcard-temp"`, "%q is no namespace", space)
		}
	}
	k.word(at+".presence.synthetic", "mode", p.Presence.Synthetic, SyntheticAuto, SyntheticOn, SyntheticOff)
}

func (k *checker) fold(i int, at string, f *Fold) {
	before := len(k.faults)
	k.word(at+".preset", "preset", f.Preset, append([]string{FoldAuto, FoldNone, fold.Lean}, fold.Classes()...)...)
	if f.Messages != "" {
		k.word(at+".messages", "mode of message folding", f.Messages, messageModes...)
	}
	if f.Presence != "" {
		k.word(at+".presence", "mode of presence folding", f.Presence, presences...)
	}
	if f.Window != 0 {
		k.duration(at+".window", f.Window, 0, day)
	}
	if len(f.Rules) > maxRules {
		k.bad(fmt.Sprintf("%s.rule[%d]", at, maxRules), fmt.Sprintf("use at most %d", maxRules), "there are %d rules", len(f.Rules))
	}
	for j := range f.Rules {
		r, at := &f.Rules[j], fmt.Sprintf("%s.rule[%d]", at, j)
		k.word(at+".scope", "scope", r.Scope, scopes...)
		k.word(at+".action", "action", r.Action, actions...)
		k.word(at+".if", "condition", r.If, conditions...)
	}
	if len(k.faults) == before {
		k.policy(i, at, f)
	}
}

// maxRules bounds what each stanza is held against.
const maxRules = 200

// policy asks the folder itself what it thinks, for each class of link that may carry.
func (k *checker) policy(i int, at string, f *Fold) {
	p := &k.c.Peers[i]
	said := make(map[fold.Finding]bool)
	for _, class := range k.c.ClassesOf(p) {
		policy, err := f.Policy(class, p.Pubsub)
		if err != nil {
			k.bad(at, "", "%s", strings.TrimPrefix(err.Error(), "config: "))
			return
		}
		for _, found := range fold.Check(policy, k.c.Federates(p)) {
			// What presets do is said where they are explained.
			if ours := found.Rule == 0 || found.Rule >= fold.FirstOwn; !said[found] && (ours || found.Refused) {
				k.finding(at, f, found)
			}
			said[found] = true
		}
	}
}

// finding blames the line that it is about.
func (k *checker) finding(at string, f *Fold, found fold.Finding) {
	path := at
	switch j := found.Rule - fold.FirstOwn; {
	case j >= 0 && j < len(f.Rules):
		path = fmt.Sprintf("%s.rule[%d]", at, j)
		if strings.Contains(found.Why, "namespace") && !found.Refused {
			path += ".namespace"
		}
	case found.Rule == 0 && strings.Contains(found.Why, "presence") && f.Presence != "":
		path += ".presence"
	case found.Rule == 0 && strings.Contains(found.Why, "subscriptions"):
		path += ".subscriptions"
	}
	problem, remedy := found.Why, ""
	if n := strings.LastIndex(problem, "; "); n > 0 {
		problem, remedy = problem[:n], problem[n+2:]
	}
	if found.Refused {
		k.bad(path, remedy, "%s", problem)
	} else {
		k.warn(path, remedy, "%s", problem)
	}
}

// ClassesOf are the classes of the links that reach a peer, each once; what is no class is left to its link.
func (c *Config) ClassesOf(p *Peer) (all []string) {
	for _, name := range p.Links {
		if l := c.Link(name); l != nil && !slices.Contains(all, l.Class) && (l.Class == "" || slices.Contains(fold.Classes(), l.Class)) {
			all = append(all, l.Class)
		}
	}
	return all
}
