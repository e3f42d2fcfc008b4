package config

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"longwire/xmpp/jid"
)

// Rooms is the service of rooms (XEP-0045), and what every room has in common.
type Rooms struct {
	Domains         []string `toml:"domains" eg:"[\"chat.headquarters.net\"]" doc:"The domains where the rooms live, for this node's users and for those of its peers. Default: chat. in front of each of domains. []: this node has no rooms."`
	Create          string   `toml:"create" doc:"Who may make rooms: local, this node's users; anyone, also those of peers; or nobody, so that rooms are made by [[room]] and 'longwire room create' only."`
	MaxRooms        int      `toml:"max_rooms" doc:"Rooms at a time. Those of this file are made in any case."`
	MaxRoomsPerUser int      `toml:"max_rooms_per_user" doc:"Of them, those that one user has made."`
	MaxOccupants    int      `toml:"max_occupants" doc:"Our people in one room, those of other nodes not included. A room's own limit may be lower."`

	Defaults   RoomDefaults `toml:"defaults" doc:"A new room, as long as its owner configures nothing else."`
	Federation Federation   `toml:"federation" doc:"Rooms on several nodes that act as one (XEP-0289). Each side's people use the room on their own node, which goes on when the link is down, and both are brought level when it is back; a line crosses the link once, whoever reads it, and nothing does while a side has nobody in its room. Which rooms do that is said by federation below [[room]], by 'longwire room federate', or by a room's owner."`
}

// RoomDefaults are settings of a room that [[room]] knows too.
type RoomDefaults struct {
	Persistent    bool `toml:"persistent" doc:"It lives on when the last occupant leaves. Rooms of this file, and federated ones, always do."`
	Hidden        bool `toml:"hidden" doc:"It is not listed."`
	MembersOnly   bool `toml:"members_only" doc:"Only members may enter."`
	Moderated     bool `toml:"moderated" doc:"Only who was given voice may speak."`
	NonAnonymous  bool `toml:"non_anonymous" doc:"Everybody sees the real addresses, not only moderators."`
	ChangeSubject bool `toml:"change_subject" doc:"Every participant may change the subject, not only moderators."`
	Archive       bool `toml:"archive" doc:"Its lines are kept, for those who join and for clients that ask (XEP-0313). See [archive]."`
	History       int  `toml:"history" doc:"Lines that who joins is shown."`
}

// Federation is what holds for all federated rooms.
type Federation struct {
	Enabled bool          `toml:"enabled" doc:"The switch for all rooms. It is on, as it costs nothing and no room is federated before it says so itself; off ends all federation at once, without a change to any room."`
	Settle  time.Duration `toml:"settle" doc:"After this node starts: how long people have to come back before other nodes hear who is gone, unless something goes there anyway."`
}

// Archive says what is kept of conversations (XEP-0313).
type Archive struct {
	Accounts    bool          `toml:"accounts" doc:"Keep the messages of this node's users, so that all their clients see them. Each user may choose to have less kept. Off keeps what there is, and adds nothing."`
	MaxMessages int           `toml:"max_messages" doc:"Messages in one user's archive; the oldest go first. 0: no limit."`
	MaxSize     Size          `toml:"max_size" doc:"Bytes in it. 0: no limit."`
	MaxAge      time.Duration `toml:"max_age" doc:"How long a message is kept, as in \"2160h\" for 90 days. \"0s\": as long as there is room."`

	Rooms ArchiveLimits `toml:"rooms" doc:"The same limits for the archive of each room."`
}

// ArchiveLimits bound one archive.
type ArchiveLimits struct {
	MaxMessages int           `toml:"max_messages" doc:"Lines in one room's archive; the oldest go first. 0: no limit."`
	MaxSize     Size          `toml:"max_size"`
	MaxAge      time.Duration `toml:"max_age"`
}

