// Package admin holds every operator action as a Go function. The command line reaches it through firmware/ctl, and
// whatever else lets people steer a node calls the same few functions.
package admin

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"longwire/firmware/config"
	"longwire/firmware/update"
	"longwire/links"
	"longwire/links/meter"
	"longwire/store"
	"longwire/xmpp/delivery"
	"longwire/xmpp/jid"
)

// Node is a running node as its operator's actions need it; firmware/node implements it. Its methods are called
// concurrently.
type Node interface {
	// Config is the configuration in force; nobody writes to it.
	Config() *config.Config
	// Store is the node's open store.
	Store() *store.DB
	// Live tells what only the running program knows.
	Live() Live
	// Explain tells which link carries what for a peer; false: there is no such peer.
	Explain(peer string) (Explanation, bool)
	// SetEMCON silences a link or lets it send again; it is in force when it returns, and kept over restarts.
	SetEMCON(link string, on bool) error
	// ForgetKit closes a kit until it, or with again another with the same token, introduces itself.
	ForgetKit(peer string, again bool) error
	// Reload applies a checked configuration whole, or refuses it whole and goes on with the old one.
	Reload(*config.Config) error
	// Reloading tells the service manager that a reload begins, and done that it is over, whatever came of it.
	Reloading() (done func())
	// RemoveAccount closes an account's streams, ends its subscriptions, and deletes it with all that belongs to it.
	// store.ErrNotFound if there is none.
	RemoveAccount(account jid.JID) error
	// AccountMade gives a new account what the configuration has for all.
	AccountMade(account jid.JID)
	// Ledger is what was spent on what.
	Ledger() *meter.Ledger
	// Truth knows what became of each message.
	Truth() *delivery.Truth
	// Watch calls f for every step on the links until stop is called; f must be brief.
	Watch(f func(links.Event)) (stop func())
	// EndSessions closes the client streams of a bare JID, resumable ones too, and returns when none is left.
	EndSessions(account jid.JID, text string)
	// UpdateRooms runs f on the rooms in one transaction, in which it may run more than once; who is in a room that f changes is told once that
	// is committed.
	UpdateRooms(f func(*store.Tx, RoomTx) error) error
	// RoomStates tells who is in each room, and how its federation goes, by the room's address.
	RoomStates() map[string]RoomState
	// Cancel takes entries out of a peer's queue and tells their senders; those it returns are gone. Entries that a link has
	// already begun to send stay.
	Cancel(peer string, ids []uint64) ([]store.Entry, error)
}

// Live is what only the running program knows.
type Live struct {
	Version     string            `json:"version"`
	Started     time.Time         `json:"started"`
	Fingerprint string            `json:"fingerprint,omitempty"` // SHA-256 of the certificate shown, 64 hex digits
	Listeners   []string          `json:"listeners,omitempty"`   // "clients 0.0.0.0:5222", "link IP link hq-2-field 0.0.0.0:65510"
	Sessions    map[string]int    `json:"-"`                     // bare JID → its clients, resumable ones too
	Links       []LinkState       `json:"-"`
	Folded      map[string]Folded `json:"-"`                         // by peer
	RecordFault string            `json:"telemetry_fault,omitempty"` // why telemetry cannot be written; "": it can, or is off

	// HeadquartersTime is what time it is at the headquarters that answered this kit within the last hour; zero: none did. It goes on evenly when this
	// machine's clock is set, so that whoever sets that may ask at any time.
	HeadquartersTime time.Time `json:"headquarters_time,omitzero"`
}

