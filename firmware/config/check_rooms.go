package config

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"longwire/xmpp/jid"
)

// roomService checks [rooms] and [archive].
func (k *checker) roomService() {
	s := &k.c.RoomService
	k.domains("rooms.domains", s.Domains)
	for i, d := range s.Domains {
		if slices.Contains(k.c.Domains, d) {
			k.bad(fmt.Sprintf("rooms.domains[%d]", i), "give the rooms a domain of their own, as chat."+d, "%s is a domain of accounts%s", d, k.on("domains"))
		}
	}
	k.oneOf("rooms.create", s.Create, CreateAnyone, CreateLocal, CreateNobody)
	k.number("rooms.max_rooms", s.MaxRooms, 1, 1e6)
	k.number("rooms.max_rooms_per_user", s.MaxRoomsPerUser, 1, 1e6)
	k.number("rooms.max_occupants", s.MaxOccupants, 1, 1e5)
	k.number("rooms.defaults.history", s.Defaults.History, 0, maxHistory)
	k.duration("rooms.federation.settle", s.Federation.Settle, time.Second, day)
	a := &k.c.Archive
	k.archive("archive", ArchiveLimits{a.MaxMessages, a.MaxSize, a.MaxAge})
	k.archive("archive.rooms", a.Rooms)
}

// maxHistory bounds what one join may cost; a client that wants more asks the archive.
const maxHistory = 200

func (k *checker) archive(at string, l ArchiveLimits) {
	k.number(at+".max_messages", l.MaxMessages, 0, 1e8)
	k.size(at+".max_size", l.MaxSize, 0, 1<<40)
	k.duration(at+".max_age", l.MaxAge, 0, 36500*day)
}

// rooms checks [[room]].
func (k *checker) rooms() {
	first := make(map[string]int)
	for i := range k.c.Rooms {
		r, at := &k.c.Rooms[i], fmt.Sprintf("room[%d]", i)
		if k.roomAddress(at+".address", r.Address) {
			if other, twice := first[r.Address]; twice {
				k.bad(at+".address", "join the two", "%s is declared already%s", r.Address, k.on(fmt.Sprintf("room[%d].address", other)))
			} else {
				first[r.Address] = i
			}
		}
		k.number(at+".history", r.History, 0, maxHistory)
		k.number(at+".max_occupants", r.MaxOccupants, 0, 1e5)
		k.text(at+".title", r.Title, 200)
		k.text(at+".description", r.Description, 2000)
		k.text(at+".subject", r.Subject, 2000)
		k.text(at+".password", r.Password, 200)
		k.affiliations(at, r)
		k.autojoin(at, r)
		k.federation(at, r)
	}
}

func (k *checker) roomAddress(path, text string) bool {
	j, err := jid.Parse(text)
	switch {
	case text == "":
		k.bad(path, `write it as in address = "ops"`, "it has no address")
	case len(k.c.RoomService.Domains) == 0:
		k.bad(path, `name one, as in domains = ["chat.field.net"] below [rooms]`, "this node has no domain for rooms")
	case err != nil || j.Local() == "" || j.Resource() != "":
		k.bad(path, "write it as in ops, or ops@chat.field.net", "%q is not a room's address", text)
	case !slices.Contains(k.c.RoomService.Domains, j.Domain()):
		k.bad(path, "ours are: "+strings.Join(k.c.RoomService.Domains, ", "), "%s is not a domain of this node's rooms", j.Domain())
	default:
		return true
	}
	return false
}

func (k *checker) text(path, text string, most int) {
	if len(text) > most {
		k.bad(path, fmt.Sprintf("use at most %d bytes", most), "it has %d bytes", len(text))
	}
}

// affiliations: each is somebody's, and everybody has one.
func (k *checker) affiliations(at string, r *Room) {
	seen := make(map[string]string)
	for _, l := range []struct {
		key  string
		list []string
	}{{"owners", r.Owners}, {"admins", r.Admins}, {"members", r.Members}, {"outcasts", r.Outcasts}} {
		for i, who := range l.list {
			path := fmt.Sprintf("%s.%s[%d]", at, l.key, i)
			if j, err := jid.Parse(who); err != nil || j.Resource() != "" || who == Everyone {
				k.bad(path, "write a user as in alice or alice@field.net, or a domain as in field.net", "%q is neither a user nor a domain", who)
			} else if other := seen[who]; other != "" {
				k.bad(path, "keep one of the two", "%s stands among the %s already", who, other)
			} else {
				seen[who] = l.key
			}
		}
	}
}

