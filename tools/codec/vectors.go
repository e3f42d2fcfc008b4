package main

import (
	"flag"
	"fmt"
	"io"
	"os"

	"longwire/links/codec/codectest"
	"longwire/tools/cli"
)

func vectorsCommand() cli.Command {
	var remake bool
	return cli.Command{
		Name: "vectors", Args: "[FILE]", Line: "check test vectors of the format, those that ship or those of a file", Max: 1,
		Help: `A vector is a line of JSON: a stream of stanzas in their canonical form, and the bytes that say each, in hex:

  {"Name":"chat","Method":"mix","Stanzas":[{"Text":"<message …/>","Code":"5f02"}]}

Method is mix or light. With "Alone":true each stanza is coded without those before it. "Provision" may have the
lists JIDs, Strings and Phrases. With --make the codes of FILE, and the canonical form of its texts, are written anew.

Example: codec vectors --make links/codec/codectest/vectors.jsonl`,
		Flags: func(f *flag.FlagSet) { f.BoolVar(&remake, "make", false, "write the codes of FILE anew") },
		Run: func(c cli.Call) error {
			switch {
			case remake && len(c.Args) == 0:
				return cli.Wrong("--make needs FILE")
			case remake:
				return makeVectors(c.Args[0], c.Out)
			}
			return checkVectors(c.Args, c.Out)
		},
	}
}

// vectorsOf reads the file that is named, or what ships.
func vectorsOf(args []string) ([]*codectest.Vector, error) {
	if len(args) == 0 {
		return codectest.Shipped()
	}
	f, err := os.Open(args[0])
	if err != nil {
		return nil, fmt.Errorf("codec: %w", err)
	}
	defer f.Close()
	list, err := codectest.Read(f)
	if err != nil {
		return nil, fmt.Errorf("codec: %s: %w", args[0], err)
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("codec: %s: no vector is in it", args[0])
	}
	return list, nil
}

func checkVectors(args []string, out io.Writer) error {
	list, err := vectorsOf(args)
	if err != nil {
		return err
	}
	for _, v := range list {
		if err := v.Check(); err != nil {
			return fmt.Errorf("codec: %w", err)
		}
		fmt.Fprintf(out, "ok  %s: %d stanzas\n", v.Name, len(v.Stanzas))
	}
	return nil
}

func makeVectors(path string, out io.Writer) (err error) {
	list, err := vectorsOf([]string{path})
	if err != nil {
		return err
	}
	for _, v := range list {
		if err := v.Make(); err != nil {
			return fmt.Errorf("codec: %s: %w", path, err)
		}
	}
	f, err := os.Create(path)
	if err != nil {
		return fmt.Errorf("codec: %w", err)
	}
	if err := codectest.Write(f, list); err != nil {
		f.Close()
		return fmt.Errorf("codec: %s: %w", path, err)
	}
	fmt.Fprintf(out, "%s: %d vectors written\n", path, len(list))
	return f.Close()
}
