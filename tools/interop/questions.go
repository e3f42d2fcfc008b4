package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// questions is the play of clients that ask all they can think of while a radio is between them: nothing of it crosses, and none complains.
func questions(ctx context.Context, st *stage, tell func(result)) error {
	f, err := newFederatedHF(ctx, st, filepath.Join(st.dir, "questions"))
	if err != nil {
		return err
	}
	defer f.strike()
	f.hand = f.silence
	if err := perform(ctx, "questions.py", 3, f.stage, tell); err != nil {
		return err
	}
	f.uncrossed(tell, "slixmpp")
	if err := profaneQuestions(ctx, f, tell); err != nil {
		return err
	}
	f.uncrossed(tell, "profanity")
	return nil
}

// silence lets headquarters send or not, by emission control: "on" or "off".
func (f *federated) silence(ctx context.Context, what string) error {
	_, err := f.nodes[0].Command(ctx, "", "link", "emcon", f.nodes[0].HF[0].Name, what)
	return err
}

// uncrossed tells what has crossed so far, and that no question has.
func (f *federated) uncrossed(tell func(result), who string) {
	time.Sleep(6 * time.Second) // the record is written every few seconds
	r := result{Name: "questions: none of " + who + " has crossed", OK: true}
	for _, n := range f.nodes {
		sums, err := crossed(filepath.Join(n.Dir, "data", "telemetry"))
		if err != nil {
			r.OK, r.Detail = false, err.Error()
			break
		}
		var list []string
		for _, kind := range slices.Sorted(maps.Keys(sums)) {
			list = append(list, fmt.Sprintf("%s: %d stanzas, %d bytes", kind, sums[kind].stanzas, sums[kind].bytes))
		}
		r.Shown += n.Domain + " sent " + strings.Join(list, "; ") + "\n"
		if sums["iq"].stanzas > 0 || len(sums) == 0 {
			r.OK = false
		}
	}
	if !r.OK && r.Detail == "" {
		r.Detail = r.Shown
	}
	tell(r)
}

// sum is what of a kind of stanza was given to links.
type sum struct{ stanzas, bytes int }

// crossed sums up the record of a node.
func crossed(folder string) (map[string]sum, error) {
	sums := map[string]sum{}
	err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) != ".jsonl" {
			return err
		}
		file, err := os.Open(path)
		if err != nil {
			return err
		}
		defer file.Close()
		for lines := bufio.NewScanner(file); lines.Scan(); {
			var l struct {
				Kind string `json:"k"`
				Dir  string `json:"dir"`
				Type string `json:"type"`
				Raw  int    `json:"raw"`
			}
			if json.Unmarshal(lines.Bytes(), &l) == nil && l.Kind == "stanza" && l.Dir == "out" {
				s := sums[l.Type]
				sums[l.Type] = sum{s.stanzas + 1, s.bytes + l.Raw}
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("interop: reading the record: %w", err)
	}
	return sums, nil
}
