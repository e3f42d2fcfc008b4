package main

import (
	"cmp"
	"fmt"
	"strings"

	"longwire/firmware/config"
)

// bundleDiff is what differs between two bundles.
type bundleDiff struct {
	Old     *bundleView    `json:"old"`
	New     *bundleView    `json:"new"`
	Changes []bundleChange `json:"changes"`
}

// What happened to a setting, or to a whole table of them.
const (
	added   = "added"
	removed = "removed"
	changed = "changed"
)

// bundleChange is one thing that differs. Of a secret only that is told.
type bundleChange struct {
	File   string `json:"file,omitempty"` // none: the bundle itself
	Of     string `json:"of,omitempty"`   // whom it concerns, as `peer "field"`
	Key    string `json:"key,omitempty"`  // none: all that concerns it
	What   string `json:"what"`
	Old    string `json:"old,omitempty"`
	New    string `json:"new,omitempty"`
	Secret bool   `json:"secret,omitempty"`
}

func cmdBundleDiff(c *call) error {
	d := bundleDiff{Changes: []bundleChange{}}
	for i, to := range []**bundleView{&d.Old, &d.New} {
		v, f, err := c.openBundle(c.args[i])
		if err != nil {
			return err
		}
		defer f.Close()
		*to = v
	}
	if d.Old.Kind != d.New.Kind {
		return fmt.Errorf("%s is a %s bundle and %s a %s bundle; compare two of a kind", d.Old.File, d.Old.Kind, d.New.File, d.New.Kind)
	}
	for _, v := range []*bundleView{d.Old, d.New} {
		if v.closed != nil {
			return fmt.Errorf("%s: %w; --identity takes that kit's key", v.File, v.closed)
		}
	}
	if err := d.compare(); err != nil {
		return err
	}
	if c.json {
		return c.printJSON(d)
	}
	d.print(c)
	return nil
}

func (d *bundleDiff) compare() error {
	d.same("signed by", d.Old.SignedBy, d.New.SignedBy)
	d.same("for", d.Old.Target.String(), d.New.Target.String())
	d.same("note", d.Old.Note, d.New.Note)
	if a, b := d.Old.System, d.New.System; a != nil {
		d.same("version", a.Version, b.Version)
		d.same("image", a.ImageSHA256, b.ImageSHA256)
		d.same("image size", fmt.Sprint(a.ImageSize), fmt.Sprint(b.ImageSize))
		d.same("store format", fmt.Sprint(a.StoreFormat), fmt.Sprint(b.StoreFormat))
		d.same("downgrade", fmt.Sprint(a.Downgrade), fmt.Sprint(b.Downgrade))
		return nil
	}
	a, b := d.Old.Config, d.New.Config
	d.same("name", a.Name, b.Name)
	d.same("fleet", a.Fleet, b.Fleet)
	d.same("sealed", fmt.Sprint(a.Sealed), fmt.Sprint(b.Sealed))
	d.same("obeys only", strings.Join(a.Trust, ", "), strings.Join(b.Trust, ", "))
	if string(d.Old.docs.TLSCert) != string(d.New.docs.TLSCert) {
		d.Changes = append(d.Changes, bundleChange{Key: "certificate", What: changed})
	}
	if d.Old.docs.Phrases != d.New.docs.Phrases {
		d.Changes = append(d.Changes, bundleChange{Key: "phrases", What: changed})
	}
	for _, doc := range []struct{ name, old, new string }{
		{"longwire.toml", d.Old.docs.Node, d.New.docs.Node},
		{"s5066d.toml", d.Old.docs.SIS, d.New.docs.SIS},
		{"kit.toml", d.Old.docs.Kit, d.New.docs.Kit},
	} {
		if err := d.documents(doc.name, doc.old, doc.new); err != nil {
			return err
		}
	}
	return nil
}

// same notes what differs of the bundle itself.
func (d *bundleDiff) same(key, old, new string) {
	if old != new {
		d.Changes = append(d.Changes, bundleChange{Key: key, What: happened(old, new), Old: old, New: new})
	}
}