func (k *checker) autojoin(at string, r *Room) {
	for i, who := range r.Autojoin {
		path := fmt.Sprintf("%s.autojoin[%d]", at, i)
		j, err := jid.Parse(who)
		switch {
		case who == Everyone && len(r.Autojoin) > 1:
			k.bad(path, "keep it alone, or take it out", `"*" is everybody already`)
		case who == Everyone:
			if r.MembersOnly && !slices.ContainsFunc(k.c.Domains, func(d string) bool { return r.admits(d) }) {
				k.warn(path, fmt.Sprintf("add %q to its members, or name in autojoin who is one", first(k.c.Domains)), "room %s is for members only, and not everybody is one", r.Address)
			}
		case err != nil || j.Local() == "" || j.Resource() != "":
			k.bad(path, `write it as in alice, or alice@field.net, or "*" for all`, "%q is not a user's address", who)
		case !slices.Contains(k.c.Domains, j.Domain()):
			k.bad(path, "only users of this node get bookmarks; ours are: "+strings.Join(k.c.Domains, ", "), "%s is not a domain of this node", j.Domain())
		case r.MembersOnly && !r.admits(who) && !r.admits(j.Domain()):
			k.warn(path, "add them to its members", "room %s is for members only, and %s is none", r.Address, who)
		}
	}
	nick := strings.ReplaceAll(r.Nick, "{user}", "x")
	if j, err := jid.Parse("r@x/" + nick); err != nil || strings.TrimSpace(j.Resource()) != nick || nick == "" {
		k.bad(at+".nick", `write it as in "{user}", or "{user} HQ"`, "%q will not do as a nick", r.Nick)
	} else if r.Nick == nick && (len(r.Autojoin) > 1 || slices.Contains(r.Autojoin, Everyone)) {
		k.bad(at+".nick", "put {user} into it", "everybody would be called %q", r.Nick)
	}
}

func first(list []string) string {
	if len(list) == 0 {
		return ""
	}
	return list[0]
}

// admits tells whether the file lets a user, or a domain, into a room for members only.
func (r *Room) admits(who string) bool {
	return slices.Contains(r.Owners, who) || slices.Contains(r.Admins, who) || slices.Contains(r.Members, who)
}

func (k *checker) federation(at string, r *Room) {
	f, at := &r.Federation, at+".federation"
	k.oneOf(at+".mode", f.Mode, ModePP, ModePR)
	if n, err := strconv.Atoi(f.History); f.History != HistorySince && f.History != HistoryNone && (err != nil || n < 1 || n > maxHistory) {
		k.bad(at+".history", fmt.Sprintf(`write "since", "none", or a number from 1 to %d in quotes`, maxHistory), "%q is unknown", f.History)
	}
	k.number(at+".last_n", f.LastN, 0, 1e6)
	if f.With == "" {
		for _, key := range []string{"mode", "history", "watch"} {
			if k.c.set(at + "." + key) {
				k.bad(at+"."+key, `name the room that is joined, as in with = "ops@chat.headquarters.net", or take it out`, "it is for the side that joins, and room %s joins none", r.Address)
			}
		}
	} else {
		k.farRoom(at+".with", r, f.With)
	}
	for i, who := range f.Accept {
		k.accepted(fmt.Sprintf("%s.accept[%d]", at, i), r, who)
	}
	if f.Enabled() && !k.c.RoomService.Federation.Enabled {
		k.warn(at, "take out enabled = false below [rooms.federation], or this", "room %s is not federated, as no room of this node is%s", r.Address, k.on("rooms.federation.enabled"))
	}
}

// CheckFederation checks the federation of one of our rooms as if the file said it. Its error is Faults.
func (c *Config) CheckFederation(room string, f *RoomFederation) (warnings Faults, err error) {
	f.With = address(f.With, nil)
	for i, who := range f.Accept {
		f.Accept[i] = address(who, nil)
	}
	k := &checker{c: c}
	k.federation("", &Room{Address: room, Federation: *f})
	for _, list := range []Faults{k.faults, k.warnings} {
		for i := range list {
			list[i].Key = strings.TrimPrefix(list[i].Key, ".")
		}
	}
	if len(k.faults) > 0 {
		return k.warnings, k.faults
	}
	return k.warnings, c.CheckFolding(map[string]RoomFederation{room: *f})
}

// CheckFolding finds folding that would break rooms which are federated and do not stand in the file. Its error is Faults.
func (c *Config) CheckFolding(rooms map[string]RoomFederation) error {
	with := *c
	with.Rooms = slices.Clone(c.Rooms)
	for address, f := range rooms {
		with.Rooms = append(with.Rooms, Room{Address: address, Federation: f})
	}
	k := &checker{c: &with}
	for i := range c.Peers {
		if p := &c.Peers[i]; with.Federates(p) && !c.Federates(p) {
			k.peerFold(i)
		}
	}
	if len(k.faults) > 0 {
		tidy(c.File, k.faults)
		return k.faults
	}
	return nil
}

