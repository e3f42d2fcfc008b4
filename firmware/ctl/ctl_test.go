package ctl_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"longwire/firmware/admin"
	"longwire/firmware/config"
	"longwire/firmware/ctl"
	"longwire/links"
	"longwire/links/meter"
	"longwire/store"
	"longwire/xmpp/delivery"
	"longwire/xmpp/jid"
)

// node is a Node with a store and no life of its own.
type node struct {
	cfg *config.Config
	db  *store.DB
}

func (n *node) Watch(func(links.Event)) (stop func()) { return func() {} }

func (n *node) Config() *config.Config                   { return n.cfg }
func (n *node) Store() *store.DB                         { return n.db }
func (n *node) Live() admin.Live                         { return admin.Live{Version: "v9"} }
func (n *node) Reload(*config.Config) error              { return nil }
func (n *node) Explain(string) (admin.Explanation, bool) { return admin.Explanation{}, false }
func (n *node) Truth() *delivery.Truth                   { return delivery.New(delivery.Env{DB: n.db}) }
func (n *node) ForgetKit(string, bool) error             { return nil }

func (n *node) SetEMCON(link string, on bool) error {
	return n.db.Update(func(tx *store.Tx) error { return tx.PutLinkSwitch(link, store.LinkSwitch{EMCON: on}) })
}
func (n *node) Reloading() (done func())    { return func() {} }
func (n *node) RemoveAccount(jid.JID) error { return errors.New("not today") }
func (n *node) EndSessions(jid.JID, string) {}
func (n *node) UpdateRooms(f func(*store.Tx, admin.RoomTx) error) error {
	return n.db.Update(func(tx *store.Tx) error { return f(tx, admin.AtRest(tx)) })
}
func (n *node) Ledger() *meter.Ledger                  { return meter.NewLedger(time.Now()) }
func (n *node) AccountMade(jid.JID)                    {}
func (n *node) RoomStates() map[string]admin.RoomState { return nil }
func (n *node) Cancel(string, []uint64) ([]store.Entry, error) {
	return nil, nil
}

