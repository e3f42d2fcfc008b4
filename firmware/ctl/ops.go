package ctl

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"

	"longwire/firmware/admin"
	"longwire/firmware/config"
)

// Operations. The comment names the argument's type and the item's.
const (
	OpUserAdd       = "user.add"       // UserArgs → string
	OpUserPasswd    = "user.passwd"    // UserArgs → string
	OpUserDisable   = "user.disable"   // UserArgs → string
	OpUserEnable    = "user.enable"    // UserArgs → string
	OpUserRemove    = "user.remove"    // UserArgs → string
	OpUserList      = "user.list"      // none → admin.User…
	OpStatus        = "status"         // none → admin.Status
	OpPeerList      = "peer.list"      // none → admin.Peer…
	OpLinkList      = "link.list"      // none → admin.Link…
	OpExplain       = "explain"        // QueueArgs → admin.Explanation
	OpLinkEMCON     = "link.emcon"     // EMCONArgs → admin.Link
	OpKitList       = "kit.list"       // none → admin.Kit…
	OpKitForget     = "kit.forget"     // KitArgs → admin.Kit
	OpQueueList     = "queue.list"     // QueueArgs → admin.Queued…
	OpQueueCancel   = "queue.cancel"   // QueueArgs → admin.Queued…
	OpQueueWatch    = "queue.watch"    // QueueArgs → admin.QueueEvent…, until the caller hangs up
	OpMessageList   = "message.list"   // MessageArgs → admin.Queued…
	OpRoomList      = "room.list"      // none → admin.Room…
	OpRoomShow      = "room.show"      // RoomArgs → admin.Room
	OpRoomCreate    = "room.create"    // RoomArgs → admin.Room
	OpRoomConfigure = "room.configure" // RoomArgs → admin.Room
	OpRoomMember    = "room.member"    // MemberArgs → admin.Room
	OpRoomFederate  = "room.federate"  // FederateArgs → Federated
	OpRoomDestroy   = "room.destroy"   // RoomArgs → string
	OpAir           = "air"            // AirArgs → admin.Air
	OpReload        = "reload"         // none → Reloaded
)

// UserArgs names a user: "alice" or "alice@field.net".
type UserArgs struct {
	User     string `json:"user"`
	Password string `json:"password,omitempty"`
}

// EMCONArgs names a link and says whether it is to be silent.
type EMCONArgs struct {
	Link string `json:"link"`
	On   bool   `json:"on"`
}

// AirArgs names a peer; "" for all.
type AirArgs struct {
	Peer string `json:"peer,omitempty"`
}

// KitArgs names a kit by its name or one of its domains.
type KitArgs struct {
	Kit   string `json:"kit"`
	Again bool   `json:"again,omitempty"` // its token is good for one kit more
}

// QueueArgs names a peer by its name or one of its domains; "" for all. IDs are for cancelling.
type QueueArgs struct {
	Peer string   `json:"peer,omitempty"`
	IDs  []uint64 `json:"ids,omitempty"`
}

// MessageArgs names a user, "" for all, and how many of their messages, 0 for a hundred.
type MessageArgs struct {
	User string `json:"user,omitempty"`
	Most int    `json:"most,omitempty"`
}

// RoomArgs names a room: "ops" or "ops@chat.field.net".
type RoomArgs struct {
	Room      string   `json:"room"`
	Settings  []string `json:"settings,omitempty"` // "moderated=yes"
	Owners    []string `json:"owners,omitempty"`
	Alternate string   `json:"alternate,omitempty"` // of destroying
	Reason    string   `json:"reason,omitempty"`
}

// MemberArgs gives somebody, or everybody of a domain, a standing with a room.
type MemberArgs struct {
	Room        string `json:"room"`
	Who         string `json:"who"`
	Affiliation string `json:"affiliation"`
	Nick        string `json:"nick,omitempty"` // reserved
	Reason      string `json:"reason,omitempty"`
}

