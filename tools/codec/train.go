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
	files, err := filepath.Glob(filepath.Join(dir, "*.jsonl"))
	if err != nil || len(files) == 0 {
		return d, fmt.Errorf("codec: %s: there is no traffic, no *.jsonl", dir)
	}
	for _, f := range files {
		list, err := readTraffic(f)
		if err != nil {
			return d, err
		}
		stanzas, err := foldedTexts(list)
		if err != nil {
			return d, fmt.Errorf("codec: %s: %w", f, err)
		}
		d.Stanzas = append(d.Stanzas, sample(stanzas)...)
		d.Lines = append(d.Lines, bodies(list)...)
	}
	if files, err = filepath.Glob(filepath.Join(dir, "*plain-english.txt")); err != nil {
		return d, fmt.Errorf("codec: %w", err)
	}
	for _, f := range files {
		lines, err := readLines(f)
		if err != nil {
			return d, err
		}
		d.Lines = append(lines, d.Lines...)
	}
	d.Lines = once(d.Lines)
	return d, nil
}

// samples is how many stanzas of a traffic file are learned. Choice: structure is learned from few; each more costs a third of a millisecond at start.
const samples = 800

// sample takes samples of a list, evenly.
func sample(list [][]byte) (out [][]byte) {
	n := min(samples, len(list))
	for i := range n {
		out = append(out, list[i*len(list)/n])
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

// foldedTexts are the stanzas as a model sees them.
func foldedTexts(list []*record) (texts [][]byte, err error) {
	t, err := newTraffic(list)
	if err != nil {
		return nil, err
	}
	for _, r := range t.folded {
		for _, it := range r.items {
			if it.text != nil {
				texts = append(texts, it.text)
			}
		}
	}
	return texts, nil
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
