package main

import (
	"bufio"
	"bytes"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"longwire/links/codec/lore"
	"longwire/tools/cli"
)

func trainCommand() cli.Command {
	var into string
	return cli.Command{
		Name: "train", Args: "CORPUSDIR", Line: "make the training data that ships with the codec", Min: 1, Max: 1,
		Help: `Reads of CORPUSDIR every *.jsonl, traffic as 'codec measure' reads it, and every *plain-english.txt, a phrase or
sentence a line. The traffic is folded as a link folds it. With --into the packed data is written to the folder
of the codec's lore, together with the licences of the corpus; the program must be built anew then.

Example: codec train --into links/codec/lore ../shared/corpus`,
		Flags: func(f *flag.FlagSet) { f.StringVar(&into, "into", "", "write the data to this `folder`") },
		Run: func(c cli.Call) error {
			d, err := corpus(c.Args[0])
			if err != nil {
				return err
			}
			var b bytes.Buffer
			if err := d.Pack(&b); err != nil {
				return fmt.Errorf("codec: %w", err)
			}
			fmt.Fprintf(c.Out, "%d stanzas, %d lines, packed %d bytes\n", len(d.Stanzas), len(d.Lines), b.Len())
			if into == "" {
				return nil
			}
			return install(c.Args[0], into, b.Bytes(), c.Out)
		},
	}
}

// corpus reads a folder of training texts.
func corpus(dir string) (d lore.Data, err error) {
	var t training
	files, err := filepath.Glob(filepath.Join(dir, "*.jsonl"))
	if err != nil || len(files) == 0 {
		return d, fmt.Errorf("codec: %s: there is no traffic, no *.jsonl", dir)
	}
	for _, f := range files {
		list, err := readTraffic(f)
		if err != nil {
			return d, err
		}
		if err := t.traffic(list); err != nil {
			return d, fmt.Errorf("codec: %s: %w", f, err)
		}
	}
	if files, err = filepath.Glob(filepath.Join(dir, "*plain-english.txt")); err != nil {
		return d, fmt.Errorf("codec: %w", err)
	}
	for _, f := range files {
		lines, err := readLines(f)
		if err != nil {
			return d, err
		}
		t.Lines = append(lines, t.Lines...)
	}
	t.Lines, t.JIDs, t.Strings = once(t.Lines), once(t.JIDs), once(t.Strings)
	return t.Data, nil
}

// samples is how many stanzas of a traffic file are learned. Choice: structure is learned from few, and each takes a third of a millisecond at start;
// a tenth of them is how streams begin.
const samples = 800

// sample takes stanzas of all runs: the first of each way, and others evenly.
func sample(runs []run) (out []item) {
	var rest []item
	begun := map[way]int{}
	for _, r := range runs {
		for _, it := range r.items {
			switch {
			case it.text == nil:
			case begun[r.way] < coldStanzas:
				begun[r.way]++
				out = append(out, it)
			default:
				rest = append(rest, it)
			}
		}
	}
	n := min(max(0, samples-len(out)), len(rest))
	for i := range n {
		out = append(out, rest[i*len(rest)/n])
	}
	return out
}

// bodies are what people wrote in traffic.
func bodies(list []*record) (out [][]byte) {
	for _, r := range list {
		if b := strings.TrimSpace(r.Body); b != "" {
			out = append(out, []byte(b))
		}
	}
	return out
}

// once takes repeated lines out.
func once(list [][]byte) (out [][]byte) {
	seen := map[string]bool{}
	for _, l := range list {
		if !seen[string(l)] {
			seen[string(l)] = true
			out = append(out, l)
		}
	}
	return out
}

// A training gathers data.
type training struct{ lore.Data }

// traffic takes what is learned of recorded traffic.
func (t *training) traffic(list []*record) error {
	tr, err := newTraffic(list)
	if err != nil {
		return err
	}
	for _, it := range sample(tr.folded) {
		t.Stanzas = append(t.Stanzas, it.text)
		t.Near = append(t.Near, [2]uint64{it.near, it.ref})
	}
	p := provisionOf(list)
	t.JIDs = append(t.JIDs, texts(p.JIDs)...)
	t.Strings = append(t.Strings, texts(p.Strings)...)
	t.Lines = append(t.Lines, bodies(list)...)
	return nil
}

func texts(list []string) (out [][]byte) {
	for _, s := range list {
		out = append(out, []byte(s))
	}
	return out
}

// readLines reads a file of texts, one a line. Blanks around them and empty lines are passed over.
func readLines(path string) (list [][]byte, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("codec: %w", err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for n := 1; lines.Scan(); n++ {
		l := bytes.TrimSpace(lines.Bytes())
		if strings.ContainsFunc(string(l), func(r rune) bool { return r < ' ' || r == '\uFFFD' }) {
			return nil, fmt.Errorf("codec: %s:%d: it has characters that are no text", path, n)
		}
		if len(l) > 0 {
			list = append(list, bytes.Clone(l))
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("codec: %s: %w", path, err)
	}
	return list, nil
}

// install writes the packed data, and beside it the licences of the corpus.
func install(from, into string, packed []byte, out io.Writer) error {
	if err := os.WriteFile(filepath.Join(into, "data.z"), packed, 0o644); err != nil {
		return fmt.Errorf("codec: %w", err)
	}
	licences, err := filepath.Glob(filepath.Join(from, "LICENSE*"))
	if err != nil {
		return fmt.Errorf("codec: %w", err)
	}
	for _, l := range licences {
		b, err := os.ReadFile(l)
		if err != nil {
			return fmt.Errorf("codec: %w", err)
		}
		if err := os.WriteFile(filepath.Join(into, filepath.Base(l)), b, 0o644); err != nil {
			return fmt.Errorf("codec: %w", err)
		}
	}
	fmt.Fprintf(out, "%s and %d licences written to %s\n", "data.z", len(licences), into)
	return nil
}
