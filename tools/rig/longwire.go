package rig

import (
	"context"
	"errors"
)

// A Node is a Longwire node.
type Node struct {
	process
	Bin, Dir, IP, Domain string
	Open                 bool // clients may log in without TLS
}

// Name is "longwire".
func (n *Node) Name() string { return "longwire" }

func (n *Node) Prepare() error                          { return errors.New("not yet") }
func (n *Node) Start(ctx context.Context) error         { return errors.New("not yet") }
func (n *Node) AddUsers(context.Context, ...User) error { return errors.New("not yet") }
func (n *Node) Address() string                         { return "" }
func (n *Node) Direct() string                          { return "" }