// FederateArgs changes the federation of a room: what is nil stays.
type FederateArgs struct {
	Room    string    `json:"room"`
	With    *string   `json:"with,omitempty"`
	Mode    *string   `json:"mode,omitempty"`
	Accept  *[]string `json:"accept,omitempty"`
	History *string   `json:"history,omitempty"`
	LastN   *int      `json:"last_n,omitempty"`
	Watch   *bool     `json:"watch,omitempty"`
	Off     bool      `json:"off,omitempty"`
}

// Federated is a room whose federation was changed, and what is probably not meant.
type Federated struct {
	Room     admin.Room    `json:"room"`
	Warnings config.Faults `json:"warnings,omitempty"`
}

// apply changes what the arguments name.
func (f FederateArgs) apply(to *config.RoomFederation) {
	set(&to.With, f.With)
	set(&to.Mode, f.Mode)
	set(&to.Accept, f.Accept)
	set(&to.History, f.History)
	set(&to.LastN, f.LastN)
	set(&to.Watch, f.Watch)
}

func set[T any](to *T, v *T) {
	if v != nil {
		*to = *v
	}
}

// Reloaded is what a reload did.
type Reloaded struct {
	File     string        `json:"file,omitempty"`
	Changed  []string      `json:"changed"`
	Warnings config.Faults `json:"warnings,omitempty"`
}

// ops is the table of operations; each hands its items to emit.
var ops = map[string]func(ctx context.Context, a *admin.Admin, args json.RawMessage, emit func(any) error) error{
	OpUserAdd: user(func(a *admin.Admin, u UserArgs) (string, error) { return a.AddUser(u.User, u.Password) }),
	OpUserPasswd: user(func(a *admin.Admin, u UserArgs) (string, error) {
		return a.SetPassword(u.User, u.Password)
	}),
	OpUserDisable: user(func(a *admin.Admin, u UserArgs) (string, error) { return a.SetDisabled(u.User, true) }),
	OpUserEnable:  user(func(a *admin.Admin, u UserArgs) (string, error) { return a.SetDisabled(u.User, false) }),
	OpUserRemove:  user(func(a *admin.Admin, u UserArgs) (string, error) { return a.RemoveUser(u.User) }),
	OpUserList:    list(func(a *admin.Admin, _ struct{}) ([]admin.User, error) { return a.Users() }),
	OpStatus: list(func(a *admin.Admin, _ struct{}) ([]admin.Status, error) {
		s, err := a.Status()
		return []admin.Status{s}, err
	}),
	OpPeerList: list(func(a *admin.Admin, _ struct{}) ([]admin.Peer, error) { return a.Peers() }),
	OpLinkList: list(func(a *admin.Admin, _ struct{}) ([]admin.Link, error) { return a.Links() }),
	OpLinkEMCON: list(func(a *admin.Admin, e EMCONArgs) ([]admin.Link, error) {
		l, err := a.SetEMCON(e.Link, e.On)
		return []admin.Link{l}, err
	}),
	OpExplain: list(func(a *admin.Admin, q QueueArgs) ([]admin.Explanation, error) {
		e, err := a.Explain(q.Peer)
		return []admin.Explanation{e}, err
	}),
	OpKitList: list(func(a *admin.Admin, _ struct{}) ([]admin.Kit, error) { return a.Kits() }),
	OpKitForget: list(func(a *admin.Admin, k KitArgs) ([]admin.Kit, error) {
		kit, err := a.ForgetKit(k.Kit, k.Again)
		return []admin.Kit{kit}, err
	}),
	OpQueueList:   list(func(a *admin.Admin, q QueueArgs) ([]admin.Queued, error) { return a.Queue(q.Peer) }),
	OpQueueCancel: list(func(a *admin.Admin, q QueueArgs) ([]admin.Queued, error) { return a.Cancel(q.Peer, q.IDs) }),
	OpQueueWatch: func(ctx context.Context, a *admin.Admin, raw json.RawMessage, emit func(any) error) error {
		q, err := decode[QueueArgs](raw)
		if err != nil {
			return err
		}
		return a.WatchQueue(ctx, q.Peer, func(e admin.QueueEvent) error { return emit(e) })
	},
	OpMessageList: list(func(a *admin.Admin, m MessageArgs) ([]admin.Queued, error) { return a.Messages(m.User, m.Most) }),
	OpRoomList:    list(func(a *admin.Admin, _ struct{}) ([]admin.Room, error) { return a.Rooms() }),
	OpRoomShow:    room(func(a *admin.Admin, r RoomArgs) (admin.Room, error) { return a.Room(r.Room) }),
	OpRoomCreate: room(func(a *admin.Admin, r RoomArgs) (admin.Room, error) {
		return a.CreateRoom(r.Room, r.Settings, r.Owners)
	}),
	OpRoomConfigure: room(func(a *admin.Admin, r RoomArgs) (admin.Room, error) { return a.ConfigureRoom(r.Room, r.Settings) }),
	OpRoomMember: room(func(a *admin.Admin, m MemberArgs) (admin.Room, error) {
		return a.SetRoomMember(m.Room, m.Who, m.Affiliation, m.Nick, m.Reason)
	}),
	OpRoomFederate: room(func(a *admin.Admin, f FederateArgs) (Federated, error) {
		r, warnings, err := a.FederateRoom(f.Room, f.apply, f.Off)
		return Federated{r, warnings}, err
	}),
	OpRoomDestroy: room(func(a *admin.Admin, r RoomArgs) (string, error) { return a.DestroyRoom(r.Room, r.Alternate, r.Reason) }),
	OpAir: list(func(a *admin.Admin, p AirArgs) ([]admin.Air, error) {
		air, err := a.Air(p.Peer)
		return []admin.Air{air}, err
	}),
	OpReload: list(func(a *admin.Admin, _ struct{}) ([]Reloaded, error) {
		file, changed, warnings, err := a.Reload()
		return []Reloaded{{file, changed, warnings}}, err
	}),
}

