package host

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// table is the name of ours; other tables are not touched.
const table = "longwire"

// rulesTime bounds what the kernel may take to answer. Without nf_tables it answers once to many questions, and the library would wait
// for the rest.
const rulesTime = 5 * time.Second

// Set makes the rules the kernel's, all at once: connections see the old ones or the new ones, and after an error the old ones stay.
func (r Rules) Set() error {
	c, err := nftables.New(nftables.WithSockOptions(func(c *netlink.Conn) error { return c.SetDeadline(time.Now().Add(rulesTime)) }))
	if err != nil {
		return fmt.Errorf("host: firewall: %w", err)
	}
	r.batch(c)
	err = c.Flush()
	switch {
	case errors.Is(err, unix.EPERM):
		return fmt.Errorf("host: firewall: %w: only root may", err)
	case err != nil:
		return fmt.Errorf("host: firewall: %w: has the kernel nf_tables, nft_ct and nf_conntrack?", err)
	}
	return nil
}

// batch is the transaction: our table goes, if it is there, and comes anew.
func (r Rules) batch(c *nftables.Conn) {
	t := &nftables.Table{Name: table, Family: nftables.TableFamilyINet}
	c.AddTable(t) // so that there is one to delete
	c.DelTable(t)
	if r.Off {
		return
	}
	c.AddTable(t)
	drop := nftables.ChainPolicyDrop
	// A kit is no router.
	c.AddChain(&nftables.Chain{Name: "forward", Table: t, Type: nftables.ChainTypeFilter, Hooknum: nftables.ChainHookForward,
		Priority: nftables.ChainPriorityFilter, Policy: &drop})
	input := c.AddChain(&nftables.Chain{Name: "input", Table: t, Type: nftables.ChainTypeFilter, Hooknum: nftables.ChainHookInput,
		Priority: nftables.ChainPriorityFilter, Policy: &drop})
	for _, rule := range r.rules() {
		c.AddRule(&nftables.Rule{Table: t, Chain: input, Exprs: rule})
	}
}

// rules are those of the input chain, in order; what none of them accepts is dropped. nft(8) has the words used here.
func (r Rules) rules() [][]expr.Any {
	rules := [][]expr.Any{
		accept(iifname("lo")), // iifname lo
		accept(ctState(expr.CtStateBitESTABLISHED | expr.CtStateBitRELATED)), // ct state established,related
		verdict(expr.VerdictDrop, ctState(expr.CtStateBitINVALID)),
	}
	for _, kind := range icmpTypes {
		rules = append(rules, accept(l4proto(unix.IPPROTO_ICMP), transport(0, 1), equal(kind)))
	}
	for _, kind := range icmpv6Types {
		rules = append(rules, accept(l4proto(unix.IPPROTO_ICMPV6), transport(0, 1), equal(kind)))
	}
	rules = append(rules,
		accept(l4proto(unix.IPPROTO_UDP), ports(67, 68)),   // RFC 2131 §4.1: server to client
		accept(l4proto(unix.IPPROTO_UDP), ports(547, 546)), // RFC 8415 §7.2: the same of DHCPv6; the answer comes from another address than was asked
	)
	for _, name := range r.ServeDHCP {
		rules = append(rules, accept(iifname(name), l4proto(unix.IPPROTO_UDP), dport(67)))
	}
	for _, p := range r.Ports {
		proto := byte(unix.IPPROTO_TCP)
		if p.Protocol == UDP {
			proto = unix.IPPROTO_UDP
		}
		rules = append(rules, accept(to(p), l4proto(proto), dport(p.Number)))
	}
	return rules
}

type part = []expr.Any

func verdict(kind expr.VerdictKind, parts ...part) (rule part) {
	for _, p := range parts {
		rule = append(rule, p...)
	}
	return append(rule, &expr.Verdict{Kind: kind})
}

func accept(parts ...part) part { return verdict(expr.VerdictAccept, parts...) }

func equal(b ...byte) part { return part{&expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: b}} }

func iifname(name string) part {
	padded := make([]byte, unix.IFNAMSIZ)
	copy(padded[:len(padded)-1], name)
	return append(part{&expr.Meta{Key: expr.MetaKeyIIFNAME, Register: 1}}, equal(padded...)...)
}

func l4proto(proto byte) part {
	return append(part{&expr.Meta{Key: expr.MetaKeyL4PROTO, Register: 1}}, equal(proto)...)
}

func ctState(bits uint32) part {
	return part{
		&expr.Ct{Key: expr.CtKeySTATE, Register: 1},
		&expr.Bitwise{SourceRegister: 1, DestRegister: 1, Len: 4, Mask: binary.NativeEndian.AppendUint32(nil, bits), Xor: make([]byte, 4)},
		&expr.Cmp{Op: expr.CmpOpNeq, Register: 1, Data: make([]byte, 4)},
	}
}

// transport loads bytes of the transport header.
func transport(offset, size uint32) part {
	return part{&expr.Payload{DestRegister: 1, Base: expr.PayloadBaseTransportHeader, Offset: offset, Len: size}}
}

// dport is where a segment or datagram goes to: bytes 2 and 3 of TCP's and of UDP's header.
func dport(n uint16) part {
	return append(transport(2, 2), equal(binary.BigEndian.AppendUint16(nil, n)...)...)
}

// ports are both ends.
func ports(from, to uint16) part {
	return append(transport(0, 4), equal(binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16(nil, from), to)...)...)
}

// to is our address, for a port that is not open at all of them.
func to(p Port) part {
	if !p.Address.IsValid() {
		return nil
	}
	family, offset := byte(unix.NFPROTO_IPV4), uint32(16) // RFC 791 §3.1: the destination is the fifth word
	if p.Address.Is6() {
		family, offset = unix.NFPROTO_IPV6, 24 // RFC 8200 §3
	}
	address := p.Address.AsSlice()
	rule := append(part{&expr.Meta{Key: expr.MetaKeyNFPROTO, Register: 1}}, equal(family)...)
	rule = append(rule, &expr.Payload{DestRegister: 1, Base: expr.PayloadBaseNetworkHeader, Offset: offset, Len: uint32(len(address))})
	return append(rule, equal(address...)...)
}