// serve runs a server in a folder of its own until the test ends, or stop is called.
func serve(t *testing.T, dir string) (n *node, path string, stop func() error) {
	t.Helper()
	cfg := config.Default()
	cfg.Domains, cfg.Data = []string{"field.net"}, dir
	l := config.DefaultLink("5066 link")
	l.Type, l.Local5066Address = config.LinkS5066, "1.1.0.1"
	cfg.Links = []config.Link{l}
	cfg.RoomService.Domains = []string{"chat.field.net"}
	cfg.Control = filepath.Join(dir, "control.sock")
	db, err := store.Open(cfg.StorePath(), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	n = &node{cfg, db}
	s, err := ctl.Listen(cfg.Control, admin.Running(n), nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	over := make(chan error, 1)
	go func() { over <- s.Run(ctx) }()
	stopped := false
	stop = func() error {
		if stopped {
			return nil
		}
		stopped = true
		cancel()
		err := <-over
		db.Close()
		return err
	}
	t.Cleanup(func() { stop() })
	return n, cfg.Control, stop
}

func dial(t *testing.T, path string) *ctl.Client {
	t.Helper()
	c, err := ctl.Dial(path)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestCommandsGoThroughTheSocketAndInProcessAlike(t *testing.T) {
	n, path, _ := serve(t, t.TempDir())
	for name, c := range map[string]ctl.Caller{"client": dial(t, path), "local": ctl.Local{Admin: admin.Running(n)}} {
		t.Run(name, func(t *testing.T) {
			user := name + "@field.net"
			added, err := ctl.Collect[string](t.Context(), c, ctl.OpUserAdd, ctl.UserArgs{User: name, Password: "secret"})
			if err != nil || len(added) != 1 || added[0] != user {
				t.Fatalf("%v, %v", added, err)
			}
			users, err := ctl.Collect[admin.User](t.Context(), c, ctl.OpUserList, nil)
			if err != nil || len(users) == 0 || users[0].JID == "" {
				t.Errorf("%v, %v", users, err)
			}
			status, err := ctl.Collect[admin.Status](t.Context(), c, ctl.OpStatus, nil)
			if err != nil || len(status) != 1 || status[0].Version != "v9" || !status[0].Running {
				t.Errorf("%+v, %v", status, err)
			}
			if _, err := ctl.Collect[string](t.Context(), c, ctl.OpUserAdd, ctl.UserArgs{User: "x@elsewhere.net", Password: "s"}); !errors.Is(err, admin.ErrMisuse) {
				t.Errorf("misuse arrives as %v", err)
			}
			if _, err := ctl.Collect[string](t.Context(), c, ctl.OpUserRemove, ctl.UserArgs{User: user}); err == nil || errors.Is(err, admin.ErrMisuse) || !strings.Contains(err.Error(), "not today") {
				t.Errorf("failure arrives as %v", err)
			}
			silenced, err := ctl.Collect[admin.Link](t.Context(), c, ctl.OpLinkEMCON, ctl.EMCONArgs{Link: "5066 link", On: true})
			if err != nil || len(silenced) != 1 || !silenced[0].EMCON.Switch {
				t.Errorf("%+v, %v", silenced, err)
			}
			listed, err := ctl.Collect[admin.Link](t.Context(), c, ctl.OpLinkList, nil)
			if err != nil || len(listed) != 1 || !listed[0].EMCON.On {
				t.Errorf("%+v, %v", listed, err)
			}
			for op, args := range map[string]any{"no.such": nil, ctl.OpUserList: map[string]int{"x": 1}, ctl.OpQueueList: 7} {
				if _, err := ctl.Collect[string](t.Context(), c, op, args); !errors.Is(err, admin.ErrMisuse) {
					t.Errorf("%s: %v", op, err)
				}
			}
		})
	}
}

func TestWatchingStreamsUntilTheClientHangsUp(t *testing.T) {
	n, path, stop := serve(t, t.TempDir())
	put := func(id string) {
		err := n.db.Update(func(tx *store.Tx) error {
			_, _, err := n.db.Queue("p").Put(tx, store.Entry{Kind: store.KindChat, StanzaID: id, Queued: time.Now(), Stanza: []byte("<message/>")}, store.QueueLimits{})
			return err
		})
		if err != nil {
			t.Error(err)
		}
	}
	put("m1")
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	var got []string
	err := dial(t, path).Call(ctx, ctl.OpQueueWatch, ctl.QueueArgs{}, func(raw json.RawMessage) error {
		var e admin.QueueEvent
		if err := json.Unmarshal(raw, &e); err != nil {
			return err
		}
		got = append(got, e.What+" "+e.Stanza)
		if len(got) == 1 {
			put("m2")
		} else {
			cancel()
		}
		return nil
	})
	if !errors.Is(err, context.Canceled) || strings.Join(got, ", ") != "queued m1, queued m2" {
		t.Errorf("%v, %v", got, err)
	}
	// The server's side of it ends as well, else this would wait for ever.
	if err := stop(); err != nil {
		t.Error(err)
	}
}

func TestServerThatStopsEndsWatching(t *testing.T) {
	n, path, stop := serve(t, t.TempDir())
	if err := n.db.Update(func(tx *store.Tx) error {
		_, _, err := n.db.Queue("p").Put(tx, store.Entry{Kind: store.KindChat, Stanza: []byte("<message/>")}, store.QueueLimits{})
		return err
	}); err != nil {
		t.Fatal(err)
	}
	stopped := make(chan error, 1)
	err := dial(t, path).Call(t.Context(), ctl.OpQueueWatch, ctl.QueueArgs{}, func(json.RawMessage) error {
		go func() { stopped <- stop() }()
		return nil
	})
	<-stopped // its socket goes behind its callers
	if t.Context().Err() != nil {
		t.Errorf("still watching: %v", err)
	}
	if _, err := os.Lstat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the socket is still there: %v", err)
	}
}

func TestSocketIsPrivate(t *testing.T) {
	_, path, _ := serve(t, t.TempDir())
	st, err := os.Lstat(path)
	if err != nil || st.Mode() != os.ModeSocket|0o600 {
		t.Errorf("%v, %v", st.Mode(), err)
	}
}

func TestSecondNodeIsRefused(t *testing.T) {
	n, path, _ := serve(t, t.TempDir())
	_, err := ctl.Listen(path, admin.Running(n), nil)
	if !errors.Is(err, ctl.ErrRunning) || !strings.Contains(err.Error(), "stop it first") {
		t.Error(err)
	}
	dial(t, path) // and the first is unharmed
}

func TestDeadNodesSocketIsReplaced(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "control.sock")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	l.Close()
	if _, err := ctl.Dial(path); !errors.Is(err, ctl.ErrNoNode) {
		t.Errorf("dead socket: %v", err)
	}
	serve(t, dir)
	dial(t, path)
}

func TestOtherFilesAreLeftAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "control.sock")
	if err := os.WriteFile(path, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := ctl.Listen(path, nil, nil); err == nil || !strings.Contains(err.Error(), "in the way") {
		t.Error(err)
	}
	if b, err := os.ReadFile(path); string(b) != "precious" {
		t.Errorf("%q, %v", b, err)
	}
}

