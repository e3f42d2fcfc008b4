package light

import (
	"math/bits"

	"longwire/links/codec/arith"
)

// Chances that do not move, in 65536ths, counted over the data that ships ("codec train"). By class: 1 is text, 0 everything else.
var (
	chanceQuote = [2]uint32{32768, 4000} // that a quotation comes, not a byte
	chanceAgain = [2]uint32{32768, 8192} // of it, that it is as far away as the one before in the stanza
	chanceBook  = [2]uint32{8192, 32768} // or else that it is of the dictionary, not of the stream
)

// Numbers from 1 up are said by how many bits they have, in unary, each step with its own chance that there are more; and the bits below the
// first, which are even.
type number [16]uint32

var (
	lengths = [2]number{
		{50000, 45000, 40000, 30000, 20000, 8000, 8000, 8000, 8000, 8000, 8000, 8000, 8000, 8000, 8000, 8000},
		{40000, 36000, 30000, 20000, 8000, 8000, 8000, 8000, 8000, 8000, 8000, 8000, 8000, 8000, 8000, 8000},
	}
	ages   = number{65000, 65000, 64000, 63000, 62000, 61000, 60000, 58000, 55000, 50000, 45000, 40000, 36000, 30000, 20000, 8000} // of quotations of the stream
	places = number{65000, 65000, 64000, 63000, 62000, 61000, 60000, 58000, 55000, 50000, 45000, 40000, 36000, 30000, 20000, 8000} // of quotations of the dictionary
)

// A tariff is what numbers of so many bits cost.
type tariff [16]uint32

// Tariffs of the numbers.
var (
	lengthTariff = [2]tariff{lengths[0].tariff(), lengths[1].tariff()}
	ageTariff    = ages.tariff()
	placeTariff  = places.tariff()
)

func (p *number) tariff() (t tariff) {
	for k := range t {
		t[k] = p.cost(k)
	}
	return t
}

// price of a number.
func (t *tariff) price(n int) uint32 { return t[bits.Len16(uint16(n))-1] }

// cost of a number of k+1 bits.
func (p *number) cost(k int) (cost uint32) {
	for i := range k {
		cost += price(1, p[i])
	}
	return cost + price(0, p[k]) + uint32(k)*bit
}

// plan appends the choices that say n.
func (p *number) plan(n int, out []arith.Choice) []arith.Choice {
	k := bits.Len(uint(n)) - 1
	for i := range k {
		out = append(out, arith.Choose(1, p[i]))
	}
	out = append(out, arith.Choose(0, p[k]))
	for i := k - 1; i >= 0; i-- {
		out = append(out, arith.Choose(n>>i&1, even))
	}
	return out
}

// read is a number that d says; of more than 16 bits there is none.
func (p *number) read(d *arith.Decoder) (n int, ok bool) {
	k := 0
	for d.Decode(p[k]) == 1 {
		if k++; k == len(p) {
			return 0, false
		}
	}
	n = 1
	for range k {
		n = n<<1 | d.Decode(even)
	}
	return n, true
}
