package main

import (
	"strings"
	"unicode"
)

// small are the words that hold a sentence together. They stay in a skeleton; all others are what a template is filled with.
var small = wordSet(`a about after again all already also am an and any are as at back be been before below both but by can cannot could did do
does down during each for from get go had has have he her here him his how i if in is it its just last may me more most must my near need new
next no not now of off on only or other our out over please put she should since so some soon still such than that the their them then there
these they this those through to too under until up us very via was we were what when where which who whose why will with would yet you your`)

func wordSet(list string) map[string]bool {
	m := map[string]bool{}
	for w := range strings.FieldsSeq(list) {
		m[w] = true
	}
	return m
}

// skeleton is what is left of a text without digits and vocabulary: "Two trucks left Camp 4 at 1200" is "two _ at #". Texts made from one
// template have one skeleton, whatever was filled in, and in whatever case.
func skeleton(body string) string {
	var out []string
	words := strings.FieldsFunc(strings.ToLower(body), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '\'' })
	for _, w := range words {
		switch {
		case strings.ContainsFunc(w, unicode.IsDigit):
			w = "#"
		case !small[w]:
			w = "_"
		}
		if n := len(out); (w == "_" || w == "#") && n > 0 && (out[n-1] == "_" || out[n-1] == "#") {
			continue // of how many words a filling is, is no matter
		}
		out = append(out, w)
	}
	return strings.Join(out, " ")
}

// sentences of a body, whose skeletons are told apart: clients of nets string templates together.
func sentences(body string) []string {
	return strings.FieldsFunc(body, func(r rune) bool { return strings.ContainsRune(".;!?\n", r) })
}

// skeletons of the bodies of a session, of those that are longer than a few words.
type skeletons map[string]bool

func skeletonsOf(list []*record, session int) skeletons {
	m := skeletons{}
	for _, r := range list {
		if r.Session == session {
			for _, s := range sentences(r.Body) {
				m[skeleton(s)] = true
			}
		}
	}
	return m
}

// has tells whether a sentence of a body is made like one of the session.
func (m skeletons) has(body string) bool {
	for _, s := range sentences(body) {
		if m[skeleton(s)] {
			return true
		}
	}
	return false
}
