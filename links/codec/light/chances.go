package light

import (
	"math/bits"

	"longwire/links/codec/arith"
)

// Chances that do not move, in 65536ths, counted over the data that ships. By class: 1 is text, 0 everything else.
var (
	chanceQuote = [2]uint32{13000, 4000}  // that a quotation comes, not a byte
	chanceAgain = [2]uint32{13800, 5100}  // of it, that it is as far away as the one before in the stanza
	chanceBook  = [2]uint32{14500, 16400} // or else that it is of the dictionary, not of the stream; of an empty stream there is none
)

// Numbers from 1 up are said by how many bits they have, in unary, each step with its own chance that there are more; and the bits below the
// first, which are even.
type number [16]uint32

var (
	lengths = [2]number{
		{57300, 48000, 48300, 37600, 44700, 21300, 4700, 2000, 2000, 2000, 2000, 2000, 2000, 2000, 2000, 2000},
		{64000, 61000, 47300, 16700, 16400, 6000, 2000, 2000, 2000, 2000, 2000, 2000, 2000, 2000, 2000, 2000},
	}
	ages   = number{65400, 65300, 64700, 63550, 64200, 62370, 61150, 60300, 56700, 52670, 44800, 36900, 25850, 13300, 3000, 2000} // of quotations of the stream
	places = number{65400, 65500, 65500, 65400, 65400, 65400, 65300, 65200, 65000, 63460, 61370, 53600, 44440, 300, 300, 300}     // of quotations of the dictionary
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