func happened(old, new string) string {
	switch {
	case old == "":
		return added
	case new == "":
		return removed
	}
	return changed
}

// place is where a setting stands.
type place struct{ of, key string }

// documents compares two settings files, setting by setting.
func (d *bundleDiff) documents(file, old, new string) error {
	before, had, err := flat(d.Old.File, file, old)
	if err != nil {
		return err
	}
	after, has, err := flat(d.New.File, file, new)
	if err != nil {
		return err
	}
	was := map[place]config.Setting{}
	for _, s := range before {
		was[place{s.Of, s.Key}] = s
	}
	told := map[string]bool{}
	for _, s := range after {
		if !had[s.Of] && !told[s.Of] {
			told[s.Of] = true
			d.Changes = append(d.Changes, bundleChange{File: file, Of: s.Of, What: added})
		}
		o, there := was[place{s.Of, s.Key}]
		delete(was, place{s.Of, s.Key})
		switch {
		case !there:
			d.Changes = append(d.Changes, bundleChange{File: file, Of: s.Of, Key: s.Key, What: added, New: s.Value, Secret: s.Secret})
		case !s.Same(o):
			d.Changes = append(d.Changes, bundleChange{file, s.Of, s.Key, changed, o.Value, s.Value, s.Secret || o.Secret})
		}
	}
	for _, s := range before {
		_, left := was[place{s.Of, s.Key}]
		switch {
		case left && has[s.Of]:
			d.Changes = append(d.Changes, bundleChange{File: file, Of: s.Of, Key: s.Key, What: removed, Old: s.Value, Secret: s.Secret})
		case left && !told[s.Of]:
			told[s.Of] = true
			d.Changes = append(d.Changes, bundleChange{File: file, Of: s.Of, What: removed})
		}
	}
	return nil
}

// flat lists a file's settings, and whom they concern; the whole is always there.
func flat(bundle, file, doc string) (all []config.Setting, of map[string]bool, err error) {
	if all, err = config.Flatten([]byte(doc)); err != nil {
		return nil, nil, fmt.Errorf("%s: %s: %w", bundle, file, err)
	}
	of = map[string]bool{"": true}
	for _, s := range all {
		of[s.Of] = true
	}
	return all, of, nil
}

// print tells what changes, for whom.
func (d *bundleDiff) print(c *call) {
	fmt.Fprintf(c.out, "%s: no. %d\n%s: no. %d\n", d.Old.File, d.Old.Counter, d.New.File, d.New.Counter)
	if d.New.Counter <= d.Old.Counter && d.Old.Digest != d.New.Digest {
		fmt.Fprintln(c.out, "A kit that has taken the first refuses the second: its number is not higher.")
	}
	if len(d.Changes) == 0 {
		fmt.Fprintln(c.out, "Nothing changes.")
	}
	var last bundleChange
	for i, ch := range d.Changes {
		if i == 0 || ch.File != last.File {
			fmt.Fprintf(c.out, "\n%s\n", cmp.Or(ch.File, "the bundle"))
			last = bundleChange{}
		}
		indent := "  "
		if ch.Of != "" {
			indent = "    "
			if ch.Key == "" {
				fmt.Fprintf(c.out, "  %s: %s\n", clean(ch.Of), ch.What)
			} else if ch.Of != last.Of {
				fmt.Fprintf(c.out, "  %s\n", clean(ch.Of))
			}
		}
		if ch.Key != "" {
			fmt.Fprintf(c.out, "%s%s\n", indent, clean(ch.text()))
		}
		last = ch
	}
}

// text is a change of a setting in a line.
func (ch bundleChange) text() string {
	switch {
	case ch.Secret:
		return ch.Key + ": a secret, " + ch.What
	case ch.What == added:
		return ch.Key + ": " + ch.New
	case ch.What == removed:
		return ch.Key + ": " + ch.Old + " -> not set"
	case ch.Old == "" && ch.New == "":
		return ch.Key + ": " + ch.What
	}
	return ch.Key + ": " + ch.Old + " -> " + ch.New
}