func TestLongPathsWork(t *testing.T) {
	dir := filepath.Join(t.TempDir(), strings.Repeat("long", 40))
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	_, path, _ := serve(t, dir)
	dial(t, path)
	if _, err := ctl.Dial(filepath.Join(dir, "none")); !errors.Is(err, ctl.ErrNoNode) {
		t.Error(err)
	}
}

func TestNoNodeIsToldApart(t *testing.T) {
	if _, err := ctl.Dial(filepath.Join(t.TempDir(), "none", "control.sock")); !errors.Is(err, ctl.ErrNoNode) {
		t.Error(err)
	}
}

// Whatever somebody writes to the socket, the server answers in its form or hangs up, and goes on.
func TestRawInputIsBounded(t *testing.T) {
	_, path, _ := serve(t, t.TempDir())
	for name, c := range map[string]struct{ send, want string }{
		"no JSON":    {"hello\n", `{"error":"the request is not understood","misuse":true}`},
		"wrong type": {"{\"op\":7}\n", `{"error":"the request is not understood","misuse":true}`},
		"huge":       {strings.Repeat("x", 70<<10), `{"error":"the request is too long","misuse":true}`},
		"truncated":  {`{"op":`, ""},
		"nothing":    {"", ""},
	} {
		conn, err := net.Dial("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		conn.SetDeadline(time.Now().Add(10 * time.Second))
		conn.Write([]byte(c.send))
		conn.(*net.UnixConn).CloseWrite()
		line, _ := bufio.NewReader(conn).ReadString('\n')
		if strings.TrimSpace(line) != c.want {
			t.Errorf("%s: %q", name, line)
		}
		conn.Close()
	}
	dial(t, path)
}

func TestTooManyAtOnceAreTurnedAway(t *testing.T) {
	_, path, _ := serve(t, t.TempDir())
	var idle []net.Conn
	defer func() {
		for _, c := range idle {
			c.Close()
		}
	}()
	for range 40 {
		c, err := net.Dial("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		idle = append(idle, c)
	}
	last := idle[len(idle)-1]
	last.SetReadDeadline(time.Now().Add(10 * time.Second))
	line, err := bufio.NewReader(last).ReadString('\n')
	if err != nil || !strings.Contains(line, "busy") {
		t.Errorf("%q, %v", line, err)
	}
}

func TestRoomsGoThroughTheSocket(t *testing.T) {
	_, path, _ := serve(t, t.TempDir())
	c := dial(t, path)
	if _, err := ctl.Collect[string](t.Context(), c, ctl.OpUserAdd, ctl.UserArgs{User: "alice", Password: "secret"}); err != nil {
		t.Fatal(err)
	}
	rooms, err := ctl.Collect[admin.Room](t.Context(), c, ctl.OpRoomCreate, ctl.RoomArgs{Room: "ops", Settings: []string{"title=Operations"}, Owners: []string{"alice"}})
	if err != nil || len(rooms) != 1 || rooms[0].JID != "ops@chat.field.net" || len(rooms[0].Members) != 1 {
		t.Fatalf("%+v, %v", rooms, err)
	}
	accept, mode := []string{"*"}, "pr"
	fed, err := ctl.Collect[ctl.Federated](t.Context(), c, ctl.OpRoomFederate, ctl.FederateArgs{Room: "ops", Accept: &accept})
	if err != nil || len(fed) != 1 || fed[0].Room.Federation == nil || fed[0].Room.Federation.Mode != "" {
		t.Errorf("%+v, %v", fed, err)
	}
	for _, args := range []ctl.FederateArgs{
		{Room: "ops", With: new(string), Accept: &[]string{}},
		{Room: "ops", Mode: &mode},
	} {
		if _, err = ctl.Collect[ctl.Federated](t.Context(), c, ctl.OpRoomFederate, args); !errors.Is(err, admin.ErrMisuse) {
			t.Errorf("nothing to federate with: %v", err)
		}
	}
	if _, err := ctl.Collect[string](t.Context(), c, ctl.OpRoomDestroy, ctl.RoomArgs{Room: "ops"}); err != nil {
		t.Error(err)
	}
	if list, err := ctl.Collect[admin.Room](t.Context(), c, ctl.OpRoomList, nil); err != nil || len(list) != 0 {
		t.Errorf("left: %+v, %v", list, err)
	}
}
