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

	"longwire/links/codec"
	"longwire/links/codec/lore"
	"longwire/tools/cli"
)

func trainCommand() cli.Command {
	var into, phrases string
	var quick bool
	return cli.Command{
		Name: "train", Args: "CORPUSDIR", Line: "make the training data that ships with the codec, and say what it is worth", Min: 1, Max: 1,
		Help: `Reads of CORPUSDIR every *.jsonl, traffic as 'codec measure' reads it, and every *plain-english.txt, a phrase or
sentence a line. The traffic is folded as a link folds it.

Each session of the traffic is then coded by what the others and the lines teach, which takes a while; --quick
leaves that out. So that the figures are honest, no text is learned that has a sentence with the same skeleton
as one of the session: its words without vocabulary and digits ("two trucks left Camp 4" is "_ #").

With --phrases the phrases of an operator, one a line, as a bundle may hold them, are checked, and it is said
what they save on the traffic. With --into the packed data is written to the folder of the codec's lore, together
with the licences of the corpus; the program must be built anew then.

Examples: codec train corpus
          codec train --phrases harbour.txt recorded/
          codec train --quick --into links/codec/lore corpus`,
		Flags: func(f *flag.FlagSet) {
			f.StringVar(&into, "into", "", "write the data to this `folder`")
			f.StringVar(&phrases, "phrases", "", "an operator's own phrases: a `file`")
			f.BoolVar(&quick, "quick", false, "do not cross-validate")
		},
		Run: func(c cli.Call) error { return train(c, into, phrases, quick) },
	}
}

func train(c cli.Call, into, phrases string, quick bool) error {
	list, lines, err := corpus(c.Args[0])
	if err != nil {
		return err
	}
	var t training
	t.Lines = lines
	if err := t.traffic(list); err != nil {
		return fmt.Errorf("codec: %s: %w", c.Args[0], err)
	}
	t.Lines, t.JIDs, t.Strings = once(t.Lines), once(t.JIDs), once(t.Strings)
	var b bytes.Buffer
	if err := t.Pack(&b); err != nil {
		return fmt.Errorf("codec: %w", err)
	}
	fmt.Fprintf(c.Out, "%d stanzas, %d lines, packed %d bytes\n", len(t.Stanzas), len(t.Lines), b.Len())
	var own []string
	if phrases != "" {
		if own, err = phraseList(phrases, c.Out); err != nil {
			return err
		}
	}
	if !quick {
		if err := crossValidate(list, lines, own, c.Out, c.Err); err != nil {
			return fmt.Errorf("codec: %s: %w", c.Args[0], err)
		}
	}
	if into == "" {
		return nil
	}
	return install(c.Args[0], into, b.Bytes(), c.Out)
}

// phraseList reads an operator's phrases.
func phraseList(path string, out io.Writer) (list []string, err error) {
	lines, err := readLines(path)
	if err != nil {
		return nil, err
	}
	size := 0
	for _, l := range once(lines) {
		list = append(list, string(l))
		size += len(l)
	}
	if _, err := codec.Base().With(codec.Provision{Phrases: list}); err != nil {
		return nil, fmt.Errorf("codec: %s: %w", path, err)
	}
	fmt.Fprintf(out, "%s: %d phrases of %d bytes, %d repeated\n", path, len(list), size, len(lines)-len(list))
	return list, nil
}

// corpus reads a folder of training texts. Sessions of its files are told apart.
func corpus(dir string) (list []*record, lines [][]byte, err error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.jsonl"))
	if err != nil || len(files) == 0 {
		return nil, nil, fmt.Errorf("codec: %s: there is no traffic, no *.jsonl", dir)
	}
	next := 0
	for _, f := range files {
		more, err := readTraffic(f)
		if err != nil {
			return nil, nil, err
		}
		first := next
		for _, r := range more {
			r.Session += first
			next = max(next, r.Session+1)
		}
		list = append(list, more...)
	}
	if files, err = filepath.Glob(filepath.Join(dir, "*plain-english.txt")); err != nil {
		return nil, nil, fmt.Errorf("codec: %w", err)
	}
	for _, f := range files {
		more, err := readLines(f)
		if err != nil {
			return nil, nil, err
		}
		lines = append(lines, more...)
	}
	return list, lines, nil
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

// samples is how many stanzas of a traffic file are learned. Choice: structure is learned from few, and each takes a third of a millisecond at start.
const samples = 800

// sample takes stanzas of all runs: the first of each way, as how streams begin is worth knowing, and others evenly.
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
