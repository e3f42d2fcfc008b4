package provision

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"longwire/board"
	"longwire/images/bundle"
)

// Endings of bundles' names. VFAT knows no case.
const (
	ConfigEnding = ".lwb"
	SystemEnding = ".lws"
)

const (
	maxBundles = 200 // config bundles on a stick that are looked at; a star's worth and more
	maxShown   = 20  // of what is not for this kit, in a report
)

// Source is a folder with bundles; board.Stick is one.
type Source interface {
	Files() ([]board.File, error)
	Others() ([]string, error) // what is no plain file, and so not read
	ReadFile(name string, most int64) ([]byte, error)
	Open(name string, most int64) (*os.File, error)
}

// Found is one bundle on a stick.
type Found struct {
	File    string
	Verdict Verdict
	Head    bundle.Head
	Name    string // what the kit would be called
	Key     bundle.Key
	Problem *Refusal // of Bad and Foreign

	digest [32]byte
}

// Findings are what a stick holds for this kit.
type Findings struct {
	Configs []Found
	Systems []string // names of files; those of firmware/update know more
	Problem *Refusal // with the stick as a whole
	Plan    *Plan    // what is to be applied; nil: nothing
	File    string   // the bundle of Plan, or the one that is in force already
	Already bool     // the bundle in force lies there
}

// Look reads a stick's config bundles and decides which one, if any, is to be applied. It changes nothing.
func (k *Kit) Look(src Source, anew bool) *Findings {
	f := &Findings{}
	files, err := src.Files()
	if err != nil {
		f.Problem = refuse("try another stick, formatted as FAT32", "the stick cannot be read: %v", err)
		return f
	}
	others, err := src.Others()
	if err != nil {
		f.Problem = refuse("try another stick, formatted as FAT32", "the stick cannot be read: %v", err)
		return f
	}
	for _, name := range others {
		if ending := strings.ToLower(filepath.Ext(name)); (ending == ConfigEnding || ending == SystemEnding) && len(f.Configs) < maxShown {
			f.Configs = append(f.Configs, Found{File: name, Problem: refuse("put the bundle itself into the top folder of the stick",
				"%s is a folder or a link and no file; it is not read", Clean(name, 80))})
		}
	}
	slices.SortFunc(files, func(a, b board.File) int { return strings.Compare(a.Name, b.Name) })
	for _, file := range files {
		switch ending := strings.ToLower(filepath.Ext(file.Name)); {
		case strings.HasPrefix(file.Name, "._"):
			// What a Mac leaves beside each file that it copies.
		case ending == SystemEnding:
			f.Systems = append(f.Systems, file.Name)
		case ending == ConfigEnding && len(f.Configs) == maxBundles:
			f.Problem = refuse("put only this kit's bundle on the stick", "more than %d bundles lie on the stick", maxBundles)
			return f
		case ending == ConfigEnding:
			f.Configs = append(f.Configs, k.find(src, file.Name))
		}
	}
	k.choose(f, src, anew)
	return f
}

// find sorts one file by its head.
func (k *Kit) find(src Source, name string) Found {
	found := Found{File: name}
	b, err := readBundle(src, name)
	if err == nil {
		var head *bundle.Verified
		if head, err = k.head(b); head != nil {
			found.Head, found.Name, found.Key, found.digest, found.Verdict = head.Head, head.Name, head.Key, head.Digest, Ready
		}
		if head != nil && err != nil {
			found.Verdict = Foreign
		}
	}
	if err != nil {
		found.Problem = asRefusal(err)
	}
	return found
}

func readBundle(src Source, name string) ([]byte, error) {
	b, err := src.ReadFile(name, bundle.MaxConfig)
	if err != nil {
		return nil, refuse("put the right file on the stick; a bundle of settings has at most 1 MiB", "it cannot be read: %v", trim(err))
	}
	return b, nil
}

// choose finds the one bundle for this kit and judges it whole: what is for others is left alone, and with two nobody knows which was
// meant.
func (k *Kit) choose(f *Findings, src Source, anew bool) {
	var mine, bad []*Found
	for i := range f.Configs {
		c := &f.Configs[i]
		switch {
		case c.Verdict == Bad: // whoever it is for
			bad = append(bad, c)
		case c.Verdict == Ready && !slices.ContainsFunc(mine, func(m *Found) bool { return m.digest == c.digest }): // else a copy
			mine = append(mine, c)
		}
	}
	if k.Virgin() {
		mine = k.byID(mine)
	}
	switch {
	case len(mine) > 1 && k.Virgin():
		f.Problem = refuse("leave its bundle alone on the stick, or have the bundles made for the kits' ids",
			"this kit has no name yet, and each of %d bundles on the stick could be meant for it: %s", len(mine), names(mine))
	case len(mine) > 1:
		f.Problem = refuse("leave the one that is meant on the stick", "%d bundles for this kit lie on the stick: %s", len(mine), names(mine))
	case len(mine) == 1:
		f.File = mine[0].File
		b, err := readBundle(src, f.File)
		if err == nil {
			mine[0].Verdict, _, f.Plan, err = k.Judge(b, anew) // all of it, whatever it was a moment ago
		}
		f.Already = mine[0].Verdict == Already && err == nil
		if err != nil {
			f.Problem, f.Plan = asRefusal(err), nil
			mine[0].Problem = f.Problem
		}
	case len(bad) > 0:
		f.Problem = bad[0].Problem
	}
}

// byID are the bundles for a new kit's very id, if there are any: the others are for kits whose names it does not have.
func (k *Kit) byID(list []*Found) []*Found {
	var mine, others []*Found
	for _, c := range list {
		if c.Head.Target.KitID == k.id {
			mine = append(mine, c)
		} else {
			others = append(others, c)
		}
	}
	if len(mine) == 0 {
		return list
	}
	for _, c := range others {
		c.Verdict, c.Problem = Foreign, refuse("", "it is for a kit named %q, and there is one for this kit's id", c.Name)
	}
	return mine
}

func names(list []*Found) string {
	var all []string
	for _, c := range list {
		all = append(all, Clean(c.File, 80))
	}
	return strings.Join(all, ", ")
}

// trim takes the package's name off what people read.
func trim(err error) string { return strings.TrimPrefix(fmt.Sprint(err), "board: ") }

// describe is a bundle in a line.
func (c *Found) describe() string {
	switch {
	case c.Key.Public == nil:
		return c.Problem.Problem
	case c.Verdict == Foreign:
		return "left alone: " + c.Problem.Problem
	}
	by := c.Key.ID()
	if c.Head.Organisation != "" {
		by = fmt.Sprintf("%q (%s)", c.Head.Organisation, by)
	}
	text := fmt.Sprintf("settings number %d for %s, makes the kit %q, signed by %s", c.Head.Counter, c.Head.Target, c.Name, by)
	if c.Head.Note != "" {
		text += ", note: " + c.Head.Note
	}
	return text
}
