package config

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

// SystemPath is where a config is looked for when nobody says where it is.
const SystemPath = "/etc/longwire/longwire.toml"

// Search tells which file holds the config: the one named, else $LONGWIRE_CONFIG, else the system's if it exists, else
// "" for the embedded defaults.
func Search(named string) string {
	if named != "" {
		return named
	}
	if env := os.Getenv("LONGWIRE_CONFIG"); env != "" {
		return env
	}
	if _, err := os.Stat(SystemPath); !errors.Is(err, fs.ErrNotExist) {
		return SystemPath
	}
	return ""
}

// Load reads and checks the file at path; "" gives Default. When the file says something wrong the error is a Faults
// that names everything at once, and the Config returned beside it holds what could be understood: good enough to
// find the control socket, not to run a node.
func Load(path string) (*Config, error) {
	if path == "" {
		c := Default()
		return c, c.Check()
	}
	doc, err := readFile(path)
	if err != nil {
		return nil, Faults{{File: path, Problem: err.Error(),
			Remedy: "give another file with --config, or make one with 'longwire config example > " + path + "'"}}
	}
	return Parse(path, doc)
}

func readFile(path string) ([]byte, error) {
	st, err := os.Stat(path)
	if err == nil && st.IsDir() {
		return nil, errors.New("this is a folder, not a file")
	}
	if err == nil && st.Size() > maxFile {
		return nil, fmt.Errorf("the file has %d bytes; a config has at most %d", st.Size(), maxFile)
	}
	doc, err := os.ReadFile(path)
	var pe *fs.PathError
	if errors.As(err, &pe) {
		err = pe.Err // the path stands in front anyway
	}
	return doc, err
}

// Parse is Load with the file's content at hand; path names it in faults, and its folder is where relative paths start.
func Parse(path string, doc []byte) (*Config, error) {
	if len(doc) > maxFile {
		return Default(), Faults{{File: path, Problem: fmt.Sprintf("the file has %d bytes; a config has at most %d", len(doc), maxFile)}}
	}
	c := defaults()
	c.File = path
	s := parse(doc)
	d := decode(s, c)
	c.lines = d.lines
	folder := ""
	if abs, err := filepath.Abs(path); err == nil {
		folder = filepath.Dir(abs)
	}
	c.resolve(folder)
	k := c.check()
	// A key that could not even be read is not blamed again for what it now seems to say.
	for _, f := range d.faults {
		k.faults = slices.DeleteFunc(k.faults, func(g Fault) bool { return f.Line > 0 && g.Line == f.Line && g.Key == f.Key })
	}
	faults := slices.Concat(s.faults, d.faults, k.faults)
	c.Warnings = k.warnings
	tidy(path, faults)
	tidy(path, c.Warnings)
	if len(faults) > 0 {
		return c, faults[:min(len(faults), maxFaults)]
	}
	return c, nil
}

// tidy sorts by line and names the file. Faults without a line come last.
func tidy(path string, fs Faults) {
	for i := range fs {
		fs[i].File = path
	}
	slices.SortStableFunc(fs, func(a, b Fault) int {
		return cmp.Compare(uint(a.Line-1), uint(b.Line-1))
	})
}

// StorePath is the database file.
func (c *Config) StorePath() string { return filepath.Join(c.Data, "longwire.db") }

// Line is the line of a key such as "clients.listen" in the file, or of the table around it; 0 if it is not there.
func (c *Config) Line(key string) int { return c.lineOf(key) }
