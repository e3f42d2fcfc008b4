package config

import (
	"fmt"
	"slices"
	"strings"
)

// Words that several settings take, as people write them.
var (
	precedences  = []string{"flash", "immediate", "priority", "routine"}
	kinds        = []string{"message", "groupchat", "iq", "presence", "receipt"}
	messageModes = []string{"off", "strip"}
	presences    = []string{"off", "coalesce", "minimal", "all", "matched"}
	scopes       = []string{"message", "presence", "both"}
	actions      = []string{"strip", "keep", "drop", "refuse"}
	conditions   = []string{"always", "unless-reply", "unless-late", "only-if-empty", "only-in-notes"}
)

// Modes as guides to other servers put them.
var sentences = map[string]string{
	"strip all elements in the rule set": "strip",
	"do not pass the matched elements":   "matched",
}

// plain brings modes to our own words for them.
func (f *Fold) plain() {
	for _, mode := range []*string{&f.Messages, &f.Presence} {
		if w, ok := sentences[*mode]; ok {
			*mode = w
		}
	}
}

// word checks that a setting is one of the words known; what is what they are called.
func (k *checker) word(path, what, got string, known ...string) bool {
	if slices.Contains(known, got) {
		return true
	}
	k.bad(path, meant(got, known), "there is no %s %q", what, got)
	return false
}

// words checks a list of them.
func (k *checker) words(path, what string, list []string, known ...string) {
	for i, w := range list {
		at := fmt.Sprintf("%s[%d]", path, i)
		if k.word(at, what, w, known...) && slices.Contains(list[:i], w) {
			k.bad(at, "keep one of the two", "%q stands there twice", w)
		}
	}
}

// Meant suggests which of the words known was meant, and lists all.
func Meant(got string, known []string) string { return meant(got, known) }

// meant suggests the word that was probably meant, and lists all.
func meant(got string, known []string) string {
	all := strings.Join(known, ", ")
	best, least := "", 1+max(1, len(got)/3)
	for _, w := range known {
		if n := distance(strings.ToLower(got), strings.ToLower(w)); n < least && w != "" {
			best, least = w, n
		}
	}
	if best != "" {
		return fmt.Sprintf("did you mean %q? There are: %s", best, all)
	}
	return "there are: " + all
}