// list makes an operation of a function that returns all its items at once.
func list[A, T any](f func(*admin.Admin, A) ([]T, error)) func(context.Context, *admin.Admin, json.RawMessage, func(any) error) error {
	return func(_ context.Context, a *admin.Admin, raw json.RawMessage, emit func(any) error) error {
		args, err := decode[A](raw)
		if err != nil {
			return err
		}
		items, err := f(a, args)
		if err != nil {
			return err
		}
		for _, it := range items {
			if err := emit(it); err != nil {
				return err
			}
		}
		return nil
	}
}

// user makes an operation on one user, whose item is the user's full address.
func user(f func(*admin.Admin, UserArgs) (string, error)) func(context.Context, *admin.Admin, json.RawMessage, func(any) error) error {
	return list(func(a *admin.Admin, u UserArgs) ([]string, error) {
		j, err := f(a, u)
		return []string{j}, err
	})
}

// room makes an operation on one room, with one item.
func room[A, T any](f func(*admin.Admin, A) (T, error)) func(context.Context, *admin.Admin, json.RawMessage, func(any) error) error {
	return list(func(a *admin.Admin, args A) ([]T, error) {
		item, err := f(a, args)
		return []T{item}, err
	})
}

// decode is strict: an argument that is not known would silently do nothing.
func decode[A any](raw json.RawMessage) (a A, err error) {
	if len(raw) == 0 || string(raw) == "null" {
		return a, nil
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(&a); err != nil {
		return a, &Error{Text: fmt.Sprintf("arguments not understood: %v", err), Misuse: true}
	}
	return a, nil
}

// run carries out one operation.
func run(ctx context.Context, a *admin.Admin, op string, args json.RawMessage, each func(json.RawMessage) error) error {
	f, ok := ops[op]
	if !ok {
		return &Error{Text: fmt.Sprintf("the node knows no operation %q; it may be of another version than this command", op), Misuse: true}
	}
	return f(ctx, a, args, func(v any) error {
		raw, err := json.Marshal(v)
		if err != nil {
			return fmt.Errorf("ctl: answer to %s: %w", op, err)
		}
		return each(raw)
	})
}