// LinkState is what a link does for one peer.
type LinkState struct {
	Link       string        `json:"link"`
	Type       string        `json:"type,omitempty"`
	Peer       string        `json:"peer,omitempty"`
	State      string        `json:"state"` // "up", "down", "dialling", "listening", "waiting" (closed on purpose), "backing off", "emcon"
	Since      time.Time     `json:"since,omitzero"`
	Until      time.Time     `json:"until,omitzero"`   // when the next try is
	Remote     string        `json:"remote,omitempty"` // address of the connection
	RTT        time.Duration `json:"rtt,omitempty"`    // smoothed, from question to confirmation
	Fault      string        `json:"fault,omitempty"`  // why it is down, in words
	StanzasIn  uint64        `json:"stanzas_in"`
	StanzasOut uint64        `json:"stanzas_out"`
	BytesIn    uint64        `json:"bytes_in"` // on the wire
	BytesOut   uint64        `json:"bytes_out"`
	AgainIn    uint64        `json:"again_in,omitempty"`    // stanzas that came again, and were discarded
	AgainOut   uint64        `json:"again_out,omitempty"`   // stanzas that were sent again
	Codec      string        `json:"codec,omitempty"`       // how stanzas are coded, between two Longwire nodes
	CodecFault string        `json:"codec_fault,omitempty"` // why not by the best method of ours
	Carries    bool          `json:"carries,omitempty"`     // what is for the peer goes by it now
	S5066      *S5066        `json:"s5066,omitempty"`
}

// S5066 is what only a link by a STANAG 5066 server has to tell.
type S5066 struct {
	Server  string `json:"server"`
	SAP     int    `json:"sap"`
	Local   string `json:"local_5066_address"`
	Mapping string `json:"mapping"`

	Bound   bool   `json:"bound"`
	MTU     int    `json:"mtu,omitempty"`
	FlowOff bool   `json:"flow_off,omitempty"` // the SIS server takes nothing for now
	EMCON   bool   `json:"emcon,omitempty"`    // by our operator
	Node    string `json:"node,omitempty"`     // what keeps the SIS server from sending, as it says

	Outstanding int       `json:"outstanding"`        // U_PDUs that the SIS server has and has not answered
	OnFarNode   int       `json:"on_far_node"`        // stanzas that the peer's SIS server has and the peer has not confirmed
	Unconfirmed int       `json:"unconfirmed"`        // stanzas on the way in any way
	FramesIn    uint64    `json:"frames_in"`          //
	FramesOut   uint64    `json:"frames_out"`         //
	Rate        int       `json:"rate,omitempty"`     // measured, bit/s
	Heard       time.Time `json:"heard,omitzero"`     // the peer
	MarkOwed    time.Time `json:"mark_owed,omitzero"` // since when the peer waits to hear what we took
	Dropped     uint64    `json:"dropped,omitempty"`  // U_PDUs of the peer that had no effect
	Foreign     uint64    `json:"foreign,omitempty"`  // U_PDUs of the peer that are not of this mapping
	Strays      uint64    `json:"strays,omitempty"`   // U_PDUs that were no peer's, on the whole link

	Uninvited uint64   `json:"uninvited,omitempty"` // introductions of kits that the config does not invite, on the whole link
	Pairing   *Pairing `json:"pairing,omitempty"`
}

// Errors of actions that the caller may want to tell apart.
var (
	ErrMisuse     = errors.New("misuse")              // what was asked makes no sense, whatever the node's state
	ErrNotRunning = errors.New("node is not running") // the action needs a running one
)

// misuse is an error about what was asked, in words for people.
func misuse(format string, args ...any) error {
	return fmt.Errorf("%w: %w", ErrMisuse, fmt.Errorf(format, args...))
}

// Admin carries out actions on one node, running or stopped. Its methods may be called concurrently.
type Admin struct {
	node   Node // nil: stopped
	config *config.Config
}

// Running is the Admin of a running node.
func Running(n Node) *Admin { return &Admin{node: n} }

// Stopped is the Admin of a node that does not run: it opens the store for each action.
func Stopped(c *config.Config) *Admin { return &Admin{config: c} }

func (a *Admin) cfg() *config.Config {
	if a.node != nil {
		return a.node.Config()
	}
	return a.config
}

