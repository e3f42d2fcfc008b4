package markup

// Name is an element's or attribute's expanded name.
// Space "" is the content namespace of the stream (jabber:client and jabber:server alike) for elements,
// and no namespace for attributes. An element in no namespace (xmlns=”) has NoNamespace. Inside an element of another
// namespace the content namespace has to be named, as in <forwarded/>: read apart from its stream, such an element has
// the Space jabber:client or jabber:server that it was given.
type Name struct{ Space, Local string }

// An Attr is one attribute that is no namespace declaration. Value is unescaped.
type Attr struct {
	Name  Name
	Value string
}

// An Element is a small tree, for the few children a service reads. Text is the character data directly inside,
// concatenated. Raw is the element as serialised, standing alone (it declares every prefix it uses); elements more
// than eight generations below the one that was parsed have none.
type Element struct {
	Name     Name
	Attrs    []Attr
	Children []*Element
	Text     string
	Raw      []byte
}

// Attr returns the value of the attribute without namespace called local, "" if absent.
func (e *Element) Attr(local string) string {
	for i := range e.Attrs {
		if e.Attrs[i].Name.Space == "" && e.Attrs[i].Name.Local == local {
			return e.Attrs[i].Value
		}
	}
	return ""
}

// HasAttr tells whether the attribute is there, empty or not.
func (e *Element) HasAttr(local string) bool {
	for i := range e.Attrs {
		if e.Attrs[i].Name.Space == "" && e.Attrs[i].Name.Local == local {
			return true
		}
	}
	return false
}

// Child returns the first direct child with that name, nil if there is none.
func (e *Element) Child(space, local string) *Element {
	if e == nil {
		return nil
	}
	for _, c := range e.Children {
		if c.Name.Local == local && c.Name.Space == space {
			return c
		}
	}
	return nil
}
