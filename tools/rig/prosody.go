package rig

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/sha1"
	"encoding/hex"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"text/template"
)

// Prosody is the reference server.
type Prosody struct {
	process
	Dir       string
	IP        string
	Domains   []string // virtual hosts
	PlainTCP  bool     // logging in without TLS is allowed
	PlainPass bool     // keep passwords as they are, so that every SCRAM works; otherwise hashed with SHA-1, the default
	Debug     bool
	Rooms     bool // each domain has rooms at chat.DOMAIN, with archives
	Archive   bool // accounts have archives
	version   string
	Port      int
	TLSPort   int
}

var prosodyConf = template.Must(template.New("").Parse(`-- Made by tools/rig.
run_as_root = true
pidfile = "{{.Dir}}/prosody.pid"
data_path = "{{.Dir}}/data"
log = { {{if .Debug}}debug{{else}}warn{{end}} = "{{.Dir}}/prosody.log" }
interfaces = { "{{.IP}}" }
local_interfaces = { "{{.IP}}" }
c2s_ports = { {{.Port}} }
legacy_ssl_ports = { }
c2s_direct_tls_ports = { {{.TLSPort}} }
s2s_ports = { }
http_ports = { }
https_ports = { }
modules_enabled = {
	"disco"; "roster"; "saslauth"; "tls"; "blocklist"; "bookmarks"; "carbons"; "pep"; "private"; "smacks"; "vcard4"; "vcard_legacy";
	"csi_simple"; "ping"; "register"; "time"; "uptime"; "version"; "lastactivity"; "posix";
	{{if .Archive}}"mam";{{end}}
}
modules_disabled = { "s2s"; "admin_shell"; "limits" }
authentication = "{{if .PlainPass}}internal_plain{{else}}internal_hashed{{end}}"
storage = "internal"
c2s_require_encryption = {{not .PlainTCP}}
allow_unencrypted_plain_auth = {{.PlainTCP}}
c2s_direct_tls_ssl = { certificate = "{{.Dir}}/cert.pem"; key = "{{.Dir}}/key.pem" }
ssl = { certificate = "{{.Dir}}/cert.pem"; key = "{{.Dir}}/key.pem" }
{{range .Domains}}VirtualHost "{{.}}"
{{if $.Rooms}}	disco_items = { { "chat.{{.}}", "rooms" } }
Component "chat.{{.}}" "muc"
	modules_enabled = { "muc_mam" }
	restrict_room_creation = false
{{end}}{{end}}`))

// Name is "Prosody" and its version.
func (p *Prosody) Name() string { return "Prosody " + p.version }

// Address is the client port.
func (p *Prosody) Address() string { return net.JoinHostPort(p.IP, strconv.Itoa(p.Port)) }

// Direct is the client port with TLS.
func (p *Prosody) Direct() string { return net.JoinHostPort(p.IP, strconv.Itoa(p.TLSPort)) }

// Prepare writes the configuration.
func (p *Prosody) Prepare() error {
	out, _ := exec.Command("prosodyctl", "about").Output()
	if f := bytes.Fields(out); len(f) > 1 && string(f[0]) == "Prosody" {
		p.version = string(f[1])
	}
	if err := os.MkdirAll(filepath.Join(p.Dir, "data"), 0o700); err != nil {
		return fmt.Errorf("rig: prosody: %w", err)
	}
	if err := Ports(p.IP, &p.Port, &p.TLSPort); err != nil {
		return err
	}
	cert, key, err := SelfSigned(p.Domains...)
	if err != nil {
		return err
	}
	var conf bytes.Buffer
	if err := prosodyConf.Execute(&conf, p); err != nil {
		return fmt.Errorf("rig: prosody: %w", err)
	}
	for name, b := range map[string][]byte{"cert.pem": cert, "key.pem": key, "prosody.cfg.lua": conf.Bytes()} {
		if err := os.WriteFile(filepath.Join(p.Dir, name), b, 0o600); err != nil {
			return fmt.Errorf("rig: prosody: %w", err)
		}
	}
	return nil
}

// AddUsers writes the accounts into the data folder, which is what prosodyctl does one at a time.
func (p *Prosody) AddUsers(_ context.Context, users ...User) error {
	const salt, iterations = "longwire-bench-salt", 10000
	records := map[string]string{} // by password
	for _, u := range users {
		rec, ok := records[u.Password]
		switch {
		case ok:
		case p.PlainPass:
			rec = fmt.Sprintf("return {\n\t[\"password\"] = %q;\n};\n", u.Password)
		default:
			salted, err := pbkdf2.Key(sha1.New, u.Password, []byte(salt), iterations, sha1.Size)
			if err != nil {
				return fmt.Errorf("rig: prosody: %w", err)
			}
			mac := func(text string) []byte {
				m := hmac.New(sha1.New, salted)
				m.Write([]byte(text))
				return m.Sum(nil)
			}
			stored := sha1.Sum(mac("Client Key"))
			rec = fmt.Sprintf("return {\n\t[\"iteration_count\"] = %d;\n\t[\"salt\"] = %q;\n\t[\"stored_key\"] = %q;\n\t[\"server_key\"] = %q;\n};\n",
				iterations, salt, hex.EncodeToString(stored[:]), hex.EncodeToString(mac("Server Key")))
		}
		records[u.Password] = rec
		dir := filepath.Join(p.Dir, "data", strings.ReplaceAll(u.Domain, ".", "%2e"), "accounts")
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return fmt.Errorf("rig: prosody: %w", err)
		}
		if err := os.WriteFile(filepath.Join(dir, u.Name+".dat"), []byte(rec), 0o600); err != nil {
			return fmt.Errorf("rig: prosody: %w", err)
		}
	}
	return nil
}

// Start runs Prosody in the foreground.
func (p *Prosody) Start(ctx context.Context) error {
	log := filepath.Join(p.Dir, "prosody.log")
	err := p.start(log, "prosody", []string{"-F", "--config", filepath.Join(p.Dir, "prosody.cfg.lua")}, nil)
	if err != nil {
		return err
	}
	return p.waitListening(ctx, "Prosody", log, p.Address(), p.Direct())
}