// farRoom checks the address of a room that ours joins, or that may join ours.
func (k *checker) farRoom(path string, r *Room, text string) {
	j, err := jid.Parse(text)
	if err != nil || j.Local() == "" || j.Resource() != "" {
		k.bad(path, "write it as in ops@chat.headquarters.net", "%q is not a room's address", text)
		return
	}
	k.farDomain(path, r, j.Domain())
}

// farDomain checks that the rooms of a domain and this room can reach each other.
func (k *checker) farDomain(path string, r *Room, domain string) {
	if slices.Contains(k.c.OurDomains(), domain) {
		k.bad(path, "name a room of another node; on this one people can enter the same room", "%s is a domain of this node", domain)
		return
	}
	p := k.c.peerOf(domain)
	if p == nil {
		k.bad(path, k.whosePeer(domain), "no peer has the domain %s", domain)
		return
	}
	i := slices.IndexFunc(k.c.Peers, func(q Peer) bool { return q.Name == p.Name })
	if !slices.Contains(p.Federation.Domains, domain) {
		switch rooms := p.Federation.Domains; {
		case len(rooms) > 0:
			k.bad(path, "its rooms are at: "+strings.Join(rooms, ", "), "peer %q has no rooms at %s", p.Name, domain)
		case usualRooms(domain) != "":
			k.bad(path, fmt.Sprintf("add the domain of its rooms to its domains%s, usually %q", k.on(fmt.Sprintf("peer[%d].domains", i)), usualRooms(domain)), "peer %q has no rooms at %s, as far as is known", p.Name, domain)
		default:
			k.bad(path, "name it in domains below [peer.federation]", "peer %q has no rooms at %s, as far as is known", p.Name, domain)
		}
		return
	}
	ours := ""
	if j, err := jid.Parse(r.Address); err == nil {
		ours = j.Domain()
	}
	if ours != "" && len(p.LocalDomains) > 0 && !slices.Contains(p.LocalDomains, ours) {
		k.bad(fmt.Sprintf("peer[%d].local_domains", i), fmt.Sprintf("add %q, or leave local_domains out", ours), "peer %q may not talk to %s, where room %s lives", p.Name, ours, r.Address)
	}
}

// whosePeer guesses which peer a rooms domain belongs to.
func (k *checker) whosePeer(domain string) string {
	for i, p := range k.c.Peers {
		for _, d := range p.Domains {
			if strings.HasSuffix(domain, "."+d) {
				return fmt.Sprintf("add %q to the domains of peer %q%s", domain, p.Name, k.on(fmt.Sprintf("peer[%d].domains", i)))
			}
		}
	}
	return fmt.Sprintf("add %q to the domains of the [[peer]] where that room lives", domain)
}

// accepted checks one of those who may join a room.
func (k *checker) accepted(path string, r *Room, who string) {
	j, err := jid.Parse(who)
	switch {
	case who == Everyone && len(r.Federation.Accept) > 1:
		k.bad(path, "keep it alone, or take it out", `"*" is every room already`)
	case who == Everyone:
		k.peersWithoutRooms(r)
	case err != nil || j.Resource() != "":
		k.bad(path, "write a room as in ops@chat.field.net, or the domain of rooms, as in chat.field.net", "%q is neither a room nor a domain", who)
	case who == r.Federation.With:
		k.bad(path, "leave it with one of the two, and mirror that on the other side", "room %s joins %s, which then cannot join it", r.Address, who)
	case j.Local() != "":
		k.farRoom(path, r, who)
	default:
		k.farDomain(path, r, who)
	}
}

// peersWithoutRooms warns of peers whose rooms would be taken for a stranger's.
func (k *checker) peersWithoutRooms(r *Room) {
	for i, p := range k.c.Peers {
		if len(p.Federation.Domains) == 0 && !k.c.set(fmt.Sprintf("peer[%d].federation.domains", i)) && usualRooms(first(p.Domains)) != "" {
			k.warn(fmt.Sprintf("peer[%d].domains", i), fmt.Sprintf("add the domain of its rooms, usually %q", usualRooms(p.Domains[0])),
				"no room of peer %q can join room %s, as its rooms are not among its domains", p.Name, r.Address)
		}
	}
}

// peerFederation checks [peer.federation].
func (k *checker) peerFederation(i int) {
	f, at := &k.c.Peers[i].Federation, fmt.Sprintf("peer[%d].federation", i)
	for j, d := range f.Domains {
		if !slices.Contains(k.c.Peers[i].Domains, d) {
			k.bad(fmt.Sprintf("%s.domains[%d]", at, j), "add it to the peer's domains, too", "%s is not a domain of peer %q", d, k.c.Peers[i].Name)
		}
	}
	k.number(at+".last_n", f.LastN, 0, 1e6)
	k.duration(at+".stale", f.Stale, time.Second, 365*day)
	k.duration(at+".join_timeout", f.JoinTimeout, time.Second, 365*day)
}