// read runs f on the store for looking at it. A stopped node that was never started has none: f is not called then.
func (a *Admin) read(f func(*store.DB) error) error {
	if a.node != nil {
		return f(a.node.Store())
	}
	path := a.cfg().StorePath()
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return a.open(path, store.Options{ReadOnly: true}, f)
}

// write runs f on the store for changing it, which is made if there is none.
func (a *Admin) write(f func(*store.DB) error) error {
	if a.node != nil {
		return f(a.node.Store())
	}
	path := a.cfg().StorePath()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("admin: making the data folder: %w", err)
	}
	return errors.Join(a.open(path, store.Options{}, f), adopt(path))
}

// adopt gives a store that root has made to the owner of its folder, who is the user that runs the node.
func adopt(path string) error {
	dir, err := os.Stat(filepath.Dir(path))
	if err != nil || os.Geteuid() != 0 {
		return err
	}
	if owner, ok := dir.Sys().(*syscall.Stat_t); ok {
		return os.Chown(path, int(owner.Uid), int(owner.Gid))
	}
	return nil
}

func (a *Admin) open(path string, o store.Options, f func(*store.DB) error) error {
	// An error is the node's to tell; the format is then the one that does no harm.
	o.Keep, _ = update.KeepFormat()
	db, err := store.Open(path, o)
	switch {
	case errors.Is(err, store.ErrLocked):
		return fmt.Errorf("admin: a node or another command has %s open but does not answer on %s; see whether both use the same config: %w",
			path, a.cfg().Control, err)
	case err != nil:
		return fmt.Errorf("admin: opening the store: %w", err)
	}
	err = f(db)
	return errors.Join(err, db.Close())
}

// Reload reads the config file again and applies it, if that is possible without a restart. It returns the file, what
// changed and what the file's content warns of.
func (a *Admin) Reload() (file string, changed []string, warnings config.Faults, err error) {
	if a.node == nil {
		return "", nil, nil, fmt.Errorf("admin: reload: %w", ErrNotRunning)
	}
	defer a.node.Reloading()()
	old := a.node.Config()
	// A node that started without a file takes the one that was made since.
	fresh, err := config.Load(config.Search(old.File))
	if err != nil {
		return old.File, nil, nil, err
	}
	d := config.Diff(old, fresh)
	if fixed := d.Fixed; len(fixed) > 0 {
		f := make(config.Faults, 0, len(fixed))
		for _, key := range fixed {
			f = append(f, config.Fault{File: fresh.File, Line: fresh.Line(key), Key: key, Problem: "a running node cannot change this",
				Remedy: "put the old value back, or stop the node and start it again"})
		}
		return old.File, nil, nil, f
	}
	if err := a.spared(fresh); err != nil {
		return old.File, nil, nil, err
	}
	if err := a.node.Reload(fresh); err != nil {
		return old.File, nil, nil, err
	}
	return fresh.File, d.Keys, fresh.Warnings, nil
}

// CheckPlace finds out whether a node with this config could keep its data where the config says. It returns Faults.
func CheckPlace(c *config.Config) error {
	fault := func(problem, remedy string) error {
		return config.Faults{{File: c.File, Line: c.Line("data"), Key: "data", Problem: problem, Remedy: remedy}}
	}
	dir := c.Data
	for {
		st, err := os.Stat(dir)
		parent := filepath.Dir(dir)
		switch {
		case err == nil && !st.IsDir():
			return fault(dir+" is not a folder", "name another one")
		case err == nil:
			if err := unix.Access(dir, unix.W_OK|unix.X_OK); err != nil {
				return fault(fmt.Sprintf("this user may not write to %s: %v", dir, err), "name another folder, or give this one to the user that runs longwire")
			}
			return nil
		case !errors.Is(err, fs.ErrNotExist) || parent == dir:
			return fault(err.Error(), "name another folder")
		}
		dir = parent // it would be made there
	}
}