// Room is a room that the file declares.
type Room struct {
	Address     string `toml:"address" eg:"\"ops\"" doc:"ops@chat.headquarters.net, or ops for the first of the rooms domains."`
	Title       string `toml:"title" eg:"\"Operations\"" doc:"The name that people see."`
	Description string `toml:"description" eg:"\"What is going on now\""`
	Subject     string `toml:"subject" eg:"\"Shift change at 18:00\"" doc:"What the room is about, until somebody in it says something else."`
	Password    string `toml:"password" eg:"\"…\"" doc:"Who enters has to know it."`

	Hidden        bool `toml:"hidden" doc:"What a [[room]] leaves out of these is as below [rooms.defaults] when the room is made, and its owners may change it."`
	MembersOnly   bool `toml:"members_only"`
	Moderated     bool `toml:"moderated"`
	NonAnonymous  bool `toml:"non_anonymous"`
	ChangeSubject bool `toml:"change_subject"`
	Archive       bool `toml:"archive"`
	History       int  `toml:"history"`
	MaxOccupants  int  `toml:"max_occupants" doc:"Our people in this room. 0: as many as in any."`

	Owners   []string `toml:"owners" eg:"[\"alice\"]" doc:"Who may do what: users as in alice@headquarters.net, or alice at the first of our domains, and whole domains as in field.net. Owners configure the room,"`
	Admins   []string `toml:"admins" eg:"[\"bob@field.net\"]" doc:"admins say who is a member or banned,"`
	Members  []string `toml:"members" eg:"[\"field.net\"]" doc:"members may enter when others may not,"`
	Outcasts []string `toml:"outcasts" eg:"[\"mallory@field.net\"]" doc:"and outcasts may not. Who was given a place by somebody in the room keeps it; who is taken out here loses theirs."`

	Autojoin []string `toml:"autojoin" eg:"[\"*\"]" doc:"Users of this node whose clients enter the room by themselves, by a bookmark in their account; \"*\": all. Whoever removes or changes that bookmark is left alone; else it goes when they are taken out here."`
	Nick     string   `toml:"nick" doc:"What they are called in the room; {user} is the first part of their address."`

	Federation RoomFederation `toml:"federation" doc:"Federation of this room. Between two rooms one joins and one is joined; best joins the side where the link is dear, or the kit its headquarters. A room joins one other, and may be joined by any number, so that all form a tree."`
}

// RoomFederation is the federation of one declared room.
type RoomFederation struct {
	With    string   `toml:"with" eg:"\"ops@chat.field.net\"" doc:"The room on another node that this one joins. Its domain stands among the domains of a [[peer]]."`
	Mode    string   `toml:"mode" doc:"With that room, pp: both go on while the link is down, and late lines are marked with their time. pr: everybody sees the same lines in the same order, so nobody here can speak while the link is down."`
	Accept  []string `toml:"accept" eg:"[\"chat.field.net\"]" doc:"Who may join this room: rooms of other nodes, or the domain of their rooms, as in chat.field.net; \"*\": any room of our peers."`
	History string   `toml:"history" doc:"At the first contact: how many of the other room's lines are asked for, as in \"20\", or \"none\", or \"since\": twenty, and afterwards all since the last one."`
	LastN   int      `toml:"last_n" doc:"When the sides are brought level: at most so many of the last lines of each. 0: all."`
	Watch   bool     `toml:"watch" doc:"Stay joined while nobody is in the room here, so that its archive goes on growing. It costs air time for lines that nobody reads yet."`
}

// Values of RoomFederation.
const (
	ModePP = "pp" // primary-primary
	ModePR = "pr" // primary-replica

	HistorySince = "since"
	HistoryNone  = "none"

	// Everyone stands for all users of this node in Autojoin, and for all rooms of peers in Accept.
	Everyone = "*"
)

