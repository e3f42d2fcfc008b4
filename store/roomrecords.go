package store

type roomRecord struct {
	head
	JID           string        `cbor:"1,keyasint"`
	Created       int64         `cbor:"2,keyasint,omitempty"`
	Name          string        `cbor:"3,keyasint,omitempty"`
	Description   string        `cbor:"4,keyasint,omitempty"`
	Lang          string        `cbor:"5,keyasint,omitempty"`
	Persistent    bool          `cbor:"6,keyasint,omitempty"`
	Hidden        bool          `cbor:"7,keyasint,omitempty"`
	MembersOnly   bool          `cbor:"8,keyasint,omitempty"`
	Moderated     bool          `cbor:"9,keyasint,omitempty"`
	NonAnonymous  bool          `cbor:"10,keyasint,omitempty"`
	Password      string        `cbor:"11,keyasint,omitempty"`
	ChangeSubject bool          `cbor:"12,keyasint,omitempty"`
	MembersInvite bool          `cbor:"13,keyasint,omitempty"`
	AllowPM       string        `cbor:"14,keyasint,omitempty"`
	MaxUsers      int           `cbor:"15,keyasint,omitempty"`
	Broadcast     *[]string     `cbor:"16,keyasint,omitempty"` // nil and none are different
	MemberList    *[]string     `cbor:"17,keyasint,omitempty"`
	NoArchive     bool          `cbor:"18,keyasint,omitempty"`
	History       int           `cbor:"19,keyasint,omitempty"`
	Contacts      []string      `cbor:"20,keyasint,omitempty"`
	Subject       []byte        `cbor:"21,keyasint,omitempty"`
	SubjectBy     string        `cbor:"22,keyasint,omitempty"`
	SubjectAt     int64         `cbor:"23,keyasint,omitempty"`
	Secret        []byte        `cbor:"24,keyasint,omitempty"`
	Declared      bool          `cbor:"25,keyasint,omitempty"`
	Locked        bool          `cbor:"26,keyasint,omitempty"`
	Gone          bool          `cbor:"27,keyasint,omitempty"`
	Alternate     string        `cbor:"28,keyasint,omitempty"`
	Reason        string        `cbor:"29,keyasint,omitempty"`
	Fed           roomFedRecord `cbor:"30,keyasint,omitzero"`
	Creator       string        `cbor:"31,keyasint,omitempty"`
}

// roomFedRecord is part of roomRecord and shares its version.
type roomFedRecord struct {
	Enabled bool     `cbor:"1,keyasint,omitempty"`
	Node    string   `cbor:"2,keyasint,omitempty"`
	Mode    string   `cbor:"3,keyasint,omitempty"`
	Allow   []string `cbor:"4,keyasint,omitempty"`
	History string   `cbor:"5,keyasint,omitempty"`
	Watch   bool     `cbor:"6,keyasint,omitempty"`
	LastN   int      `cbor:"7,keyasint,omitempty"`
}

type roomMemberRecord struct {
	head
	JID         string `cbor:"1,keyasint"`
	Affiliation string `cbor:"2,keyasint,omitempty"`
	Nick        string `cbor:"3,keyasint,omitempty"`
	Reason      string `cbor:"4,keyasint,omitempty"`
	Declared    bool   `cbor:"5,keyasint,omitempty"`
}

func roomRecordOf(r Room) roomRecord {
	return roomRecord{
		head: v1, JID: r.JID, Created: nanos(r.Created), Name: r.Name, Description: r.Description, Lang: r.Lang,
		Persistent: r.Persistent, Hidden: r.Hidden, MembersOnly: r.MembersOnly, Moderated: r.Moderated, NonAnonymous: r.NonAnonymous,
		Password: r.Password, ChangeSubject: r.ChangeSubject, MembersInvite: r.MembersInvite, AllowPM: r.AllowPM, MaxUsers: r.MaxUsers,
		Broadcast: orNone(r.Broadcast), MemberList: orNone(r.MemberList), NoArchive: r.NoArchive, History: r.History, Contacts: r.Contacts,
		Subject: r.Subject, SubjectBy: r.SubjectBy, SubjectAt: nanos(r.SubjectAt), Secret: r.Secret, Declared: r.Declared, Locked: r.Locked,
		Gone: r.Gone, Alternate: r.Alternate, Reason: r.Reason, Fed: roomFedRecord(r.Fed), Creator: r.Creator,
	}
}

func (r roomRecord) room() Room {
	return Room{
		JID: r.JID, Created: fromNanos(r.Created), Name: r.Name, Description: r.Description, Lang: r.Lang,
		Persistent: r.Persistent, Hidden: r.Hidden, MembersOnly: r.MembersOnly, Moderated: r.Moderated, NonAnonymous: r.NonAnonymous,
		Password: r.Password, ChangeSubject: r.ChangeSubject, MembersInvite: r.MembersInvite, AllowPM: r.AllowPM, MaxUsers: r.MaxUsers,
		Broadcast: listOf(r.Broadcast), MemberList: listOf(r.MemberList), NoArchive: r.NoArchive, History: r.History, Contacts: r.Contacts,
		Subject: r.Subject, SubjectBy: r.SubjectBy, SubjectAt: fromNanos(r.SubjectAt), Secret: r.Secret, Declared: r.Declared, Locked: r.Locked,
		Gone: r.Gone, Alternate: r.Alternate, Reason: r.Reason, Fed: RoomFed(r.Fed), Creator: r.Creator,
	}
}

// orNone and listOf keep a list that is empty on purpose apart from one that is not there.
func orNone(list []string) *[]string {
	if list == nil {
		return nil
	}
	return &list
}

func listOf(p *[]string) []string {
	switch {
	case p == nil:
		return nil
	case *p == nil:
		return []string{}
	}
	return *p
}

func roomMemberRecordOf(m RoomMember) roomMemberRecord {
	return roomMemberRecord{head: v1, JID: m.JID, Affiliation: m.Affiliation, Nick: m.Nick, Reason: m.Reason, Declared: m.Declared}
}

func (r roomMemberRecord) member() RoomMember {
	return RoomMember{JID: r.JID, Affiliation: r.Affiliation, Nick: r.Nick, Reason: r.Reason, Declared: r.Declared}
}
