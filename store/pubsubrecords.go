package store

type pubsubRecord struct {
	head
	Last  uint64 `cbor:"1,keyasint,omitempty"` // last number given to an item
	Nodes int    `cbor:"2,keyasint,omitempty"`
	Items int    `cbor:"3,keyasint,omitempty"`
	Bytes int64  `cbor:"4,keyasint,omitempty"`
}

type pubsubNodeRecord struct {
	head
	Created       int64    `cbor:"1,keyasint,omitempty"`
	Items         int      `cbor:"2,keyasint,omitempty"`
	Bytes         int64    `cbor:"3,keyasint,omitempty"`
	Access        string   `cbor:"4,keyasint,omitempty"`
	Groups        []string `cbor:"5,keyasint,omitempty"`
	SendLast      string   `cbor:"6,keyasint,omitempty"`
	MaxItems      int      `cbor:"7,keyasint,omitempty"`
	MaxBytes      int      `cbor:"8,keyasint,omitempty"`
	Transient     bool     `cbor:"9,keyasint,omitempty"`
	Silent        bool     `cbor:"10,keyasint,omitempty"`
	NoPayload     bool     `cbor:"11,keyasint,omitempty"`
	NotifyRetract bool     `cbor:"12,keyasint,omitempty"`
	NotifyDelete  bool     `cbor:"13,keyasint,omitempty"`
	NotifyConfig  bool     `cbor:"14,keyasint,omitempty"`
	Normal        bool     `cbor:"15,keyasint,omitempty"`
	Title         string   `cbor:"16,keyasint,omitempty"`
	Description   string   `cbor:"17,keyasint,omitempty"`
	Type          string   `cbor:"18,keyasint,omitempty"`
}

type pubsubItemRecord struct {
	head
	ID        string `cbor:"1,keyasint"`
	Publisher string `cbor:"2,keyasint,omitempty"`
	Published int64  `cbor:"3,keyasint,omitempty"`
	Payload   []byte `cbor:"4,keyasint,omitempty"`
}

type pubsubSubRecord struct {
	head
	Since int64 `cbor:"1,keyasint,omitempty"`
}

func pubsubNodeRecordOf(n PubsubNode) pubsubNodeRecord {
	c := n.Config
	return pubsubNodeRecord{
		head: v1, Created: nanos(n.Created), Items: n.Items, Bytes: n.Bytes,
		Access: c.Access, Groups: c.Groups, SendLast: c.SendLast, MaxItems: c.MaxItems, MaxBytes: c.MaxBytes,
		Transient: c.Transient, Silent: c.Silent, NoPayload: c.NoPayload, NotifyRetract: c.NotifyRetract,
		NotifyDelete: c.NotifyDelete, NotifyConfig: c.NotifyConfig, Normal: c.Normal,
		Title: c.Title, Description: c.Description, Type: c.Type,
	}
}

func (r pubsubNodeRecord) node(name string) PubsubNode {
	return PubsubNode{
		Node: name, Created: fromNanos(r.Created), Items: r.Items, Bytes: r.Bytes,
		Config: PubsubConfig{
			Access: r.Access, Groups: r.Groups, SendLast: r.SendLast, MaxItems: r.MaxItems, MaxBytes: r.MaxBytes,
			Transient: r.Transient, Silent: r.Silent, NoPayload: r.NoPayload, NotifyRetract: r.NotifyRetract,
			NotifyDelete: r.NotifyDelete, NotifyConfig: r.NotifyConfig, Normal: r.Normal,
			Title: r.Title, Description: r.Description, Type: r.Type,
		},
	}
}

func (r pubsubItemRecord) item() PubsubItem {
	return PubsubItem{r.ID, r.Publisher, fromNanos(r.Published), r.Payload}
}