// PeerFederation is what the federation of rooms needs to know of a peer.
type PeerFederation struct {
	Domains     []string      `toml:"domains" eg:"[\"chat.field.net\"]" doc:"Of its domains, those where rooms live; what comes from elsewhere is no room's. Default: those that end in another of them, as chat.field.net beside field.net, or that begin as rooms do, as chat., conference., muc. or rooms."`
	HonourKicks bool          `toml:"honour_kicks" doc:"Who is removed from a federated room over there leaves it here, too."`
	Foreign     bool          `toml:"foreign" doc:"The peer runs another server, as Openfire, which knows the standard only: it is not offered what only Longwire knows, and a room whose state there is in doubt is left and joined anew. Without it that is found out at the first contact."`
	LastN       int           `toml:"last_n" doc:"At most so many of the last lines of a room are sent to bring this peer level, whatever the room says. 0: no limit."`
	Stale       time.Duration `toml:"stale" doc:"After this long without the link the people in a room are told so, once. With a link of type s5066 the default is 30m."`
	JoinTimeout time.Duration `toml:"join_timeout" doc:"How long a room that joins one over there waits for the answer. Default: twice the lifetime of iq."`
}

func (r *Room) setDefaults() {
	*r = Room{Nick: "{user}", Archive: true, History: defaultHistory, Federation: DefaultRoomFederation()}
}

// DefaultRoomFederation is the federation of a room of which nothing is known: there is none.
func DefaultRoomFederation() RoomFederation {
	return RoomFederation{Mode: ModePP, History: HistorySince}
}

// defaultHistory is how many lines servers commonly show to who joins.
const defaultHistory = 20

func defaultRooms() Rooms {
	return Rooms{
		// Choice: users of peers do not make rooms here, as they have a node of their own, and rooms made across a bad link are rooms that
		// stop with it.
		Create:          CreateLocal,
		MaxRooms:        1000,
		MaxRoomsPerUser: 50,
		MaxOccupants:    1000,
		Defaults:        RoomDefaults{Archive: true, History: defaultHistory},
		// Choice: on for the node and off for each room, so that one act federates a room and one act stops all.
		Federation: Federation{Enabled: true, Settle: time.Minute},
	}
}

// Values of Rooms.Create.
const (
	CreateAnyone = "anyone"
	CreateLocal  = "local"
	CreateNobody = "nobody"
)

// Declared finds a declared room by its full address, nil if there is none.
func (c *Config) Declared(address string) *Room {
	if i := c.declaredRoom(address); i >= 0 {
		return &c.Rooms[i]
	}
	return nil
}

func (c *Config) declaredRoom(address string) int {
	return slices.IndexFunc(c.Rooms, func(r Room) bool { return r.Address == address })
}

// RoomSays tells whether the file says something about a key of a declared room, as "moderated". What it does not say is the owners' to
// decide once the room is made.
func (c *Config) RoomSays(address, key string) bool {
	i := c.declaredRoom(address)
	return i >= 0 && c.set("room["+strconv.Itoa(i)+"]."+key)
}

// OurDomains are all domains of this node: those of accounts, then those of rooms.
func (c *Config) OurDomains() []string { return slices.Concat(c.Domains, c.RoomService.Domains) }

// RoomsOf is the peer whose rooms live at a domain, nil if there is none.
func (c *Config) RoomsOf(domain string) *Peer {
	if p := c.peerOf(domain); p != nil && slices.Contains(p.Federation.Domains, domain) {
		return p
	}
	return nil
}

// NickOf is what a user is called in a room that their client enters by itself.
func (r *Room) NickOf(user jid.JID) string { return strings.ReplaceAll(r.Nick, "{user}", user.Local()) }

// AutojoinFor tells whether a user's clients enter the room by themselves.
func (r *Room) AutojoinFor(user jid.JID) bool {
	return slices.Contains(r.Autojoin, Everyone) || slices.Contains(r.Autojoin, user.Bare().String())
}

// Enabled tells whether the room takes part in federation at all.
func (f *RoomFederation) Enabled() bool { return f.With != "" || len(f.Accept) > 0 }

