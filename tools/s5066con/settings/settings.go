// Package settings is what the S5066 console remembers: SIS servers and stations by the names that people gave them.
package settings

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode"
)

// Version is of the file. A later one is not read, so that an older console does not destroy it; an earlier one would be brought up here.
const Version = 1

// A Server is one SIS server. Zero fields mean the default.
type Server struct {
	Name      string  `json:"name"`
	Network   string  `json:"network,omitempty"` // tcp, serial or vsock; tcp
	Address   string  `json:"address"`           // host:port, /dev/ttyUSB0@9600 or cid:port
	SAP       *uint8  `json:"sap,omitempty"`     // 13
	Mode      string  `json:"mode,omitempty"`    // arq or non-arq; arq
	Broadcast string  `json:"broadcast,omitempty"`
	Rate      int     `json:"rate,omitempty"`    // of the radio, as told
	Goodput   float64 `json:"goodput,omitempty"` // bit/s that the last test measured
}

// Settings is the file.
type Settings struct {
	Version  int               `json:"version"`
	Own      string            `json:"own_name,omitempty"` // what other stations are told
	Servers  []Server          `json:"servers,omitempty"`  // the first is used when none is named
	Stations map[string]string `json:"stations,omitempty"` // names of addresses
}

// Path is where the file is for this user.
func Path() (string, error) {
	dir, err := os.UserConfigDir()
	if err != nil {
		return "", fmt.Errorf("settings: %w", err)
	}
	return filepath.Join(dir, "longwire", "s5066con.json"), nil
}

// Load reads the file. One that is not there is empty.
func Load(path string) (Settings, error) {
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return Settings{Version: Version}, nil
	}
	if err != nil {
		return Settings{}, fmt.Errorf("settings: %w", err)
	}
	var s Settings
	if err := json.Unmarshal(b, &s); err != nil {
		return Settings{}, fmt.Errorf("settings: %s: %w; mend it or move it away", path, err)
	}
	if s.Version < 1 || s.Version > Version {
		return Settings{}, fmt.Errorf("settings: %s has version %d, and this console knows %d: use a newer console, or move it away", path, s.Version, Version)
	}
	return s, nil
}

// Save writes the file, whole or not at all.
func (s Settings) Save(path string) error {
	s.Version = Version
	b, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return fmt.Errorf("settings: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("settings: %w", err)
	}
	t, err := os.CreateTemp(filepath.Dir(path), ".s5066con-*")
	if err != nil {
		return fmt.Errorf("settings: %w", err)
	}
	_, err = t.Write(append(b, '\n'))
	if err == nil {
		err = t.Sync()
	}
	if cerr := t.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Rename(t.Name(), path)
	}
	if err != nil {
		_ = os.Remove(t.Name())
		return fmt.Errorf("settings: %w", err)
	}
	return nil
}

// Find returns the server of a name, or nil. Letters' case does not matter.
func (s *Settings) Find(name string) *Server {
	i := slices.IndexFunc(s.Servers, func(v Server) bool { return strings.EqualFold(v.Name, name) })
	if i < 0 {
		return nil
	}
	return &s.Servers[i]
}

// Put adds a server, or takes the place of the one with its name.
func (s *Settings) Put(v Server) {
	if old := s.Find(v.Name); old != nil {
		*old = v
		return
	}
	s.Servers = append(s.Servers, v)
}

// Remove removes one, and tells whether it was there.
func (s *Settings) Remove(name string) bool {
	n := len(s.Servers)
	s.Servers = slices.DeleteFunc(s.Servers, func(v Server) bool { return strings.EqualFold(v.Name, name) })
	return len(s.Servers) < n
}

// Parse reads a server as people type it: host, host:port, tcp:host:port, serial:/dev/ttyUSB0@9600 or vsock:2:5066.
func Parse(text string) (Server, error) {
	v := Server{Name: text, Network: "tcp", Address: text}
	if network, address, ok := strings.Cut(text, ":"); ok && slices.Contains([]string{"tcp", "serial", "vsock"}, network) && address != "" {
		v.Network, v.Address = network, address
	}
	return v, v.Check()
}

// Check says what is wrong with a server.
func (v Server) Check() error {
	switch {
	case v.Name == "" || len(v.Name) > 64 || strings.ContainsFunc(v.Name, unicode.IsControl):
		return errors.New("settings: a server has a name of 1 to 64 bytes")
	case v.Address == "":
		return fmt.Errorf("settings: server %q has no address; give one like 10.0.0.5:5066", v.Name)
	case !slices.Contains([]string{"", "tcp", "serial", "vsock"}, v.Network):
		return fmt.Errorf("settings: server %q is on network %q; there are tcp, serial and vsock", v.Name, v.Network)
	case !slices.Contains([]string{"", "arq", "non-arq"}, v.Mode):
		return fmt.Errorf("settings: server %q has mode %q; there are arq and non-arq", v.Name, v.Mode)
	case v.SAP != nil && *v.SAP > 15:
		return fmt.Errorf("settings: server %q has SAP %d; they are 0 to 15", v.Name, *v.SAP)
	case v.Rate < 0 || v.Goodput < 0:
		return fmt.Errorf("settings: server %q has a rate below 0", v.Name)
	}
	return nil
}
