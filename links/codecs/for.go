package codecs

import (
	"longwire/links/codec"
	"longwire/links/codec/light"
)

// For are the methods with which a peer is met, the best first: mix, or light and less, with what both sides were provisioned with, and without it. Both
// links between Longwire nodes have them.
func For(best Kind, p codec.Provision) (all []Method, err error) {
	var lores []Method
	if best == Mix {
		base := codec.Base()
		own, err := base.With(p)
		if err != nil {
			return nil, err
		}
		lores = append(lores, mixed(own), mixed(base))
	}
	if best != Raw {
		base := light.Base()
		own, err := base.With(p)
		if err != nil {
			return nil, err
		}
		lores = append(lores, lit(own), lit(base))
	}
	all = []Method{}
	for i, m := range lores {
		if i == 0 || m.Codec != lores[i-1].Codec {
			all = append(all, m)
		}
	}
	return all, nil
}

func mixed(l *codec.Lore) Method {
	return Method{Codec: Codec{Mix, l.ID()}, New: func() Model { return l.Model() }, Canonical: codec.Canonical}
}

func lit(l *light.Lore) Method {
	return Method{Codec: Codec{Light, l.ID()}, New: func() Model { return l.Model() }, Canonical: codec.Canonical}
}