// resolveRooms fills in the rooms domains and what declared rooms do not say, and brings addresses to their full, normal form. What is no
// address stays as it is, for check to name.
func (c *Config) resolveRooms() {
	s := &c.RoomService
	if len(s.Domains) == 0 && !c.set("rooms.domains") {
		s.Domains = c.usualRooms()
	}
	normalise(s.Domains)
	for i := range c.Peers {
		p := &c.Peers[i]
		if normalise(p.Federation.Domains); !c.set("peer[" + strconv.Itoa(i) + "].federation.domains") {
			p.Federation.Domains = roomsOf(p.Domains)
		}
	}
	for i := range c.Rooms {
		r, at := &c.Rooms[i], "room["+strconv.Itoa(i)+"]."
		r.Address = address(r.Address, s.Domains)
		r.inherit(s.Defaults, func(key string) bool { return c.set(at + key) })
		for _, list := range [][]string{r.Owners, r.Admins, r.Members, r.Outcasts, r.Autojoin} {
			for j, who := range list {
				list[j] = c.Person(who)
			}
		}
		r.Federation.With = address(r.Federation.With, nil)
		for j, who := range r.Federation.Accept {
			r.Federation.Accept[j] = address(who, nil)
		}
	}
}

// usualRooms are the rooms domains of a config that names none. Who uses such a name already has no rooms there.
func (c *Config) usualRooms() (list []string) {
	for _, d := range c.Domains {
		usual := usualRooms(d)
		taken := func(p Peer) bool { return slices.Contains(p.Domains, usual) }
		if usual != "" && !slices.Contains(list, usual) && !slices.Contains(c.Domains, usual) && !slices.ContainsFunc(c.Peers, taken) {
			list = append(list, usual)
		}
	}
	return list
}

// usualRooms is where the rooms of a domain usually are; "" if it is an address of IP.
func usualRooms(domain string) string {
	j, err := jid.Parse("chat." + domain)
	if err != nil || j.Local() != "" || j.Resource() != "" || !validHost("chat."+domain) && domain != "localhost" {
		return ""
	}
	return j.Domain()
}

func (r *Room) inherit(d RoomDefaults, says func(key string) bool) {
	for _, b := range []struct {
		key  string
		to   *bool
		from bool
	}{
		{"hidden", &r.Hidden, d.Hidden}, {"members_only", &r.MembersOnly, d.MembersOnly}, {"moderated", &r.Moderated, d.Moderated},
		{"non_anonymous", &r.NonAnonymous, d.NonAnonymous}, {"change_subject", &r.ChangeSubject, d.ChangeSubject}, {"archive", &r.Archive, d.Archive},
	} {
		if !says(b.key) {
			*b.to = b.from
		}
	}
	if !says("history") {
		r.History = d.History
	}
}

// address completes a name with the first of some domains, and brings it to its normal form if it is an address without resource.
func address(text string, domains []string) string {
	full := text
	if text != "" && len(domains) > 0 && !strings.ContainsAny(text, "@/") {
		full += "@" + domains[0]
	}
	if j, err := jid.Parse(full); err == nil && j.Resource() == "" {
		return j.String()
	}
	return text
}

// Person completes a user's name, unless it is a domain: one with a dot, or one that we or a peer have.
func (c *Config) Person(text string) string {
	domain := strings.ContainsAny(text, ".:") || slices.Contains(c.OurDomains(), text) || c.peerOf(text) != nil
	if domain || text == Everyone {
		return address(text, nil)
	}
	return address(text, c.Domains)
}

// roomsOf is where the rooms of a peer that says nothing about it are.
func roomsOf(domains []string) (list []string) {
	for _, d := range domains {
		label, rest, _ := strings.Cut(d, ".")
		if slices.Contains([]string{"chat", "conference", "muc", "rooms"}, label) && rest != "" ||
			slices.ContainsFunc(domains, func(o string) bool { return strings.HasSuffix(d, "."+o) }) {
			list = append(list, d)
		}
	}
	return list
}

// peerOf is the peer that has a domain, nil if none has.
func (c *Config) peerOf(domain string) *Peer {
	if i := slices.IndexFunc(c.Peers, func(p Peer) bool { return slices.Contains(p.Domains, domain) }); i >= 0 {
		return &c.Peers[i]
	}
	return nil
}
